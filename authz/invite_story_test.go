package authz_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/afas"
	"github.com/volmacht/volmacht/policies/finview"
	"github.com/volmacht/volmacht/policies/sophia"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// portal opens an Authz with a pack on a database, with a company acme that
// ann has founded.
func portal(t *testing.T, db *gorm.DB, pack *model.Pack) scene {
	t.Helper()
	az, err := authz.Open(t.Context(), db, authz.Config{Pack: pack, Clock: noon})
	require.NoError(t, err)
	made, err := az.Register(t.Context(), system, authz.Registration{
		Tenant: authz.Tenant{ID: tAcme, Name: "Acme", Email: "office@acme.example"},
		Person: authz.Person{ID: uAnn, FirstName: "Ann", LastName: "Peeters", Locale: "nl", Addresses: []authz.Address{{Email: "ann@acme.example", Verified: noon()}}},
	})
	require.NoError(t, err)
	require.Equal(t, uAnn, made.Person.ID)
	return scene{db, az}
}

// A company comes into being with its first user, who administers it: in one
// change, or not at all.
func TestSOP01Register(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pack     *model.Pack
		profiles []model.Profile
	}{
		"sophia":      {sophia.Pack(), []model.Profile{sophia.ChangeRights, sophia.PlaceOrders}},
		"afas":        {afas.Pack(), []model.Profile{afas.Administrator}},
		"accountancy": {accountancy.Pack(), []model.Profile{accountancy.Admin}},
		"taxdome":     {taxdome.Pack(), []model.Profile{taxdome.Owner}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := portal(t, db, c.pack)
				require.ElementsMatch(t, c.profiles, profilesOf(t, s.az, uAnn, home(tAcme)))
				ok, err := s.az.Enforce(t.Context(), uAnn, home(tAcme), model.InviteMember)
				require.NoError(t, err)
				require.True(t, ok)
				lines := ledger(t, s.az)
				require.Len(t, lines, 1)
				require.Equal(t, "register", lines[0].Action)

				// The host's own rows, or nothing.
				before := s.dump(t)
				_, err = s.az.Register(t.Context(), system, authz.Registration{Tenant: authz.Tenant{ID: tBeta, Name: "Beta"}, User: uAnn,
					Account: func(ctx context.Context, tx *authz.Tx, p authz.Person) error {
						require.Equal(t, uAnn, p.ID)
						ok, err := tx.Enforce(ctx, uAnn, home(tBeta), model.InviteMember)
						require.NoError(t, err)
						require.True(t, ok, "the change is made")
						require.NoError(t, tx.DB().Exec("UPDATE volmacht_people SET locale = 'de'").Error)
						return errHost
					}})
				require.ErrorIs(t, err, errHost)
				require.Equal(t, before, s.dump(t))
			})
		})
	}
	t.Run("a pack without founders", func(t *testing.T) {
		t.Parallel()
		az, err := authz.Open(t.Context(), emptyDB(t), authz.Config{Pack: accountancy.Pack(), Clock: noon})
		require.NoError(t, err)
		_, err = az.Publish(t.Context(), system, edited(t, version1, version2, "required founder", "required"))
		require.NoError(t, err)
		nina := authz.Person{FirstName: "Nina", LastName: "Maes"}
		_, err = az.Register(t.Context(), system, authz.Registration{Tenant: authz.Tenant{Name: "Firm"}, Person: nina})
		requireIs(t, err, authz.ErrInvalid, "nobody could administer it")
		require.ErrorContains(t, err, "mark a profile with the word founder")
	})
}

