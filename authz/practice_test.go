package authz_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// A practice is a tax firm with two accounts: olga owns it, adam is its admin,
// mia manages the accounts she is assigned to, and wes works on them. Una has an
// account with another firm, under una@home.example.
type practice struct {
	az     *authz.Authz
	db     *gorm.DB
	passed time.Duration // since the clock's start
	firm   model.TenantID
	other  model.TenantID
	d1, d2 model.Domain
	dOther model.Domain

	olga, adam, mia, wes, una model.UserID
	by                        authz.Actor // mia
}

func newPractice(t testing.TB, db *gorm.DB) *practice {
	t.Helper()
	o := &practice{
		db:   db,
		firm: parsedTenant("t-firm"), other: parsedTenant("t-other"),
		olga: parsedUser("u-olga"), adam: parsedUser("u-adam"), mia: parsedUser("u-mia"), wes: parsedUser("u-wes"), una: parsedUser("u-una"),
	}
	o.d1, o.d2, o.dOther = dossier(o.firm, "d-1"), dossier(o.firm, "d-2"), dossier(o.other, "d-9")
	o.by = authz.By(o.mia)
	var err error
	o.az, err = authz.Open(t.Context(), db, authz.Config{Pack: taxdome.Pack(), Clock: o.now})
	require.NoError(t, err)
	ctx := t.Context()
	for _, tenant := range []model.TenantID{o.firm, o.other} {
		_, err = o.az.CreateTenant(ctx, system, authz.Tenant{ID: tenant, Name: "Firm"})
		require.NoError(t, err)
	}
	for u, profiles := range map[model.UserID][]model.Profile{
		o.olga: {taxdome.Owner}, o.adam: {taxdome.Admin}, o.mia: {taxdome.Employee, taxdome.ManageAccounts}, o.wes: {taxdome.Employee},
	} {
		o.person(t, u, u.String()+"@firm.example")
		require.NoError(t, o.az.AddMember(ctx, system, home(o.firm), authz.NewMember{User: u, Profiles: profiles}))
	}
	for _, d := range []model.Domain{o.d1, o.d2, o.dOther} {
		var staff []model.UserID
		if d.Tenant() == o.firm {
			staff = []model.UserID{o.mia, o.wes}
		}
		_, err = o.az.CreateDossier(ctx, system, d.Tenant(), authz.Dossier{ID: d.Dossier(), Name: "Account", Supporting: staff})
		require.NoError(t, err)
	}
	o.person(t, o.una, "una@home.example")
	require.NoError(t, o.az.AddMember(ctx, system, o.dOther, authz.NewMember{User: o.una}))
	return o
}

func (o *practice) now() time.Time { return authztest.Start.Add(o.passed) }

// memory is a database in memory.
func memory(t testing.TB) *gorm.DB {
	t.Helper()
	db, err := store.OpenMemory()
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return db
}

// eachPractice runs a test on every database.
func eachPractice(t *testing.T, run func(t *testing.T, o *practice)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		o := newPractice(t, db)
		run(t, o)
		require.NoError(t, o.az.VerifyLedger(t.Context(), o.firm))
		scene{db: db, az: o.az}.requireAgreement(t)
	})
}

// person makes somebody known, with a verified address.
func (o *practice) person(t testing.TB, u model.UserID, email string) {
	t.Helper()
	_, err := o.az.AddPerson(t.Context(), system, authz.Person{
		ID: u, FirstName: "First", LastName: "Last", Addresses: []authz.Address{{Email: email, Verified: o.now()}},
	})
	require.NoError(t, err)
}

// add makes somebody new a contact of d, by mia.
func (o *practice) add(t testing.TB, d model.Domain, addresses ...authz.ContactAddress) model.UserID {
	t.Helper()
	u, err := o.az.AddContact(t.Context(), o.by, d, authz.NewContact{FirstName: "Jan", LastName: "Smit", Addresses: addresses})
	require.NoError(t, err)
	return u
}

