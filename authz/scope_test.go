package authz_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A file is a row of the host's. The columns compare as the host's database
// does, or worse: without regard to case.
type file struct {
	ID      int
	Tenant  string
	Dossier string
	Owner   string
}

// files makes the host's table: two files in each of the dossiers and in places
// that are none, and a table of comments on them.
func (v *village) files(t *testing.T) []file {
	t.Helper()
	text := map[string]string{
		"sqlite":   "text COLLATE NOCASE",
		"postgres": "varchar(40)",
		"mysql":    "varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
	}[v.db.Name()]
	for _, statement := range []string{
		"CREATE TABLE files (id int PRIMARY KEY, tenant " + text + ", dossier " + text + ", owner " + text + ")",
		"CREATE INDEX files_place ON files (tenant, dossier)",
		"CREATE TABLE comments (id int PRIMARY KEY, file int, tenant " + text + ")",
	} {
		require.NoError(t, v.db.Exec(statement).Error)
	}
	var all []file
	add := func(tenant, dossier string) {
		for range 2 {
			f := file{len(all) + 1, tenant, dossier, pick(v.Rand, v.users).String()}
			all = append(all, f)
			require.NoError(t, v.db.Exec("INSERT INTO comments VALUES (?, ?, ?)", f.ID, f.ID, "acme").Error)
		}
	}
	for _, d := range v.dossiers {
		add(d.Tenant().String(), d.Dossier().String())
	}
	for _, odd := range [][2]string{{"nowhere", "d1"}, {"acme", "*"}, {"acme", ""}, {"", "d1"}, {"acme ", "d1"}, {"acme", "d1 "}, {"acme/", "d1"}, {"ACME", "d1"}, {"acme", "D2"}, {"a%", "d_"}} {
		add(odd[0], odd[1])
	}
	require.NoError(t, v.db.Create(&all).Error)
	require.NoError(t, v.db.Exec("INSERT INTO files VALUES (0, NULL, 'd1', NULL), (-1, 'acme', NULL, NULL)").Error)
	return all
}

func fileIDs(files []file) []int {
	ids := make([]int, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	return ids
}

// Whatever the state, the rows that a scope selects are those whose dossier
// Enforce, EnforceBatch, Dossiers and Explain allow.
func TestScopeEqualsEnforce(t *testing.T) {
	t.Parallel()
	eachPackAndMaze(t, func(t *testing.T, pack func(*testing.T, *rand.Rand) *model.Pack) {
		storetest.Each(t, func(t *testing.T, db *gorm.DB) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 0))
			v := newVillage(t, db, pack(t, r), r, authz.Config{})
			files := v.files(t)
			permissions := askedOnDossiers(v.pack)
			states, enough := 170, 100 // rows
			if testing.Short() {
				states, enough = 15, 10
			}
			enough = v.certain(enough)
			selected := 0
			for i := 0; i < states || selected < enough; i++ {
				require.Less(t, i, 50*states, "nothing is allowed here")
				what, err := v.step(t.Context())
				requireExpected(t, err)
				for range 3 {
					u, p := pick(r, v.users), pick(r, permissions)
					if r.IntN(2) == 0 {
						if _, declared := v.pack.Catalog.Permission(p.Of(u).For(u)); declared {
							p = p.Of(pick(r, v.users))
						}
					}
					selected += v.compare(t, files, u, p, fmt.Sprintf("state %d, after %s", i, what))
				}
			}
		})
	})
}

