package authz_test

import (
	"encoding/json"
	"fmt"
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

// Attempted: to get an id in that means something else further on: a wildcard,
// a separator, another kind, one that a database cuts or folds.
func TestA18HostileIDs(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "*", "a*", "a/b", "a/", "/", "a:b", "user:a", "team:a", "a,b", "a b", " a", "a ", "a\n", "a\r", "a\tb", "a\x00", "a\x00b", "\x7f",
		"a.b", "..", "a%", "a_%", "a'b", `a"b`, "a`b", "a;b", "a\\b", "a|b", "a&b", "a#b", "a?b", "a=b", "a@b", "(a)", "${a}", "é", "а", "ａ", "ı", "a\u200b",
		"a\u0301", "\ufeffa", "a\xff", "\xc3", strings.Repeat("a", 37), strings.Repeat("a", 10_000),
	} {
		for kind, parse := range parsers() {
			text, err := parse(s)
			require.ErrorIs(t, err, authz.ErrInvalid, "%s %q", kind, s)
			require.Empty(t, text, "%s %q", kind, s)
		}
		quoted, err := json.Marshal(s)
		require.NoError(t, err)
		u := uAnn
		require.Error(t, json.Unmarshal(quoted, &u), "JSON %q", s)
		require.Equal(t, uAnn, u, "an id that was there stays")
		for _, src := range []any{s, []byte(s), 1, true, 1.5, time.Now()} {
			require.ErrorIs(t, u.Scan(src), authz.ErrInvalid, "SQL %v", src)
			require.Equal(t, uAnn, u)
		}
		var request struct {
			Tenant  model.TenantID
			Dossier model.DossierID
			Team    model.TeamID
		}
		for _, field := range []string{"Tenant", "Dossier", "Team"} {
			require.Error(t, json.Unmarshal(fmt.Appendf(nil, `{%q: %s}`, field, quoted), &request), "JSON %s %q", field, s)
		}
		require.Zero(t, request)
	}
}

func parsers() map[string]func(string) (string, error) {
	return map[string]func(string) (string, error){
		"tenant":  func(s string) (string, error) { id, err := model.ParseTenantID(s); return id.String(), err },
		"dossier": func(s string) (string, error) { id, err := model.ParseDossierID(s); return id.String(), err },
		"user":    func(s string) (string, error) { id, err := model.ParseUserID(s); return id.String(), err },
		"team":    func(s string) (string, error) { id, err := model.ParseTeamID(s); return id.String(), err },
		"domain": func(s string) (string, error) {
			d, err := model.ParseDomain("t-acme/" + s + "/x")
			return d.String(), err
		},
		"subject": func(s string) (string, error) { w, err := model.ParseSubject("user:" + s); return w.String(), err },
	}
}

// Attempted: to be somebody by being called like a profile, a role or a trait.
func TestA18IDsNamedLikeAProfile(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, name := range []string{"admin", "member", "assigned", "employee", "full_access", "any", "allow", "tenant", "shared", "g", "t-acme", "u-ann", "-", "_", "1"} {
		u, team := parsedUser("x"+name), parsedTeam(name)
		if name != uAnn.String() {
			u = parsedUser(name)
		}
		_, err := s.az.AddPerson(t.Context(), system, authz.Person{ID: u, FirstName: "F", LastName: "L"})
		require.NoError(t, err)
		require.NoError(t, s.az.AddMember(t.Context(), admin, home(tAcme), authz.NewMember{User: u}))
		_, err = s.az.CreateTeam(t.Context(), admin, tAcme, authz.Team{ID: team, Name: "T"})
		require.NoError(t, err)
		require.NoError(t, s.az.AddTeamMember(t.Context(), admin, tAcme, team, u))
		d, err := s.az.CreateDossier(t.Context(), admin, tAcme, authz.Dossier{ID: parsedDossier(name), Name: "D"})
		require.NoError(t, err)
		for _, in := range []model.Domain{d.Domain, dOne, dTwo} {
			require.Empty(t, collect(t, s.az.Permissions(t.Context(), u, in)), "%v in %v", u, in)
		}
		require.Equal(t, []model.Permission{accountancy.EditSelf}, collect(t, s.az.Permissions(t.Context(), u, home(tAcme))), u)
	}
}

