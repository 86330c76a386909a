package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
)

// changed is the policy of the firm with some other answers.
var changed = strings.NewReplacer(
	"p, anyone,  any,      configuration:B, report,         view,   deny\n", "",
	"p, clerk,   assigned, dossier,         dossier,        assign, allow\n", "p, clerk, assigned, private, dossier, assign, allow\n",
	"p, boss,    any,      shared,          *,              *,      allow\n", "p, boss, any, dossier, *, *, allow\n",
	"p, member,  any,      tenant,          self,           edit,   allow\n", "",
).Replace(firmPolicy)

func TestDiff(t *testing.T) {
	t.Parallel()
	old := firm(t, nil)
	new := firm(t, map[string]string{"policy.csv": changed, "catalog.csv": strings.Replace(firmCatalog, "office, , 1", "office, , 2", 1)})
	code, out, errOut := ctl(old, "diff", "DIR", new)
	require.Equal(t, 1, code)
	require.Empty(t, errOut)
	golden(t, "diff.txt", out)
	code, out, _ = ctl(old, "diff", "-json", "DIR", new)
	require.Equal(t, 1, code)
	golden(t, "diff.json", out)

	code, out, _ = ctl(old, "diff", "DIR", "DIR")
	require.Zero(t, code)
	require.Equal(t, "office 1 → office 1\nno answer changes\n", out)
	code, out, _ = ctl(old, "diff", "-json", "DIR", "DIR")
	require.Zero(t, code)
	require.Equal(t, "{\n  \"old\": \"office 1\",\n  \"new\": \"office 1\",\n  \"changes\": []\n}\n", out)
	code, _, errOut = ctl(old, "diff", "DIR")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "1 packs, want two")
}

func TestDiffOfAStore(t *testing.T) {
	t.Parallel()
	dir := firm(t, nil)
	newDir := firm(t, map[string]string{"policy.csv": changed})
	path := filepath.Join(t.TempDir(), "store.db")
	fill(t, dir, path)

	code, out, errOut := ctl(dir, "diff", "-db", path, "DIR", newDir)
	require.Equal(t, 1, code, errOut)
	golden(t, "diffdb.txt", out)
	code, out, errOut = ctl(dir, "diff", "-db", path, "DIR", "DIR")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "people of acme: Acme\n  nobody gains or loses anything\n")
	code, out, errOut = ctl(newDir, "diff", "-db", path, "DIR", "DIR")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "note: the rows in force in the store are not those of office 1")

	code, _, errOut = ctl(dir, "diff", "-db", filepath.Join(t.TempDir(), "none.db"), "DIR", "DIR")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "no such file")
	empty := filepath.Join(t.TempDir(), "empty.db")
	db, err := authz.OpenSQLite(empty)
	require.NoError(t, err)
	require.NoError(t, db.Exec("CREATE TABLE x (y)").Error)
	code, _, errOut = ctl(dir, "diff", "-db", empty, "DIR", "DIR")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "no table volmacht_tenants: it holds no store")
	require.False(t, db.Migrator().HasTable("casbin_rule"), "nothing is written into a database of somebody else")
}

// fill makes a store in which the pack in dir is in force, with a few people.
func fill(t *testing.T, dir, path string) {
	t.Helper()
	ctx := context.Background()
	src, err := findSource(dir)
	require.NoError(t, err)
	pack, err := src.pack()
	require.NoError(t, err)
	db, err := authz.OpenSQLite(path)
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	defer pool.Close()
	az, err := authz.Open(ctx, db, authz.Config{Pack: pack})
	require.NoError(t, err)
	defer az.Close()

	acme := model.Must(model.ParseTenantID("acme"))
	_, err = az.CreateTenant(ctx, authz.System, authz.Tenant{ID: acme, Name: "Acme"})
	require.NoError(t, err)
	_, err = az.CreateTenant(ctx, authz.System, authz.Tenant{ID: model.Must(model.ParseTenantID("zenith")), Name: "Zenith"})
	require.NoError(t, err)
	var dossiers []model.Domain
	for _, id := range []string{"d1", "d2", "d3", "d4", "d5", "d6", "d7"} {
		d, err := az.CreateDossier(ctx, authz.System, acme, authz.Dossier{
			ID: model.Must(model.ParseDossierID(id)), Name: id, Private: id > "d1",
			Configuration: model.Must(model.ParseConfiguration("B")),
		})
		require.NoError(t, err)
		dossiers = append(dossiers, d.Domain)
	}
	for _, p := range []struct {
		id, first, last, profile string
		in                       model.Domain
	}{
		{"u-ann", "Ann", "Aerts", "boss", model.TenantDomain(acme)},
		{"u-carl", "Carl", "Claes", "client", dossiers[0]},
		{"u-tim", "Tim", "Thys", "clerk", model.TenantDomain(acme)},
	} {
		user := model.Must(model.ParseUserID(p.id))
		_, err := az.AddPerson(ctx, authz.System, authz.Person{ID: user, FirstName: p.first, LastName: p.last, Locale: "nl"})
		require.NoError(t, err)
		require.NoError(t, az.AddMember(ctx, authz.System, p.in, authz.NewMember{User: user, Profiles: []model.Profile{model.Must(model.ParseProfile(p.profile))}}))
	}
	require.NoError(t, az.Assign(ctx, authz.System, dossiers[0], authz.Supporting(model.Must(model.ParseUserID("u-tim")))))
}