// compare asks about every dossier, in every way, and returns how many rows
// were selected.
func (v *village) compare(t *testing.T, files []file, u model.UserID, p model.Permission, when string) int {
	t.Helper()
	ctx := t.Context()
	asked := fmt.Sprintf("%s: %v, %v (own: %v)", when, u, p, p != p.Of(model.UserID{}))
	var requests []authz.Request
	for _, d := range v.dossiers {
		requests = append(requests, authz.Request{User: u, Domain: d, Permission: p})
	}
	batch, err := v.az.EnforceBatch(ctx, requests)
	require.NoError(t, err)
	list := collect(t, v.az.Dossiers(ctx, u, p, model.Domain{}))
	allowed := make(map[[2]string]bool)
	for i, r := range requests {
		ok, err := v.az.Enforce(ctx, u, r.Domain, p)
		require.NoError(t, err)
		d, err := v.az.Explain(ctx, u, r.Domain, p)
		require.NoError(t, err)
		require.Equal(t, ok, batch[i], asked)
		require.Equal(t, ok, d.Allowed, asked)
		require.Equal(t, ok, slices.Contains(list, r.Domain), "%s: %v", asked, r.Domain)
		allowed[[2]string{r.Domain.Tenant().String(), r.Domain.Dossier().String()}] = ok
	}
	want := []int{}
	for _, f := range files {
		if allowed[[2]string{f.Tenant, f.Dossier}] {
			want = append(want, f.ID)
		}
	}

	scope, err := v.az.Scope(ctx, u, p)
	require.NoError(t, err)
	text, args, err := scope.SQL("f.tenant", "f.dossier")
	require.NoError(t, err)
	require.NotContains(t, text, v.tenants[0].String()) // it is in the arguments
	var got []file
	require.NoError(t, v.db.Scopes(scope.On("tenant", "dossier")).Order("id").Find(&got).Error, "%s: %s", asked, text)
	require.Equal(t, want, fileIDs(got), "%s: %s %v", asked, text, args)

	// Counts and pages, plain SQL, a join, and what the host asks besides.
	var n int64
	require.NoError(t, v.db.Model(&file{}).Scopes(scope.On("files.tenant", "files.dossier")).Count(&n).Error)
	require.EqualValues(t, len(want), n, asked)
	size, paged := 1+v.IntN(4), []int{}
	for offset := 0; ; offset += size {
		var page []file
		require.NoError(t, v.db.Scopes(scope.On("tenant", "dossier")).Order("id").Limit(size).Offset(offset).Find(&page).Error)
		if len(page) == 0 {
			break
		}
		paged = append(paged, fileIDs(page)...)
	}
	require.Equal(t, want, paged, asked)
	joined := []int{}
	require.NoError(t, v.db.Raw("SELECT f.id FROM files AS f JOIN comments ON comments.file = f.id WHERE "+text+" ORDER BY f.id", args...).Scan(&joined).Error)
	require.Equal(t, want, joined, asked)
	joined = []int{}
	require.NoError(t, v.db.Table("files").Joins("JOIN comments ON comments.file = files.id").Where("comments.id > ? OR comments.id < 0", 0).
		Scopes(scope.On("tenant", "dossier")).Order("files.id").Pluck("files.id", &joined).Error)
	require.Equal(t, want, joined, asked)
	return len(want)
}

// A scope is refused where it could not be right, and selects nothing for who
// has nothing.
func TestScopeRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ctx := t.Context()
	see := model.SeeDossier
	for name, ask := range map[string]struct {
		u model.UserID
		p model.Permission
	}{
		"nobody":          {model.UserID{}, see},
		"nothing":         {uAnn, model.Permission{}},
		"unknown":         {uAnn, model.Must(model.ParsePermission("moon", "view"))},
		"asked elsewhere": {uNina, model.EditTenant},
	} {
		_, err := s.az.Scope(ctx, ask.u, ask.p)
		requireIs(t, err, authz.ErrInvalid, name)
	}
	_, err := (&authz.Authz{}).Scope(ctx, uAnn, see)
	requireIs(t, err, authz.ErrInvalid, "zero Authz")

	scope, err := s.az.Scope(ctx, uAnn, see)
	require.NoError(t, err)
	type volmachtDossiers struct{ ID string }
	find := func(scope authz.Scope, tenant, dossier string) ([]volmachtDossiers, error) {
		var all []volmachtDossiers
		return all, s.db.Table("volmacht_dossiers").Scopes(scope.On(tenant, dossier)).Find(&all).Error
	}
	for _, bad := range []string{"", " ", "tenant ", "1", "a.b.c.d", "a..b", ".a", "a.", "tenant; DROP TABLE files", "tenant--", `"tenant"`, "`tenant`",
		"tenant = tenant OR 1", "a(b)", "té", "tenant\n", "tenant\x00", "volmacht_rule.tenant", "?"} {
		for _, columns := range [][2]string{{bad, "id"}, {"tenant", bad}} {
			_, err := find(scope, columns[0], columns[1])
			requireIs(t, err, authz.ErrInvalid, bad)
			_, _, err = scope.SQL("f."+columns[0], columns[1])
			requireIs(t, err, authz.ErrInvalid, bad)
		}
	}
	_, _, err = scope.SQL("tenant", "id")
	requireIs(t, err, authz.ErrInvalid, "no table")
	_, err = find(authz.Scope{}, "tenant", "id")
	requireIs(t, err, authz.ErrInvalid, "zero Scope")
	_, _, err = authz.Scope{}.SQL("f.tenant", "f.id")
	requireIs(t, err, authz.ErrInvalid, "zero Scope")

	all, err := find(scope, "tenant", "id")
	require.NoError(t, err)
	require.Len(t, all, 3)
	for _, u := range []model.UserID{uOlga, uDora, uGus, uNina, uGhost} {
		scope, err := s.az.Scope(ctx, u, see)
		require.NoError(t, err)
		all, err := find(scope, "tenant", "id")
		require.NoError(t, err)
		require.Empty(t, all, u)
	}

	// In a transaction a scope sees what the transaction has done.
	require.NoError(t, s.az.Transaction(ctx, func(tx *authz.Tx) error {
		require.NoError(t, tx.CloseDossier(ctx, system, dOne))
		scope, err := tx.Scope(ctx, uAnn, see)
		require.NoError(t, err)
		var n int64
		require.NoError(t, tx.DB().Table("volmacht_dossiers").Scopes(scope.On("tenant", "id")).Count(&n).Error)
		require.EqualValues(t, 2, n)
		return nil
	}))
}