// Inviting takes names, an address and rights; who accepts adds a salutation
// and a phone number, and the host the password.
func TestSOP07Invite(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := t.Context(), portal(t, db, sophia.Pack())
		require.NoError(t, db.Exec("CREATE TABLE credentials (person VARCHAR(36) PRIMARY KEY)").Error)
		id := s.invite(t, authz.By(uAnn), authz.NewInvitation{
			FirstName: "Bob", LastName: "Baker", Email: "Bob@Acme.example", Locale: "nl", Note: "Welcome",
			Grants: []authz.InvitedGrant{{Domain: home(tAcme), Profile: sophia.PlaceOrders}},
		})
		mails := s.mails(t, authz.InvitationMessage)
		require.Len(t, mails, 1)
		require.Equal(t, []string{"Bob@Acme.example", "Bob Baker", "nl", id.String()},
			[]string{mails[0].Email, mails[0].Name, mails[0].Locale, mails[0].Subject})
		var said map[string]string
		require.NoError(t, json.Unmarshal([]byte(mails[0].Data), &said))
		require.Equal(t, map[string]string{"tenant": "Acme", "inviter": "Ann Peeters", "note": "Welcome", "first_name": "Bob", "last_name": "Baker"}, said)

		token := s.token(t, id)
		password := func(ctx context.Context, tx *authz.Tx, p authz.Person) error {
			require.Equal(t, "Bob", p.FirstName)
			require.Equal(t, []authz.Address{{Email: "Bob@Acme.example", Verified: noon()}}, p.Addresses)
			authzAllows(t, tx.Authz, p.ID, home(tAcme), sophia.PlaceOrder)
			return tx.DB().Exec("INSERT INTO credentials (person) VALUES (?)", p.ID).Error
		}
		before := s.dump(t)
		_, err := s.az.Accept(ctx, token, authz.Acceptance{Account: func(ctx context.Context, tx *authz.Tx, p authz.Person) error {
			require.NoError(t, password(ctx, tx, p))
			return errHost
		}})
		require.ErrorIs(t, err, errHost)
		require.Equal(t, before, s.dump(t), "with the host's failure nothing is accepted")

		_, err = s.az.Accept(ctx, token, authz.Acceptance{Salutation: strings.Repeat("x", 51), Account: password})
		require.ErrorIs(t, err, authz.ErrInvalid)
		inv, err := s.az.Accept(ctx, token, authz.Acceptance{Salutation: "Mr", Phone: "0470 12 34 56", Country: "BE", Account: password})
		require.NoError(t, err)
		require.Equal(t, authz.InvitationAccepted, inv.State)
		require.Equal(t, "user:"+inv.User.String(), inv.DecidedBy)
		var row store.Person
		require.NoError(t, db.Where("id = ?", inv.User).Take(&row).Error)
		require.Equal(t, []string{"Bob", "Baker", "nl", "Mr", "+32470123456"}, []string{row.FirstName, row.LastName, row.Locale, row.Salutation, row.Phone})
		var credentials int64
		require.NoError(t, db.Table("credentials").Where("person = ?", inv.User).Count(&credentials).Error)
		require.EqualValues(t, 1, credentials)
		require.Empty(t, s.mails(t, authz.InvitationMessage), "it is not mailed any more")
		require.NoError(t, s.az.VerifyLedger(ctx, tAcme))

		// A right to give or not: an invitation without any makes a member.
		none := s.invite(t, authz.By(uAnn), authz.NewInvitation{FirstName: "N", LastName: "N", Email: newcomer})
		require.Empty(t, s.invitation(t, none).Grants)
		inv, err = s.az.Accept(ctx, s.token(t, none), authz.Acceptance{})
		require.NoError(t, err)
		authzAllows(t, s.az, inv.User, home(tAcme), model.EditSelf)
		// What is not released cannot be offered.
		_, err = s.az.Invite(ctx, authz.By(uAnn), tAcme, offer(newcomer, home(tAcme), sophia.ViewInvoices))
		requireIs(t, err, authz.ErrDenied, "not released")
	})
}

func authzAllows(t testing.TB, az *authz.Authz, u model.UserID, d model.Domain, p model.Permission) {
	t.Helper()
	ok, err := az.Enforce(t.Context(), u, d, p)
	require.NoError(t, err)
	require.True(t, ok, "%v in %v: %v", u, d, p)
}

// An invitation is accepted, its address changed, and it is sent again; each
// time the links before are dead.
func TestTAX05to07Links(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s, ann := t.Context(), portal(t, db, taxdome.Pack()), authz.By(uAnn)
		d, err := s.az.CreateDossier(ctx, ann, tAcme, authz.Dossier{Name: "Family"})
		require.NoError(t, err)
		id := s.invite(t, ann, authz.NewInvitation{FirstName: "Bob", LastName: "Baker", Email: "bob@old.example", Grants: []authz.InvitedGrant{{Domain: d.Domain}}})
		require.Equal(t, taxdome.Client, s.invitation(t, id).Grants[0].Profile, "the default")
		first := s.token(t, id)

		require.NoError(t, s.az.Readdress(ctx, ann, d.Domain, id, "Bob@new.example")) // TAX-06
		s.requireExpired(t, first, "the address has changed")
		mails := s.mails(t, authz.InvitationMessage)
		require.Len(t, mails, 1, "the mail to the old address is not sent any more")
		require.Equal(t, "Bob@new.example", mails[0].Email)
		second := s.token(t, id)
		require.NoError(t, s.az.Resend(ctx, ann, d.Domain, id)) // TAX-07
		s.requireExpired(t, second, "sent again")
		require.Len(t, s.mails(t, authz.InvitationMessage), 1)

		inv, err := s.az.Accept(ctx, s.token(t, id), authz.Acceptance{}) // TAX-05
		require.NoError(t, err)
		authzAllows(t, s.az, inv.User, d.Domain, taxdome.EnterPortal)
		requireIs(t, s.az.Resend(ctx, ann, d.Domain, id), authz.ErrConflict, "accepted")
		requireIs(t, s.az.Readdress(ctx, ann, d.Domain, id, "x@new.example"), authz.ErrConflict, "accepted")
	})
}

