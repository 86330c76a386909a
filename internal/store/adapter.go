package store

import (
	"context"
	"fmt"

	"github.com/casbin/casbin/v2/persist"
	gormadapter "github.com/casbin/gorm-adapter/v3"
	"gorm.io/gorm"
)

// From v3.40 on gorm-adapter is made for casbin/v3, and panics at the start of
// a program that has casbin/v2. This line keeps such a version from building.
var _ persist.Adapter = (*gormadapter.Adapter)(nil)

// Adapter returns a gorm-adapter that reads the rules of all tenants and the
// pack. It shares the host's pool: never call its Close, which closes that.
// What it writes has no revision and no ledger entry, and counts as the pack's;
// its SavePolicy empties the table.
func (s *Store) Adapter() (*gormadapter.Adapter, error) {
	db := s.db.Session(&gorm.Session{NewDB: true, Context: context.Background()})
	// Its own migration would narrow our columns to its idea of them.
	gormadapter.TurnOffAutoMigrate(db)
	adapter, err := gormadapter.NewAdapterByDB(db)
	if err != nil {
		return nil, fmt.Errorf("store: adapter: %w", Translate(err))
	}
	return adapter, nil
}