// A user of so many tenants that no database takes the condition is told so.
func TestScopeTooWide(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		scope, err := s.az.Scope(t.Context(), uAnn, model.SeeDossier)
		require.NoError(t, err)
		count := func(scope authz.Scope) error {
			var n int64
			return db.Table("volmacht_dossiers").Scopes(scope.On("tenant", "id")).Count(&n).Error
		}
		_, few, err := scope.SQL("f.tenant", "f.id")
		require.NoError(t, err)
		_, more, err := authz.Widen(scope, 1).SQL("f.tenant", "f.id")
		require.NoError(t, err)
		room := (30_000 - len(few)) / (len(more) - len(few))
		require.NoError(t, count(authz.Widen(scope, room-10)), "the control: gorm counts the columns, too")
		requireIs(t, count(authz.Widen(scope, room+1)), authz.ErrConflict, "one more")
		_, _, err = authz.Widen(scope, room+1).SQL("f.tenant", "f.id")
		requireIs(t, err, authz.ErrConflict, "plain")
	})
}

// Of a user with few dossiers in each of many tenants not all are named.
func TestScopeOfManyTenants(t *testing.T) {
	t.Parallel()
	az, _ := authztest.Open(t, accountancy.Pack())
	ctx := t.Context()
	p, err := az.AddPerson(ctx, system, authz.Person{FirstName: "Ann", LastName: "Peeters"})
	require.NoError(t, err)
	named := func() int {
		scope, err := az.Scope(ctx, p.ID, model.SeeDossier)
		require.NoError(t, err)
		return authz.Listed(scope)
	}
	for i := range 11 {
		tenant, err := az.CreateTenant(ctx, system, authz.Tenant{Name: fmt.Sprint("office ", i)})
		require.NoError(t, err)
		require.NoError(t, az.Transaction(ctx, func(tx *authz.Tx) error {
			for i := range 100 {
				d, err := tx.CreateDossier(ctx, system, tenant.ID, authz.Dossier{Name: fmt.Sprint("dossier ", i)})
				if err == nil {
					err = tx.AddMember(ctx, system, d.Domain, authz.NewMember{User: p.ID, Profiles: []model.Profile{accountancy.FullAccess}})
				}
				if err != nil {
					return err
				}
			}
			return nil
		}))
		if i == 9 {
			require.Equal(t, 1000, named(), "the control")
		}
	}
	require.Zero(t, named())
}

// A permission that a new pack brings is one of the scope at once, in every process and
// for who is nowhere a member, too.
func TestScopeAfterPublish(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx := t.Context()
		az := node(t, db, authz.Config{})
		_, ann := settle(t, az, "acme")
		export := model.Must(model.ParsePermission("figure", "export"))
		nowhere := model.DossierDomain(id(t, model.ParseTenantID, "nowhere"), id(t, model.ParseDossierID, "d1"))
		scope := func(u model.UserID) func(*authz.Authz) error {
			return func(az *authz.Authz) error { _, err := az.Scope(ctx, u, export); return err }
		}
		asks := []struct {
			az  *authz.Authz
			ask func(*authz.Authz) error
		}{
			{az, scope(ann)},
			{node(t, storetest.Reopen(t, db), authz.Config{Staleness: time.Nanosecond}), scope(ann)},
			{node(t, storetest.Reopen(t, db), authz.Config{}), scope(uGhost)},
			{node(t, storetest.Reopen(t, db), authz.Config{}), func(az *authz.Authz) error {
				ok, err := az.Enforce(ctx, ann, nowhere, export)
				require.False(t, ok)
				return err
			}},
		}
		for i, a := range asks {
			requireIs(t, a.ask(a.az), authz.ErrInvalid, fmt.Sprint(i))
		}
		view := "permission, figure view, "
		second := edited(t, version1, version2, view, "permission, figure export, dossier, , Export, Export, Export\n"+view,
			figures, figures+strings.Replace(figures, "view", "export", 1))
		_, err := az.Publish(ctx, authz.System, second)
		require.NoError(t, err)
		for i, a := range asks {
			require.NoError(t, a.ask(a.az), i)
		}
	})
}