// Somebody with an account is linked to one more client, and has no second
// account.
func TestFIN04Link(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx := t.Context()
		az, err := authz.Open(ctx, db, authz.Config{Pack: finview.Pack(), Clock: noon})
		require.NoError(t, err)
		s := scene{db, az}
		_, err = az.AddPerson(ctx, system, authz.Person{ID: uAnn, FirstName: "Ann", LastName: "Peeters", Locale: "nl",
			Addresses: []authz.Address{{Email: "ann@acme.example", Verified: noon()}}})
		require.NoError(t, err)
		for _, client := range []authz.Tenant{{ID: tAcme, Name: "Acme"}, {ID: tBeta, Name: "Beta"}} {
			_, err = az.CreateTenant(ctx, system, client)
			require.NoError(t, err)
		}
		require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: uAnn, Profiles: []model.Profile{finview.PlatformUser}}))
		both := []authz.InvitedGrant{{Domain: home(tBeta), Profile: finview.Commercial}, {Domain: home(tBeta), Profile: finview.PlatformUser}}
		inv, err := s.az.Invite(ctx, system, tBeta, authz.NewInvitation{FirstName: "Anna", LastName: "Peeters", Email: "ANN@acme.example", Grants: both})
		require.NoError(t, err)
		mails := s.mails(t, authz.LinkMessage)
		require.Len(t, mails, 1, "not the mail for who has no account")
		require.Equal(t, "nl", mails[0].Locale, "as the account has it")
		token := s.token(t, inv.ID)
		requireIs(t, s.accept(t, token, model.UserID{}), authz.ErrDenied, "a second account")
		inv, err = s.az.Accept(ctx, token, authz.Acceptance{SignedIn: uAnn})
		require.NoError(t, err)
		require.Equal(t, uAnn, inv.User)
		require.Equal(t, []model.Profile{finview.Commercial, finview.PlatformUser}, profilesOf(t, s.az, uAnn, home(tBeta)))
		authzAllows(t, s.az, uAnn, home(tBeta), finview.EnterPlatform)
		p, err := s.az.Person(ctx, system, uAnn)
		require.NoError(t, err)
		require.Equal(t, "Ann", p.FirstName, "the name is not the inviter's to change")
		var people int64
		require.NoError(t, db.Table("volmacht_people").Count(&people).Error)
		require.EqualValues(t, 1, people)
	})
}

// An administrator adds users and makes others administrator.
func TestAFA06Administrators(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), portal(t, emptyDB(t), afas.Pack())
	inv, err := s.az.Accept(ctx, s.token(t, s.invite(t, authz.By(uAnn), offer("two@acme.example", home(tAcme), afas.Administrator))), authz.Acceptance{})
	require.NoError(t, err)
	second := authz.By(inv.User)
	employee, err := s.az.Accept(ctx, s.token(t, s.invite(t, second, offer("three@acme.example", home(tAcme), afas.Employee))), authz.Acceptance{})
	require.NoError(t, err)
	_, err = s.az.Invite(ctx, authz.By(employee.User), tAcme, offer("four@acme.example", home(tAcme), afas.Employee))
	requireIs(t, err, authz.ErrDenied, "an employee")
	_, err = s.az.Invite(ctx, second, tAcme, offer("four@acme.example", home(tAcme), afas.IncidentManager))
	requireIs(t, err, authz.ErrDenied, "dormant (AFA-05)")
}

