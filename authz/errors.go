package authz

import (
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// The errors a caller branches on, with errors.Is. After any of them nothing is
// allowed, and, but for [ErrUnavailable], nothing has changed. A context that
// ends gives its own error.
var (
	// ErrDenied: the actor may not do this. Where a permission is lacking, the
	// error is a [*DeniedError]; it is not where the change itself is out of
	// bounds, such as one to the actor's own profiles.
	ErrDenied = errors.New("denied")
	// ErrNotFound: there is no such thing, or the actor may not know of it.
	ErrNotFound = store.ErrNotFound
	// ErrConflict: it does not fit what is there, such as an id that is taken,
	// the last administrator, or a deactivated member.
	ErrConflict = store.ErrConflict
	// ErrExpired: a request for an account waited too long; or a link is not
	// good, or not any more: which of the two, and why, is not said.
	ErrExpired = errors.New("expired")
	// ErrInvalid: the request itself is malformed.
	ErrInvalid = model.ErrInvalid
	// ErrStale: what this node knows is too old to decide on, and the
	// database could not be asked.
	ErrStale = errors.New("stale")
	// ErrUnavailable: the database could not be asked or did not answer. A
	// write that ends so may or may not have been done; all others were not.
	ErrUnavailable = store.ErrUnavailable
	// ErrCorrupt: stored rows contradict each other; see [Authz.VerifyLedger].
	ErrCorrupt = store.ErrCorrupt
)

// A DeniedError is an [ErrDenied] with the request, and with what would lift it.
type DeniedError struct {
	User       model.UserID
	Domain     model.Domain
	Permission model.Permission
	Decision   Decision // why; see [Authz.Explain]
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("user %v may not %q in %v: %v", e.User, e.Permission, e.Domain, e.Decision.Reason())
}

// Is makes a DeniedError an [ErrDenied].
func (e *DeniedError) Is(target error) bool { return target == ErrDenied }