// Under a model of its own the dossiers are listed, as exactly, and too many of
// them are refused.
func TestScopeOfAnotherModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		shipped := accountancy.Pack()
		// The same, said the other way round.
		other := strings.Replace(shipped.File(model.ModelFile), `p.act == "*" || r.act == p.act`, `r.act == p.act || p.act == "*"`, 1)
		require.NotEqual(t, shipped.File(model.ModelFile), other)
		pack, err := model.ParsePack(shipped.Name, map[string]string{
			model.ModelFile: other, model.PolicyFile: shipped.File(model.PolicyFile), model.CatalogFile: shipped.File(model.CatalogFile),
		})
		require.NoError(t, err)
		v := newVillage(t, db, pack, r, authz.Config{})
		files := v.files(t)
		var most model.UserID
		for i, selected := 0, 0; i < 5 || selected < 20; i++ {
			what, err := v.step(t.Context())
			requireExpected(t, err)
			u := pick(r, v.users)
			n := v.compare(t, files, u, pick(r, askedOnDossiers(pack)), what)
			if selected += n; n > 0 {
				most = u
			}
		}
		n := len(collect(t, v.az.Dossiers(t.Context(), most, model.SeeDossier, model.Domain{})))
		require.NoError(t, authz.ListInScope(t.Context(), v.az, most, model.SeeDossier, v.tenants, n))
		require.ErrorIs(t, authz.ListInScope(t.Context(), v.az, most, model.SeeDossier, v.tenants, n-1), authz.ErrConflict)
	})
}

// What is simplified holds wherever the original does, and nowhere else; and it
// is no longer.
func TestSimplify(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	type row = [3]string
	rows := [][]row{ // by sort
		{{"g", "user:u", "a"}, {"g", "user:u", "b"}, {"g", "team:t", "a"}, {"g", "team:t", "b"}},
		{{"g2", "", "shared"}, {"g2", "", "private"}, {"g2", "", "marked"}},
	}
	every := slices.Concat(rows...)
	holds := func(all [][][]row, world map[row]bool) bool {
		return slices.ContainsFunc(all, func(atoms [][]row) bool {
			return !slices.ContainsFunc(atoms, func(a []row) bool {
				return !slices.ContainsFunc(a, func(f row) bool { return world[f] })
			})
		})
	}
	shorter := 0
	for range 3000 {
		var all [][][]row
		for range r.IntN(5) {
			var atoms [][]row
			for range r.IntN(4) {
				var a []row
				sort := pick(r, rows)
				for range 1 + r.IntN(3) {
					a = append(a, pick(r, sort))
				}
				atoms = append(atoms, a)
			}
			all = append(all, atoms)
		}
		simple := authz.Simplify(all)
		require.LessOrEqual(t, len(simple), len(all))
		if len(simple) < len(all) {
			shorter++
		}
		for bits := range 1 << len(every) {
			world := make(map[row]bool)
			for i, f := range every {
				world[f] = bits>>i&1 != 0
			}
			require.Equal(t, holds(all, world), holds(simple, world), "%v is not %v in %v", all, simple, world)
		}
	}
	require.Positive(t, shorter)
}

// A row on a dossier counts from its start until just before its end, beside
// another of the same sort that always counts.
func TestScopeInTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		ctx := t.Context()
		now := noon()
		az, err := authz.Open(ctx, db, authz.Config{Pack: scenePack(), Clock: func() time.Time { return now }})
		require.NoError(t, err)
		from, until := noon().Add(time.Hour), noon().Add(2*time.Hour)
		require.NoError(t, az.Grant(ctx, system, authz.Grant{
			Subject: model.UserSubject(uCarl), Profile: accountancy.FullAccess, Domain: dTwo, From: from, Until: until,
		}))
		for _, at := range []time.Time{noon(), from.Add(-time.Microsecond), from, from.Add(time.Minute), until.Add(-time.Microsecond), until, until.Add(time.Hour)} {
			now = at
			scope, err := az.Scope(ctx, uCarl, accountancy.EnterPortal)
			require.NoError(t, err)
			found, want := []string{}, []string{"d-1", "d-2", "d-pending"}
			if at.Before(from) || !at.Before(until) {
				want = []string{"d-1", "d-pending"}
			}
			require.NoError(t, s.db.Table("volmacht_dossiers").Scopes(scope.On("tenant", "id")).Order("id").Pluck("id", &found).Error)
			require.Equal(t, want, found, at)
		}
	})
}