// With the setting on, an Administrator invites client users to its own
// dossiers, and sees the invitations of those alone.
func TestACC41SelfService(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx, carl := t.Context(), authz.By(o.carl)
	invite := func(by authz.Actor, n authz.NewInvitation) (authz.Invitation, error) {
		return o.az.Invite(ctx, by, o.tenant, n)
	}
	_, err := invite(carl, offer(newcomer, o.d1, accountancy.FullAccess))
	requireIs(t, err, authz.ErrDenied, "off at first")
	require.NoError(t, o.az.SetSetting(ctx, o.by, o.tenant, accountancy.SettingSelfServiceUsers, true))
	for _, p := range []model.Profile{accountancy.Administrator, accountancy.FullAccess, accountancy.DocumentProcessing,
		accountancy.DocumentProcessingArchive, accountancy.FullFeedback, accountancy.DocumentDelivery} {
		_, err := invite(carl, offer(p.String()+"@client.example", o.d1, p))
		require.NoError(t, err)
	}
	for name, n := range map[string]authz.NewInvitation{
		"the office":            offer(newcomer, o.home, accountancy.Employee),
		"another dossier":       offer(newcomer, o.d2, accountancy.FullAccess),
		"no more than a member": {FirstName: "N", LastName: "N", Email: newcomer},
	} {
		_, err := invite(carl, n)
		require.Error(t, err, name)
		require.True(t, errors.Is(err, authz.ErrDenied) || errors.Is(err, authz.ErrNotFound), "%s: %v", name, err)
	}

	// The office invites one person to both; carl sees what is his.
	both := offer("both@client.example", o.d1, accountancy.FullAccess)
	both.Grants = append(both.Grants, authz.InvitedGrant{Domain: o.d2, Profile: accountancy.FullAccess})
	inv, err := invite(o.by, both)
	require.NoError(t, err)
	_, err = invite(o.by, offer("two@client.example", o.d2, accountancy.FullAccess))
	require.NoError(t, err)
	list, err := o.az.Invitations(ctx, carl, o.d1, model.InvitationID{}, 100)
	require.NoError(t, err)
	require.Len(t, list, 7)
	require.Equal(t, []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.FullAccess}}, list[6].Grants)
	err = o.az.Revoke(ctx, carl, o.d1, inv.ID)
	requireIs(t, err, authz.ErrDenied, "it offers something on d2")
	require.NotContains(t, err.Error(), o.d2.String())
	_, err = o.az.Invitation(ctx, carl, o.d2, inv.ID)
	requireIs(t, err, authz.ErrNotFound, "not his")
	list, err = o.az.Invitations(ctx, o.by, o.home, model.InvitationID{}, 100)
	require.NoError(t, err)
	require.Len(t, list, 8)
	require.Len(t, list[6].Grants, 2)
}

// The list goes by state, in pages, and shows what has expired.
func TestInvitationsInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := t.Context(), newTimed(t, db)
		var ids []model.InvitationID
		for _, email := range []string{"a@p.example", "b@p.example", "c@p.example", "d@p.example", "e@p.example"} {
			ids = append(ids, s.invite(t, admin, offer(email, dTwo, accountancy.FullAccess)))
		}
		inv, err := s.az.Accept(ctx, s.token(t, ids[0]), authz.Acceptance{})
		require.NoError(t, err)
		require.Equal(t, ids[0], inv.ID)
		require.NoError(t, s.az.Decline(ctx, s.token(t, ids[1])))
		require.NoError(t, s.az.Revoke(ctx, admin, dTwo, ids[2]))
		s.at(5 * 24 * time.Hour)
		require.NoError(t, s.az.Resend(ctx, admin, dTwo, ids[4]))
		s.at(8 * 24 * time.Hour)
		list := func(after model.InvitationID, limit int, states ...authz.InvitationState) (got []model.InvitationID) {
			all, err := s.az.Invitations(ctx, admin, dTwo, after, limit, states...)
			require.NoError(t, err)
			for _, inv := range all {
				got = append(got, inv.ID)
			}
			return got
		}
		none := model.InvitationID{}
		for state, want := range map[authz.InvitationState][]model.InvitationID{
			authz.InvitationAccepted: ids[:1], authz.InvitationDeclined: ids[1:2], authz.InvitationRevoked: ids[2:3],
			authz.InvitationExpired: ids[3:4], authz.InvitationPending: ids[4:], "unheard of": nil,
		} {
			require.Equal(t, want, list(none, 100, state), state)
			for _, id := range want {
				require.Equal(t, state, s.invitation(t, id).State)
			}
		}
		require.Equal(t, ids, list(none, 100))
		require.Equal(t, ids[3:], list(none, 100, authz.InvitationPending, authz.InvitationExpired))
		var paged []model.InvitationID
		for after := none; ; after = paged[len(paged)-1] {
			page := list(after, 2)
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
		}
		require.Equal(t, ids, paged)
		for _, limit := range []int{0, -1, 1001} {
			_, err := s.az.Invitations(ctx, admin, dTwo, none, limit)
			requireIs(t, err, authz.ErrInvalid, "limit")
		}
		// One that has expired does not stand in the way of a new one.
		require.NotEmpty(t, s.invite(t, admin, offer("d@p.example", dTwo, accountancy.FullAccess)))
	})
}
