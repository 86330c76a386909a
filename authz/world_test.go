package authz_test

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// The cast of a scene. An id begins with the letter of its kind, as its name does, so that a
// test can find the ids in an error's text.
var (
	tAcme = parsedTenant("t-acme")
	tBeta = parsedTenant("t-beta") // a competitor
	tGone = parsedTenant("t-gone") // closed
	tNone = parsedTenant("t-nowhere")

	uAnn   = parsedUser("u-ann")  // admin of acme
	uAmy   = parsedUser("u-amy")  // the other one
	uEmil  = parsedUser("u-emil") // employee, manager of dOne, in gCrew
	uOlga  = parsedUser("u-olga") // member of acme, and nothing else
	uCarl  = parsedUser("u-carl") // client user of every dossier of acme
	uDora  = parsedUser("u-dora") // admin of acme, deactivated
	uBea   = parsedUser("u-bea")  // admin of beta
	uBen   = parsedUser("u-ben")  // employee of beta, in its gang
	uGus   = parsedUser("u-gus")  // admin of gone
	uNina  = parsedUser("u-nina") // member of no tenant
	uGhost = parsedUser("u-ghost")
	uNone  = parsedUser("u-none") // unknown too

	gCrew  = parsedTeam("g-crew")  // emil; on dOne
	gSpare = parsedTeam("g-spare") // nobody; client users of dTwo
	gBeta  = parsedTeam("g-gang")  // beta's
	gNone  = parsedTeam("g-none")

	dOne     = dossier(tAcme, "d-1")
	dTwo     = dossier(tAcme, "d-2")
	dPending = dossier(tAcme, "d-pending") // changing from D to B
	dShut    = dossier(tAcme, "d-shut")    // closed
	dNone    = dossier(tAcme, "d-none")
	dBeta    = dossier(tBeta, "d-beta")
	dGone    = dossier(tGone, "d-gone")
)

// The addresses of those who are invited.
const (
	eIvo  = "ivo@new.example"  // to dOne
	eBeta = "beta@new.example" // to dBeta
	eShut = "shut@new.example" // to dShut, before it was closed
)

var (
	mDead = parsedMessage("m-dead") // given up; acme's
	mBeta = parsedMessage("m-beta") // beta's
	mNone = parsedMessage("m-none")
)

func parsedMessage(s string) model.MessageID { return model.Must(model.ParseMessageID(s)) }

func parsedTenant(s string) model.TenantID { return model.Must(model.ParseTenantID(s)) }
func parsedUser(s string) model.UserID     { return model.Must(model.ParseUserID(s)) }
func parsedTeam(s string) model.TeamID     { return model.Must(model.ParseTeamID(s)) }
func home(t model.TenantID) model.Domain   { return model.TenantDomain(t) }

func parsedDossier(s string) model.DossierID { return model.Must(model.ParseDossierID(s)) }
func dossier(t model.TenantID, s string) model.Domain {
	return model.DossierDomain(t, parsedDossier(s))
}

func noon() time.Time { return authztest.Start }

// A scene is an Authz on a database with the cast in it.
type scene struct {
	db *gorm.DB
	az *authz.Authz
}

// newScene sets the scene in a database of its own that is gone with the test.
func newScene(t testing.TB) scene {
	t.Helper()
	return setScene(t, emptyDB(t))
}

func emptyDB(t testing.TB) *gorm.DB {
	t.Helper()
	db, err := store.OpenMemory()
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return db
}

func setScene(t testing.TB, db *gorm.DB) scene {
	t.Helper()
	s := scene{db, openOn(t, db, time.Hour)}
	require.NoError(t, s.az.Transaction(t.Context(), populate))
	return s
}

// openOn opens an Authz. One with a staleness of an hour answers from memory
// as long as a test lasts, so that whatever a change that failed left there
// shows; one of a nanosecond asks the database before every answer.
func openOn(t testing.TB, db *gorm.DB, staleness time.Duration) *authz.Authz {
	t.Helper()
	az, err := authz.Open(t.Context(), db, authz.Config{Pack: scenePack(), Clock: noon, Staleness: staleness})
	require.NoError(t, err)
	return az
}

var (
	topicNews = model.Must(model.ParseTopic("news"))
	topicWork = model.Must(model.ParseTopic("work"))
)

