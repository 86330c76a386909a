package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casbin/casbin/v2"
	casbinmodel "github.com/casbin/casbin/v2/model"
	fileadapter "github.com/casbin/casbin/v2/persist/file-adapter"
	"github.com/casbin/casbin/v2/util"
	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// plainCasbin reads what export wrote, with a domain matching function or
// without.
func plainCasbin(t *testing.T, dir string, patterns bool) *casbin.Enforcer {
	t.Helper()
	m, err := casbinmodel.NewModelFromFile(filepath.Join(dir, "model.conf"))
	require.NoError(t, err)
	e, err := casbin.NewEnforcer(m)
	require.NoError(t, err)
	if patterns {
		e.AddNamedDomainMatchingFunc("g", "keyMatch", util.KeyMatch)
	}
	e.SetAdapter(fileadapter.NewAdapter(filepath.Join(dir, "policy.csv")))
	require.NoError(t, e.LoadPolicy())
	return e
}

func TestExportShippedPacks(t *testing.T) {
	t.Parallel()
	for _, name := range policies.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "casbin")
			code, out, errOut := ctl(dir, "export", name, "-o", "DIR")
			require.Zero(t, code, errOut)
			require.Contains(t, out, "DIR/policy.csv: ")
			e := plainCasbin(t, dir, true)
			pack, _ := policies.Pack(name)
			rows := 0
			for _, section := range []string{"p", "g", "g2", "g3"} {
				var got [][]string
				if section == "p" {
					got, _ = e.GetPolicy()
				} else {
					got, _ = e.GetNamedGroupingPolicy(section)
				}
				rows += len(got)
				for _, fields := range got {
					require.Contains(t, pack.Rules, model.NewRule(section, fields...))
				}
			}
			require.Len(t, pack.Rules, rows)
		})
	}
}

// TestExportTenant has plain Casbin answer, for a tenant, what the host's
// Authz answers.
func TestExportTenant(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	file := filepath.Join(t.TempDir(), "host.db")
	users, domains := practice(t, file)
	db, err := authz.OpenSQLite(file)
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	defer pool.Close()
	az, err := authz.Open(ctx, db, authz.Config{Pack: accountancy.Pack()})
	require.NoError(t, err)
	defer az.Close()

	for name, flags := range map[string][]string{"patterns": nil, "flat": {"-flat"}} {
		dir := filepath.Join(t.TempDir(), "casbin")
		args := slices.Concat([]string{"export", "-o", "DIR", "-db", file, "-tenant", "acme"}, flags, []string{"accountancy"})
		code, _, errOut := ctl(dir, args...)
		require.Zero(t, code, errOut)
		e := plainCasbin(t, dir, flags == nil)
		allowed := 0
		for _, u := range users {
			for _, d := range domains {
				for _, p := range accountancy.Pack().Catalog.Permissions {
					if !p.Place.Covers(d) {
						continue
					}
					want, err := az.Enforce(ctx, u, d, p.Permission)
					require.NoError(t, err)
					got, err := e.Enforce("user:"+u.String(), d.String(), p.Permission.Object(), p.Permission.Action())
					require.NoError(t, err)
					require.Equal(t, want, got, "%s: %v in %v, %v", name, u, d, p.Permission)
					if got {
						allowed++
					}
				}
			}
		}
		require.Positive(t, allowed)
		policy, err := os.ReadFile(filepath.Join(dir, "policy.csv"))
		require.NoError(t, err)
		require.NotContains(t, string(policy), "user:temp", "what is over is no row")
		if flags != nil {
			for line := range strings.Lines(string(policy)) {
				require.False(t, strings.HasPrefix(line, "g, ") && strings.HasSuffix(line, "*\n"), line)
			}
		}
	}
}

// practice fills a database with a tenant.
func practice(t *testing.T, file string) (users []model.UserID, domains []model.Domain) {
	t.Helper()
	ctx := t.Context()
	db, err := authz.OpenSQLite(file)
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	now := time.Now().Add(-24 * time.Hour)
	az, err := authz.Open(ctx, db, authz.Config{Pack: accountancy.Pack(), Clock: func() time.Time { return now }})
	require.NoError(t, err)
	acme := model.Must(model.ParseTenantID("acme"))
	home := model.TenantDomain(acme)
	_, err = az.CreateTenant(ctx, authz.System, authz.Tenant{ID: acme, Name: "Acme"})
	require.NoError(t, err)
	domains = []model.Domain{home}
	for _, d := range []string{"d1", "d2"} {
		dossier, err := az.CreateDossier(ctx, authz.System, acme, authz.Dossier{ID: model.Must(model.ParseDossierID(d)), Name: d})
		require.NoError(t, err)
		domains = append(domains, dossier.Domain)
	}
	for name, c := range map[string]struct {
		in      model.Domain
		profile model.Profile
	}{
		"ann": {home, accountancy.Admin}, "emil": {home, accountancy.Employee}, "carl": {domains[1], accountancy.Administrator},
		"dora": {domains[2], accountancy.DocumentDelivery}, "temp": {domains[1], accountancy.FullAccess},
	} {
		u := model.Must(model.ParseUserID(name))
		users = append(users, u)
		_, err := az.AddPerson(ctx, authz.System, authz.Person{ID: u, FirstName: name, LastName: name})
		require.NoError(t, err)
		if name == "temp" {
			continue
		}
		require.NoError(t, az.AddMember(ctx, authz.System, c.in, authz.NewMember{User: u, Profiles: []model.Profile{c.profile}}))
	}
	require.NoError(t, az.Assign(ctx, authz.System, domains[1], authz.Supporting(model.Must(model.ParseUserID("emil")))))
	require.NoError(t, az.Configure(ctx, authz.System, domains[1], accountancy.ConfigurationB))
	require.NoError(t, az.SetPrivate(ctx, authz.System, domains[2], true))
	require.NoError(t, az.Close())
	require.NoError(t, pool.Close())
	return users, domains
}