// Attempted: to have half of a request done, and all of it reported.
func TestA20HalfARequest(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before := s.snapshot(t)
	good := authz.Request{User: uAnn, Domain: dOne, Permission: accountancy.ViewFigure}
	for name, bad := range map[string]authz.Request{
		"no user": {Domain: dOne, Permission: accountancy.ViewFigure}, "no domain": {User: uAnn, Permission: accountancy.ViewFigure},
		"no permission": {User: uAnn, Domain: dOne}, "a permission of another pack": {User: uAnn, Domain: dOne, Permission: model.Must(model.ParsePermission("z", "z"))},
		"nothing": {},
	} {
		for _, all := range [][]authz.Request{{bad}, {good, bad}, {bad, good}, {good, bad, good}} {
			answers, err := s.az.EnforceBatch(t.Context(), all)
			requireIs(t, err, authz.ErrInvalid, name)
			require.Empty(t, answers, name)
		}
	}
	for name, profiles := range map[string][]model.Profile{
		"the second is none":      {accountancy.Employee, {}},
		"the second is unknown":   {accountancy.Employee, model.Must(model.ParseProfile("z"))},
		"the second is misplaced": {accountancy.Employee, accountancy.FullAccess},
	} {
		err := s.az.AddMember(t.Context(), admin, home(tAcme), authz.NewMember{User: uNina, Profiles: profiles})
		requireIs(t, err, authz.ErrInvalid, name)
		s.requireSame(t, before)
	}
	for name, d := range map[string]authz.Dossier{
		"the second module":     {Name: "D", Modules: []model.Module{accountancy.ModulePayment, {}}},
		"the flag":              {Name: "D", Flags: []model.Flag{{}}},
		"the second supporting": {Name: "D", Supporting: []model.UserID{uEmil, uBen}},
		"the team":              {Name: "D", Manager: uEmil, Team: gBeta},
	} {
		_, err := s.az.CreateDossier(t.Context(), admin, tAcme, d)
		require.Error(t, err, name)
		s.requireSame(t, before)
	}
}

// A profile may be named twice, and one that is held until some moment is then
// held for good.
func TestA20SameProfileTwice(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	twice := authz.NewMember{User: uEmil, Profiles: []model.Profile{accountancy.Support, accountancy.Support}}
	require.NoError(t, s.az.Grant(t.Context(), admin, authz.Grant{
		Subject: model.UserSubject(uEmil), Profile: accountancy.Support, Domain: home(tAcme), Until: noon().Add(time.Hour),
	}))
	require.NoError(t, s.az.AddMember(t.Context(), admin, home(tAcme), twice))
	require.NoError(t, s.az.AddMember(t.Context(), admin, home(tAcme), twice))
	s.requireReplay(t, ledger(t, s.az))
}

// Attempted: to rewrite what happened.
func TestA21RewriteTheLedger(t *testing.T) {
	t.Parallel()
	const of = "WHERE stream = 'tenant:t-acme' AND revision "
	for name, forge := range map[string][]string{
		"who":            {"UPDATE volmacht_ledger SET actor = 'user:u-bea' " + of + "= 3"},
		"when":           {"UPDATE volmacht_ledger SET at = at + 1 " + of + "= 3"},
		"what":           {"UPDATE volmacht_ledger SET action = 'grant' " + of + "= 3"},
		"why":            {"UPDATE volmacht_ledger SET reason = 'ticket 7' " + of + "= 3"},
		"the detail":     {"UPDATE volmacht_ledger SET detail = '{}' " + of + "= 3"},
		"the rows":       {"UPDATE volmacht_ledger SET delta = '{}' " + of + "= 3"},
		"the hash":       {"UPDATE volmacht_ledger SET hash = prev " + of + "= 3"},
		"the link":       {"UPDATE volmacht_ledger SET prev = hash " + of + "= 3"},
		"a line gone":    {"DELETE FROM volmacht_ledger " + of + "= 3"},
		"the first gone": {"DELETE FROM volmacht_ledger " + of + "= 1"},
		"the tail cut":   {"DELETE FROM volmacht_ledger " + of + "> 5"},
		"all of it gone": {"DELETE FROM volmacht_ledger " + of + "> 0"},
		"two lines swapped": {"UPDATE volmacht_ledger SET revision = 1000 " + of + "= 3", "UPDATE volmacht_ledger SET revision = 3 " + of + "= 4",
			"UPDATE volmacht_ledger SET revision = 4 " + of + "= 1000"},
		"another's line":    {"DELETE FROM volmacht_ledger " + of + "= 3", "UPDATE volmacht_ledger SET stream = 'tenant:t-acme' WHERE stream = 'tenant:t-beta' AND revision = 3"},
		"the head set back": {"UPDATE volmacht_streams SET revision = 3 WHERE name = 'tenant:t-acme'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := setScene(t, db)
				require.NoError(t, s.az.VerifyLedger(t.Context(), tAcme))
				for _, statement := range forge {
					result := db.Exec(statement)
					require.NoError(t, result.Error)
					require.Positive(t, result.RowsAffected)
				}
				require.Error(t, s.az.VerifyLedger(t.Context(), tAcme))
				require.NoError(t, s.az.VerifyLedger(t.Context(), tGone), "of another tenant")
			})
		})
	}
}

// Attempted: to change something while the ledger cannot be written.
func TestA21NoLedgerNoChange(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before := s.snapshot(t)
	require.NoError(t, s.db.Exec("CREATE TRIGGER full BEFORE INSERT ON volmacht_ledger BEGIN SELECT RAISE(ABORT, 'full'); END").Error)
	for _, o := range operations() {
		require.ErrorContains(t, o.do(t.Context(), s.az, o.valid), "full", o.String())
		s.requireSame(t, before)
	}
}