// scenePack is the accountancy pack with topics, of which it has none.
var scenePack = sync.OnceValue(func() *model.Pack {
	files := fstest.MapFS{}
	for _, name := range []string{model.ModelFile, model.PolicyFile, model.CatalogFile} {
		files[name] = &fstest.MapFile{Data: model.Must(fs.ReadFile(accountancy.Files(), name))}
	}
	files[model.CatalogFile].Data = append(files[model.CatalogFile].Data, []byte("topic, news, tenant dossier, default, N, N, N\n"+
		"topic, work, dossier, default if dossier see, W, W, W\n")...)
	return model.Must(model.ReadPack(files, "accountancy"))
})

func populate(tx *authz.Tx) error {
	ctx, sys := context.Background(), authz.System
	var err error
	do := func(next error) {
		if err == nil {
			err = next
		}
	}
	for _, u := range []model.UserID{uAnn, uAmy, uEmil, uOlga, uCarl, uDora, uBea, uBen, uGus, uNina} {
		addresses := []authz.Address{{Email: u.String() + "@verified.example", Verified: noon()}, {Email: u.String() + "@new.example"}}
		_, next := tx.AddPerson(ctx, sys, authz.Person{ID: u, FirstName: "F", LastName: "L", Locale: "nl", Addresses: addresses})
		do(next)
	}
	for _, t := range []model.TenantID{tAcme, tBeta, tGone} {
		_, next := tx.CreateTenant(ctx, sys, authz.Tenant{ID: t, Name: "Office", Email: "office@verified.example"})
		do(next)
	}
	for _, m := range []struct {
		in model.Domain
		u  model.UserID
		p  []model.Profile
	}{
		{home(tAcme), uAnn, []model.Profile{accountancy.Admin}}, {home(tAcme), uAmy, []model.Profile{accountancy.Admin}},
		{home(tAcme), uEmil, []model.Profile{accountancy.Employee}}, {home(tAcme), uOlga, nil}, {home(tAcme), uCarl, nil},
		{home(tAcme), uDora, []model.Profile{accountancy.Admin}},
		{home(tBeta), uBea, []model.Profile{accountancy.Admin}}, {home(tBeta), uBen, []model.Profile{accountancy.Employee}},
		{home(tGone), uGus, []model.Profile{accountancy.Admin}},
	} {
		do(tx.AddMember(ctx, sys, m.in, authz.NewMember{User: m.u, Profiles: m.p}))
	}
	for _, m := range []struct {
		t    model.TenantID
		team model.TeamID
	}{{tAcme, gCrew}, {tAcme, gSpare}, {tBeta, gBeta}} {
		_, next := tx.CreateTeam(ctx, sys, m.t, authz.Team{ID: m.team, Name: "Team"})
		do(next)
	}
	do(tx.AddTeamMember(ctx, sys, tAcme, gCrew, uEmil))
	do(tx.AddTeamMember(ctx, sys, tBeta, gBeta, uBen))
	for _, d := range []struct {
		at   model.Domain
		want authz.Dossier
	}{
		{dOne, authz.Dossier{Name: "Baker", Manager: uEmil, Team: gCrew, Supporting: []model.UserID{uDora}}},
		{dTwo, authz.Dossier{Name: "Miller", Modules: []model.Module{accountancy.ModulePayment}}},
		{dPending, authz.Dossier{Name: "Mover", Configuration: accountancy.ConfigurationD}},
		{dShut, authz.Dossier{Name: "Former"}},
		{dBeta, authz.Dossier{Name: "Butcher", Team: gBeta}},
		{dGone, authz.Dossier{Name: "Gone"}},
	} {
		d.want.ID = d.at.Dossier()
		_, next := tx.CreateDossier(ctx, sys, d.at.Tenant(), d.want)
		do(next)
		if d.at.Tenant() == tAcme {
			do(tx.Grant(ctx, sys, authz.Grant{Subject: model.UserSubject(uCarl), Profile: accountancy.FullAccess, Domain: d.at}))
		}
	}
	do(tx.Grant(ctx, sys, authz.Grant{Subject: model.TeamSubject(gSpare), Profile: accountancy.FullFeedback, Domain: dTwo}))
	for _, n := range []struct {
		by    authz.Actor
		email string
		in    model.Domain
		p     model.Profile
	}{{admin, eIvo, dOne, accountancy.FullAccess}, {authz.By(uBea), eBeta, dBeta, accountancy.FullAccess}, {admin, eShut, dShut, accountancy.FullAccess}} {
		_, next := tx.Invite(ctx, n.by, n.in.Tenant(), authz.NewInvitation{
			FirstName: "I", LastName: "N", Email: n.email, Grants: []authz.InvitedGrant{{Domain: n.in, Profile: n.p}},
		})
		do(next)
	}
	do(populateContacts(tx))
	do(tx.Configure(ctx, sys, dPending, accountancy.ConfigurationB))
	do(tx.CloseDossier(ctx, sys, dShut))
	do(tx.DeactivateMember(ctx, sys, tAcme, uDora))
	do(addRequests(tx))
	do(addReviews(tx))
	do(tx.CloseTenant(ctx, sys, tGone))
	do(tx.DB().Where("1 = 1").Delete(&store.Message{}).Error) // the mails of all this are out
	for id, t := range map[model.MessageID]model.TenantID{mDead: tAcme, mBeta: tBeta} {
		do(tx.DB().Create(&store.Message{
			ID: id.String(), Kind: string(authz.InvitationMessage), Tenant: t.String(), Name: "N", Email: "n@new.example",
			Data: "{}", State: store.Dead, DoneAt: store.At(noon()),
		}).Error)
	}
	return err
}