// link returns a link that was mailed to an address, or "" when none waits.
func (o *practice) link(t testing.TB, email string) string {
	t.Helper()
	var ids []model.InvitationID
	require.NoError(t, o.db.Model(&store.Invitation{}).
		Where("canonical = ? AND state = ? AND expires_at > ?", email, store.Pending, store.At(o.now())).
		Order("invited_at").Limit(1).Pluck("id", &ids).Error)
	if len(ids) == 0 {
		return ""
	}
	token, err := authz.Token(t.Context(), o.az, ids[0])
	require.NoError(t, err)
	return token
}

// accept accepts what waits for an address, signed in as somebody or, when that
// is zero, as nobody.
func (o *practice) accept(t testing.TB, email string, as model.UserID) model.UserID {
	t.Helper()
	inv, err := o.az.Accept(t.Context(), o.link(t, email), authz.Acceptance{SignedIn: as})
	require.NoError(t, err)
	return inv.User
}

// dead wants that no link to an address is good, of those that were mailed
// before either.
func (o *practice) dead(t testing.TB, email string, before ...string) {
	t.Helper()
	require.Empty(t, o.link(t, email))
	for _, token := range before {
		require.NotEmpty(t, token)
		_, err := o.az.Accept(t.Context(), token, authz.Acceptance{})
		requireIs(t, err, authz.ErrExpired, "a dead link")
	}
}

func (o *practice) contacts(t testing.TB, d model.Domain) []authz.Contact {
	t.Helper()
	all, err := o.az.Contacts(t.Context(), o.by, d)
	require.NoError(t, err)
	return all
}

// state tells how far an address has come.
func (o *practice) state(t testing.TB, d model.Domain, email string) authz.LoginState {
	t.Helper()
	for _, c := range o.contacts(t, d) {
		for _, a := range c.Addresses {
			if a.Email == email {
				return a.State
			}
		}
	}
	require.Fail(t, "no such address", email)
	return ""
}

func (o *practice) enters(t testing.TB, u model.UserID, d model.Domain, want bool) {
	t.Helper()
	got, err := o.az.Enforce(t.Context(), u, d, taxdome.EnterPortal)
	require.NoError(t, err)
	require.Equal(t, want, got, "%v in %v", u, d)
}

func (o *practice) set(t testing.TB, d model.Domain, u model.UserID, email string, s authz.Switch, on bool) {
	t.Helper()
	require.NoError(t, o.az.SetSwitch(t.Context(), o.by, d, u, email, s, on))
}

// knows reports whether there is such a person at all.
func (o *practice) knows(t testing.TB, u model.UserID) bool {
	t.Helper()
	_, err := o.az.Person(t.Context(), system, u)
	if err != nil {
		require.ErrorIs(t, err, authz.ErrNotFound)
	}
	return err == nil
}

func login(email string) authz.ContactAddress {
	return authz.ContactAddress{Email: email, Login: true}
}

// prefer says that u does not want a topic at an address.
func (o *practice) prefer(t testing.TB, d model.Domain, u model.UserID, canonical string, topic model.Topic) {
	t.Helper()
	require.NoError(t, o.db.Create(&store.Preference{
		Tenant: o.firm, Dossier: d.Dossier().String(), Person: u, Canonical: canonical, Topic: topic,
	}).Error)
}

// preferences returns the addresses for which u has said something.
func (o *practice) preferences(t testing.TB, u model.UserID) (canonical []string) {
	t.Helper()
	require.NoError(t, o.db.Model(&store.Preference{}).Where("person = ?", u).Order("canonical").Pluck("canonical", &canonical).Error)
	return canonical
}

// mentions returns the rows in which u is named, other than those of the ledger,
// which forgets nothing, and of mails, which are looked at again when they are sent.
func (o *practice) mentions(t testing.TB, u model.UserID) (lines []string) {
	t.Helper()
	for _, line := range (scene{db: o.db}).dump(t) {
		for _, word := range []string{`"` + u.String() + `"`, `"user:` + u.String() + `"`} {
			if strings.Contains(line, word) && !strings.HasPrefix(line, "volmacht_ledger") && !strings.HasPrefix(line, "volmacht_messages") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}
