package storetest

import (
	"testing"

	"github.com/casbin/casbin/v2/persist"
	gormadapter "github.com/casbin/gorm-adapter/v3"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
)

// From v3.40 on gorm-adapter is made for casbin/v3, and panics at the start of
// a program that has casbin/v2. This line keeps such a version from building.
var _ persist.Adapter = (*gormadapter.Adapter)(nil)

// Adapter returns a gorm-adapter that reads the rules of all tenants and the
// pack, as a program with a Casbin of its own would. It shares db's pool.
func Adapter(t *testing.T, db *gorm.DB) *gormadapter.Adapter {
	t.Helper()
	db = db.Session(&gorm.Session{NewDB: true, Context: t.Context()})
	// Its own migration would narrow our columns to its idea of them.
	gormadapter.TurnOffAutoMigrate(db)
	adapter, err := gormadapter.NewAdapterByDB(db)
	require.NoError(t, err)
	return adapter
}