// dump returns every row of every table of ours.
func (s scene) dump(t testing.TB) []string {
	t.Helper()
	tables, err := s.db.Migrator().GetTables()
	require.NoError(t, err)
	var all []string
	for _, table := range tables {
		if table != "casbin_rule" && !strings.HasPrefix(table, "volmacht_") {
			continue
		}
		rows, err := s.db.Raw("SELECT * FROM " + table).Rows()
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			line := table
			for i, v := range values {
				line += fmt.Sprintf(" %s=%q", columns[i], fmt.Sprint(v))
			}
			all = append(all, line)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	require.NotEmpty(t, all)
	slices.Sort(all)
	return all
}

// answers asks az the same questions every time: where each tenant stands, and
// who may do what.
func answers(t testing.TB, az *authz.Authz) []string {
	t.Helper()
	var requests []authz.Request
	for _, u := range []model.UserID{uAnn, uEmil, uOlga, uCarl, uDora, uNina, uBea, uGus} {
		for _, d := range []model.Domain{home(tAcme), dOne, dTwo, dShut, home(tBeta), dBeta, dGone} {
			for _, p := range []model.Permission{accountancy.EditSelf, accountancy.EditTenant, accountancy.SeeDossier, accountancy.UsePayment} {
				if askedIn(p, d) {
					requests = append(requests, authz.Request{User: u, Domain: d, Permission: p})
				}
			}
		}
	}
	allowed, err := az.EnforceBatch(t.Context(), requests)
	require.NoError(t, err)
	var said []string
	for i, r := range requests {
		if allowed[i] {
			said = append(said, fmt.Sprint(r.User, " ", r.Domain, " ", r.Permission))
		}
	}
	for _, tenant := range []model.TenantID{tAcme, tBeta, tGone} {
		revision, err := az.Revision(t.Context(), tenant)
		require.NoError(t, err)
		said = append(said, fmt.Sprint(tenant, " ", revision))
	}
	return said
}

// askedIn reports whether p is a question that can be asked in d.
func askedIn(p model.Permission, d model.Domain) bool {
	entry, ok := accountancy.Pack().Catalog.Permission(p)
	return ok && entry.Place.Covers(d)
}

// A snapshot is what must be the same after a change that failed.
type snapshot struct{ rows, answers []string }

func (s scene) snapshot(t testing.TB) snapshot {
	t.Helper()
	return snapshot{s.dump(t), answers(t, s.az)}
}

// requireSame fails when rows or answers differ, now or for a process that
// starts now.
func (s scene) requireSame(t testing.TB, before snapshot) {
	t.Helper()
	require.Equal(t, before.rows, s.dump(t))
	require.Equal(t, before.answers, answers(t, s.az))
}

func (s scene) requireSameReopened(t testing.TB, before snapshot) {
	t.Helper()
	s.requireSame(t, before)
	require.Equal(t, before.answers, answers(t, openOn(t, s.db, time.Hour)), "after opening again")
	require.Equal(t, before.rows, s.dump(t), "after opening again")
}

// requireAgreement wants that the rows that decide say what the tables of
// members, dossiers and assignments say.
func (s scene) requireAgreement(t testing.TB) {
	t.Helper()
	none := func(query string) {
		t.Helper()
		var odd []string
		require.NoError(t, s.db.Raw(query).Scan(&odd).Error)
		require.Empty(t, odd, query)
	}
	concat := func(parts ...string) string {
		if s.db.Name() == "sqlite" {
			return "(" + strings.Join(parts, " || ") + ")"
		}
		return "CONCAT(" + strings.Join(parts, ", ") + ")"
	}
	// m is a row of members or dossiers.
	open := "EXISTS (SELECT 1 FROM volmacht_tenants t WHERE t.id = m.tenant AND t.closed_at = 0)"
	path, everywhere := concat("m.tenant", "'/'", "m.id"), concat("m.tenant", "'/*'")
	rule := func(ptype, v0, v1, v2 string) string {
		return "EXISTS (SELECT 1 FROM casbin_rule r WHERE r.ptype = '" + ptype + "' AND r.v0 = " + v0 + " AND r.v1 = '" + v1 + "' AND r.v2 = " + v2 + ")"
	}
	none("SELECT m.person FROM volmacht_members m WHERE (m.state = 'active' AND " + open + ") <> " +
		rule("g", concat("'user:'", "m.person"), "member", everywhere))
	there := "(m.closed_at = 0 AND " + open + ")"
	none("SELECT m.id FROM volmacht_dossiers m WHERE " + there + " <> " + rule("g2", path, "dossier", "''"))
	none("SELECT m.id FROM volmacht_dossiers m WHERE (" + there + " AND m.private) <> " + rule("g2", path, "private", "''"))
	none("SELECT m.id FROM volmacht_dossiers m WHERE (" + there + " AND NOT m.private) <> " + rule("g2", path, "shared", "''"))
	for _, c := range []string{"B", "C", "D"} {
		none("SELECT m.id FROM volmacht_dossiers m WHERE (" + there + " AND m.configuration = '" + c + "') <> " + rule("g2", path, "configuration:"+c, "''"))
	}

	// Who is linked is assigned, as long as member, dossier and tenant last,
	// and nobody else is, not even on the shelf.
	links := `(SELECT tenant, id AS dossier, ` + concat("'user:'", "manager") + ` AS who, manager AS person FROM volmacht_dossiers WHERE manager IS NOT NULL
		UNION ALL SELECT tenant, id, ` + concat("'team:'", "team") + `, NULL FROM volmacht_dossiers WHERE team IS NOT NULL
		UNION ALL SELECT tenant, dossier, ` + concat("'user:'", "person") + `, person FROM volmacht_supporting) l`
	none(`SELECT l.who FROM ` + links + ` JOIN volmacht_dossiers m ON m.tenant = l.tenant AND m.id = l.dossier
		WHERE m.closed_at = 0 AND ` + open + ` AND (l.person IS NULL OR EXISTS (
			SELECT 1 FROM volmacht_members p WHERE p.tenant = l.tenant AND p.person = l.person AND p.state = 'active'))
		AND NOT ` + rule("g", "l.who", "assigned", path))
	for _, table := range []string{"casbin_rule", "volmacht_shelved_rules"} {
		none(`SELECT a.v0 FROM ` + table + ` a WHERE a.v1 = 'assigned' AND a.tenant <> '' AND NOT EXISTS (
			SELECT 1 FROM ` + links + ` WHERE l.tenant = a.tenant AND a.v0 = l.who AND a.v2 = ` + concat("l.tenant", "'/'", "l.dossier") + `)`)
	}
}

// ledger reads all of acme's.
func ledger(t testing.TB, az *authz.Authz) (all []authz.LedgerEntry) {
	t.Helper()
	for {
		page, err := az.Ledger(t.Context(), system, tAcme, uint64(len(all)), 1000)
		require.NoError(t, err)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// requireReplay wants that acme's rows are those that its ledger adds up to.
func (s scene) requireReplay(t testing.TB, ledger []authz.LedgerEntry) {
	t.Helper()
	want := make(map[model.Rule]bool)
	for _, e := range ledger {
		for _, r := range e.Removed {
			require.True(t, want[r], "revision %d removes what is not there: %v", e.Revision, r)
			delete(want, r)
		}
		for _, r := range e.Added {
			require.False(t, want[r], "revision %d adds what is there: %v", e.Revision, r)
			want[r] = true
		}
	}
	var rows []store.CasbinRule
	require.NoError(t, s.db.Where("tenant = ?", tAcme.String()).Find(&rows).Error)
	got := make(map[model.Rule]bool)
	for _, r := range rows {
		row, err := r.Row()
		require.NoError(t, err)
		got[row.Rule] = true
	}
	require.Equal(t, want, got)
}