// Attempted: to set by an input what only the library sets.
func TestA23FieldsOneMayNotSet(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ctx, forged := t.Context(), noon().Add(-time.Hour)
	settings := []model.Setting{accountancy.SettingSelfServiceUsers}

	office, err := s.az.CreateTenant(ctx, system, authz.Tenant{ID: parsedTenant("t-x"), Name: "X", Settings: settings, Closed: forged, Created: forged})
	require.NoError(t, err)
	read, err := s.az.Tenant(ctx, system, office.ID)
	require.NoError(t, err)
	require.Equal(t, authz.Tenant{ID: office.ID, Name: "X", Created: noon()}, read)
	require.Equal(t, read, office)

	require.NoError(t, s.az.EditTenant(ctx, admin, authz.Tenant{ID: tAcme, Name: "X", Settings: settings, Closed: forged, Created: forged}))
	read, err = s.az.Tenant(ctx, admin, tAcme)
	require.NoError(t, err)
	require.Equal(t, authz.Tenant{ID: tAcme, Name: "X", Created: noon()}, read)

	file, err := s.az.CreateDossier(ctx, admin, tAcme, authz.Dossier{
		ID: parsedDossier("d-x"), Name: "X", Domain: dBeta, Pending: accountancy.ConfigurationB, Failure: "x", Closed: forged, Created: forged})
	require.NoError(t, err)
	found, err := s.az.Dossier(ctx, admin, dossier(tAcme, "d-x"))
	require.NoError(t, err)
	found.Supporting = nil // none, either way
	require.Equal(t, authz.Dossier{ID: file.ID, Name: "X", Configuration: accountancy.ConfigurationC, Domain: dossier(tAcme, "d-x"), Created: noon()}, found)
	require.Equal(t, found, file)

	_, err = s.az.CreateTeam(ctx, admin, tAcme, authz.Team{ID: parsedTeam("g-x"), Name: "X", Members: []model.UserID{uCarl}})
	require.NoError(t, err)
	require.NoError(t, s.az.EditTeam(ctx, admin, tAcme, authz.Team{ID: parsedTeam("g-x"), Name: "X", Members: []model.UserID{uCarl}}))
	teams, err := s.az.Teams(ctx, admin, tAcme)
	require.NoError(t, err)
	require.Contains(t, teams, authz.Team{ID: parsedTeam("g-x"), Name: "X"})

	mine := authz.By(uEmil)
	was, err := s.az.Person(ctx, mine, uEmil)
	require.NoError(t, err)
	require.NoError(t, s.az.EditPerson(ctx, mine, authz.Person{ID: uEmil, FirstName: "E", LastName: "E",
		Addresses: []authz.Address{{Email: "boss@verified.example", Verified: forged}}}))
	is, err := s.az.Person(ctx, mine, uEmil)
	require.NoError(t, err)
	require.Equal(t, was.Addresses, is.Addresses)
}

// Attempted: to be checked, inside an open transaction, against what was
// before it, or outside against what it has not made real.
func TestA24CheckInATransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		other := openOn(t, storetest.Reopen(t, db), time.Nanosecond)
		before := s.snapshot(t)
		see := accountancy.SeeDossier
		require.ErrorIs(t, s.az.Transaction(t.Context(), func(tx *authz.Tx) error {
			require.NoError(t, tx.Assign(t.Context(), admin, dTwo, authz.Manager(uEmil)))
			require.NoError(t, tx.Withdraw(t.Context(), admin, model.UserSubject(uCarl), accountancy.FullAccess, dOne))
			require.NoError(t, tx.RemoveMember(t.Context(), system, home(tAcme), uAmy))

			authztest.RequireAllowed(t, tx.Authz, uEmil, dTwo, see)
			requireNothing(t, tx.Authz, uCarl, dOne)
			requireNothing(t, tx.Authz, uAmy, dOne)
			require.NoError(t, tx.Require(t.Context(), uEmil, dTwo, see))
			require.Contains(t, collect(t, tx.Dossiers(t.Context(), uEmil, see, model.Domain{})), dTwo)
			require.Contains(t, collect(t, tx.Subjects(t.Context(), dTwo, see, model.UserID{})), uEmil)
			// The changes themselves go by it: who got a right uses it, who lost
			// one is refused.
			require.NoError(t, tx.RenameDossier(t.Context(), authz.By(uEmil), dTwo, "Emil's"))
			found, err := tx.Dossier(t.Context(), authz.By(uEmil), dTwo)
			require.NoError(t, err)
			require.Equal(t, "Emil's", found.Name)

			for _, outside := range []*authz.Authz{s.az, other} {
				authztest.RequireDenied(t, outside, uEmil, dTwo, see)
				authztest.RequireAllowed(t, outside, uCarl, dOne, see)
				require.Equal(t, before.answers, answers(t, outside))
			}
			return tx.RenameDossier(t.Context(), authz.By(uAmy), dTwo, "Amy's")
		}), authz.ErrNotFound)
		s.requireSameReopened(t, before)
		require.Equal(t, before.answers, answers(t, other))
	})
}