// What a field of a model of the author's own holds is quoted.
func TestExportQuotes(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"model.conf": "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = sub, rule, dom, obj, act\n" +
			"[role_definition]\ng = _, _, _\ng2 = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n" +
			"[matchers]\nm = g(r.sub, p.sub, r.dom) && g2(r.dom, p.dom) && eval(p.rule) && r.obj == p.obj && r.act == p.act\n",
		"policy.csv": "p, boss, \"r.sub in ('user:ben', 'user:bob')\", tenant, big_report, view_all\n" +
			"p, boss, \"r.sub == \"\"user:bea\"\"\", tenant, big_report, view_all\n",
	}
	dir := office(t, files)
	_, out, _ := ctl(dir, "lint", "DIR")
	require.NotContains(t, out, "error: ", "lint has Casbin decide by it, too")
	require.Contains(t, out, "slow-matcher")
	code, _, errOut := ctl(dir, "export", "DIR", "-o", "DIR/out")
	require.Zero(t, code, errOut)
	e := plainCasbin(t, filepath.Join(dir, "out"), true)
	for _, who := range []string{"user:ben", "user:bea", "user:eve"} {
		_, err := e.AddGroupingPolicy(who, "boss", "acme/")
		require.NoError(t, err)
	}
	_, err := e.AddNamedGroupingPolicy("g2", "acme/", "tenant")
	require.NoError(t, err)
	for who, want := range map[string]bool{"user:ben": true, "user:bea": true, "user:eve": false} {
		ok, err := e.Enforce(who, "acme/", "big_report", "view_all")
		require.NoError(t, err)
		require.Equal(t, want, ok, who)
	}
}

// A password is in no message, wherever it stands in a DSN.
func TestDatabaseWithoutPassword(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://localhost/portal?user=u&password=S3cret":   "postgres://localhost/portal",
		"postgresql://u:S3cret@db:5432/portal?sslmode=disable": "postgresql://db:5432/portal",
		"postgres://u@db/portal?password=S3cret":               "postgres://db/portal",
		"postgres://u:S3cret#1@db/portal":                      "postgres://…",
		"postgres://u:/S3cret@db/portal":                       "postgres://…",
		"u:S3cret@tcp(db)/portal":                              "…@tcp(db)/portal",
		"u:S3cret@tcp(db)/portal?x=S3cret":                     "…@tcp(db)/portal",
		"portal.db":                                            "portal.db",
	} {
		require.Equal(t, want, redacted(dsn), dsn)
	}
	for _, dsn := range []string{"postgres://u:S3cret#1@db/portal", "postgres://u:S3cret/1@db/portal", "postgres://u@db/portal?password=S3cret&sslmode=none",
		"postgres://u:p%zzS3cret@db/portal", "postgres://u:2024/S3cret@db/portal", "postgres://u:/S3cret@db/portal"} {
		code, _, errOut := ctl(t.TempDir(), "export", "-o", "DIR/x", "-db", dsn, "-tenant", "acme", "accountancy")
		require.Equal(t, 2, code, errOut)
		require.NotContains(t, errOut, "S3cret")
		require.Contains(t, errOut, "no URL that PostgreSQL can be reached by")
	}
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	dir := office(t, nil)
	file := filepath.Join(t.TempDir(), "host.db")
	practice(t, file)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"the folder of a pack":     {[]string{"export", "-o", "DIR", "DIR"}, 2, "DIR is the folder of a pack"},
		"a tenant without a store": {[]string{"export", "-o", "DIR/x", "-tenant", "acme", "DIR"}, 2, "-db and -tenant go together"},
		"no domains":               {[]string{"export", "-o", "DIR/x", "-flat", "DIR"}, 2, "-flat wants a tenant"},
		"no database":              {[]string{"export", "-o", "DIR/x", "-db", "DIR/no.db", "-tenant", "acme", "DIR"}, 2, "no such file"},
		"no tenant":                {[]string{"export", "-o", "DIR/x", "-db", file, "-tenant", "globex", "accountancy"}, 1, "tenant globex: not in the database"},
		"no ID":                    {[]string{"export", "-o", "DIR/x", "-db", file, "-tenant", "a b", "accountancy"}, 2, "-tenant: "},
		"another pack":             {[]string{"export", "-o", "DIR/x", "-db", file, "-tenant", "acme", "sophia"}, 1, "the rows in force in the database are not those of the pack sophia"},
	} {
		code, out, errOut := ctl(dir, c.args...)
		require.Equal(t, c.code, code, "%s: %s", name, errOut)
		require.Empty(t, out, name)
		require.Contains(t, errOut, c.want, name)
	}
	require.NoDirExists(t, filepath.Join(dir, "x"))
}
