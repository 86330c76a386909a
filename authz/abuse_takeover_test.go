package authz_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// Attempted by the administrator of one dossier, who may invite there: to have
// the links and messages of somebody who holds more sent to an address of their
// own, as a new contact or by changing the address of one.
func TestNobodyTakesTheAddressOfSomebodyStronger(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	carl := authz.By(o.carl)
	kim, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{
		FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "kim@home.example"}},
	})
	require.NoError(t, err)
	steal := map[string]func() error{
		"a contact more": func() error {
			_, err := o.az.AddContact(ctx, carl, o.d1, authz.NewContact{User: kim, Addresses: []authz.ContactAddress{{Email: "carl2@evil.example", Login: true}}})
			return err
		},
		"another address": func() error {
			return o.az.ChangeAddress(ctx, carl, o.d1, kim, "kim@home.example", "carl3@evil.example")
		},
	}
	require.NoError(t, o.az.AddMember(ctx, authz.System, o.home, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.Admin}}))
	for name, do := range steal {
		requireIs(t, do(), authz.ErrDenied, name)
	}
	_, err = o.az.AddContact(ctx, carl, o.d1, authz.NewContact{User: o.emma, Addresses: []authz.ContactAddress{{Email: "m@evil.example", Login: true}}})
	requireIs(t, err, authz.ErrNotFound, "an employee, of whom Carl knows nothing")

	// The control: once Kim holds no more than Carl may give, he may.
	require.NoError(t, o.az.Withdraw(ctx, authz.System, model.UserSubject(kim), accountancy.Admin, o.home))
	for name, do := range steal {
		require.NoError(t, do(), name)
	}
}

// An address gives what the person has where it is added, and of a person that the
// tenant keeps all they have: a link to a dossier counts like a profile.
func TestWhatAnAddressGives(t *testing.T) {
	t.Parallel()
	const fresh = "fresh@evil.example"
	assign := func(to func(*fixture) model.Domain) func(*testing.T, *fixture, model.UserID) {
		return func(t *testing.T, o *fixture, u model.UserID) {
			require.NoError(t, o.az.Assign(t.Context(), authz.System, to(o), authz.Supporting(u)))
		}
	}
	give := func(t *testing.T, o *fixture, u model.UserID) {
		require.NoError(t, o.az.Grant(t.Context(), authz.System, authz.Grant{Subject: model.UserSubject(u), Profile: accountancy.FullAccess, Domain: o.d2}))
	}
	team := func(t *testing.T, o *fixture, u model.UserID) {
		require.NoError(t, o.az.Assign(t.Context(), authz.System, o.d2, authz.Group(o.group)))
		require.NoError(t, o.az.AddTeamMember(t.Context(), authz.System, o.tenant, o.group, u))
	}
	nothing := func(*testing.T, *fixture, model.UserID) {}
	d1, d2 := func(o *fixture) model.Domain { return o.d1 }, func(o *fixture) model.Domain { return o.d2 }
	for name, c := range map[string]struct {
		account bool
		has     func(*testing.T, *fixture, model.UserID)
		want    error
	}{
		"kept, with nothing else":           {false, nothing, nil},
		"kept, linked to this dossier":      {false, assign(d1), authz.ErrDenied},
		"kept, linked to another one":       {false, assign(d2), authz.ErrDenied},
		"kept, in a team that is linked":    {false, team, authz.ErrDenied},
		"kept, with a profile on another":   {false, give, authz.ErrDenied},
		"account, with nothing else":        {true, nothing, nil},
		"account, linked to this dossier":   {true, assign(d1), authz.ErrDenied},
		"account, linked to another one":    {true, assign(d2), nil},
		"account, in a team that is linked": {true, team, nil},
		"account, with a profile there":     {true, give, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, ctx := newFixture(t), t.Context()
			require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
			n := authz.NewContact{FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "kim@home.example"}}}
			if c.account {
				n.FirstName, n.LastName, n.User = "", "", id(t, model.ParseUserID, "kim")
				o.person(t, n.User)
			}
			kim, err := o.az.AddContact(ctx, authz.System, o.d1, n)
			require.NoError(t, err)
			o.join(t, o.d1, kim, accountancy.FullFeedback)
			c.has(t, o, kim)
			_, err = o.az.AddContact(ctx, authz.By(o.carl), o.d1, authz.NewContact{User: kim, Addresses: []authz.ContactAddress{login(fresh)}})
			require.ErrorIs(t, err, c.want)
			require.ErrorIs(t, o.az.ChangeAddress(ctx, authz.By(o.carl), o.d1, kim, "kim@home.example", "later@evil.example"), c.want)
			if c.want != nil {
				_, err = o.az.AddContact(ctx, authz.System, o.d1, authz.NewContact{User: kim, Addresses: []authz.ContactAddress{{Email: fresh}}})
				require.NoError(t, err, "the system may")
			}
		})
	}

	// A contact of the tenant is written to about every dossier.
	o, ctx := newFixture(t), t.Context()
	contact := func() error {
		_, err := o.az.AddContact(ctx, o.by, o.home, authz.NewContact{User: o.cora, Addresses: []authz.ContactAddress{{Email: fresh}}})
		return err
	}
	require.NoError(t, o.az.SetPrivate(ctx, authz.System, o.d2, true))
	requireIs(t, contact(), authz.ErrDenied, "the admin does not see her dossier")
	require.NoError(t, o.az.SetPrivate(ctx, authz.System, o.d2, false))
	require.NoError(t, contact())
}

// Attempted by who manages one account of a client: to come at the client's other
// account, which the firm keeps from them, by an address of their own.
func TestTAX04AnAddressOpensNoOtherAccount(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		jan := o.add(t, o.d1, authz.ContactAddress{Email: "jan@home.example", Login: true, Notify: true})
		kept := o.add(t, o.d1, authz.ContactAddress{Email: "kept@home.example"})
		o.accept(t, "jan@home.example", model.UserID{})
		_, err := o.az.AddContact(ctx, system, o.d2, authz.NewContact{User: jan, Addresses: []authz.ContactAddress{{Email: "jan@home.example", Login: true, Notify: true}}})
		require.NoError(t, err)
		o.accept(t, "jan@home.example", jan)
		require.NoError(t, o.az.AddMember(ctx, system, o.d2, authz.NewMember{User: kept}))
		require.NoError(t, o.az.Unassign(ctx, system, o.d2, authz.Supporting(o.mia)))

		evil := func(u model.UserID, email string) error {
			_, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{User: u, Addresses: []authz.ContactAddress{{Email: email, Login: true, Notify: true}}})
			return err
		}
		requireIs(t, evil(kept, "k@evil.example"), authz.ErrDenied, "whoever accepts becomes whom the tenant keeps")
		require.NoError(t, evil(jan, "j@evil.example"))
		token := o.link(t, "j@evil.example")
		for _, as := range []model.UserID{{}, o.mia, o.una} {
			_, err := o.az.Accept(ctx, token, authz.Acceptance{SignedIn: as})
			requireIs(t, err, authz.ErrDenied, "not as jan")
		}
		opensNothing := func() {
			t.Helper()
			_, err := o.az.PersonByAddress(ctx, "j@evil.example")
			requireIs(t, err, authz.ErrNotFound, "signs nobody in")
			require.Equal(t, []string{"jan@home.example"}, o.recipients(t, o.d2, taxdome.TopicDocuments))
			require.ElementsMatch(t, []string{"jan@home.example", "j@evil.example"}, o.recipients(t, o.d1, taxdome.TopicDocuments))
			o.enters(t, o.mia, o.d2, false)
		}
		opensNothing()
		o.accept(t, "j@evil.example", jan)
		opensNothing()
	})
}

// Attempted by an inviter: to learn from the outbox whether an address has an
// account.
func TestA9OutboxTellsNothing(t *testing.T) {
	t.Parallel()
	s := newTimed(t, emptyDB(t))
	s.invite(t, admin, offer(verified(uNina), home(tAcme), accountancy.Support))
	s.invite(t, admin, offer(newcomer, home(tAcme), accountancy.Support))
	for by, want := range map[authz.Actor][]authz.MessageKind{
		admin:  {authz.InvitationMessage, authz.InvitationMessage},
		system: {authz.LinkMessage, authz.InvitationMessage},
	} {
		seen, err := s.az.Messages(t.Context(), by, tAcme, authz.MessageFilter{State: authz.MessageQueued}, model.MessageID{})
		require.NoError(t, err)
		var kinds []authz.MessageKind
		for _, m := range seen {
			kinds = append(kinds, m.Kind)
		}
		require.Equal(t, want, kinds, by.String())
	}
}

// Attempted: to become, through a contact made for one's own mailbox, whom the
// office has made of that contact since; and to become somebody deactivated.
func TestNobodyTakesThePlaceOfSomebodyStronger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since  func(t *testing.T, o *fixture, kim model.UserID)
		named  authz.Renewal // of an invitation to kim
		atHome authz.Renewal // of one to the address, whoever that is
	}{
		"nothing since": {func(*testing.T, *fixture, model.UserID) {}, "", ""},
		"an admin": {func(t *testing.T, o *fixture, kim model.UserID) {
			require.NoError(t, o.az.AddMember(t.Context(), authz.System, o.home, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.Admin}}))
		}, authz.InviterLimited, ""},
		"linked to a dossier": {func(t *testing.T, o *fixture, kim model.UserID) {
			require.NoError(t, o.az.AddMember(t.Context(), authz.System, o.d1, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.FullFeedback}}))
			require.NoError(t, o.az.Assign(t.Context(), o.by, o.d2, authz.Supporting(kim)))
		}, authz.InviterLimited, ""},
		"deactivated": {func(t *testing.T, o *fixture, kim model.UserID) {
			require.NoError(t, o.az.AddMember(t.Context(), authz.System, o.d1, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.FullAccess}}))
			require.NoError(t, o.az.DeactivateMember(t.Context(), o.by, o.tenant, kim))
		}, authz.MemberIdle, authz.MemberIdle},
	} {
		for _, named := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, named %v", name, named), func(t *testing.T) {
				t.Parallel()
				o, ctx := newFixture(t), t.Context()
				require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
				kim, err := o.az.AddContact(ctx, authz.By(o.carl), o.d1, authz.NewContact{
					FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "carl2@evil.example"}},
				})
				require.NoError(t, err)
				n := authz.NewInvitation{FirstName: "Kim", LastName: "Kuyper", Email: "carl2@evil.example",
					Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: accountancy.Administrator}}}
				want := c.atHome
				if named {
					n.User, want = kim, c.named
				}
				inv, err := o.az.Invite(ctx, authz.By(o.carl), o.tenant, n)
				require.NoError(t, err)
				token, err := authz.Token(ctx, o.az, inv.ID)
				require.NoError(t, err)
				c.since(t, o, kim)
				held := o.holds(t, kim)
				accepted, err := o.az.Accept(ctx, token, authz.Acceptance{NewUser: model.NewUserID()})
				if want != "" {
					requireIs(t, err, authz.ErrExpired, name)
					inv, err = o.az.Invitation(ctx, o.by, o.home, inv.ID)
					require.NoError(t, err)
					require.Equal(t, want, inv.Renewal)
					require.Equal(t, held, o.holds(t, kim))
					return
				}
				require.NoError(t, err)
				require.NotEqual(t, kim, accepted.User)
				require.Equal(t, []string{"administrator d1"}, o.holds(t, accepted.User), "what was offered")
				if c.named != "" {
					require.Equal(t, held, o.holds(t, kim), "who is left alone")
				}
			})
		}
	}
}

// A link that nobody could accept is not mailed, and shows nothing: Kim has come to hold
// what the inviter may not give, by somebody who may.
func TestResendOfWhatNobodyCouldAccept(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(t *testing.T, o *fixture, kim model.UserID, inv model.InvitationID) (same bool){
		"sent by somebody who may give it all": func(t *testing.T, o *fixture, _ model.UserID, inv model.InvitationID) bool {
			require.NoError(t, o.az.Resend(t.Context(), o.by, o.d1, inv))
			return true
		},
		"removed and invited anew": func(t *testing.T, o *fixture, kim model.UserID, _ model.InvitationID) bool {
			require.NoError(t, o.az.RemoveContact(t.Context(), authz.By(o.emma), o.d1, kim))
			o.kim(t)
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachFixture(t, func(t *testing.T, o *fixture) {
				ctx, emma := t.Context(), authz.By(o.emma)
				require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
				require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Manager(o.emma)))
				o.join(t, o.d2, o.carl, accountancy.Administrator)
				kim, inv, token := o.kim(t)
				offer, err := o.az.Invited(ctx, token)
				require.NoError(t, err)
				require.Equal(t, "kim@home.example", offer.Email)
				require.NoError(t, o.az.Resend(ctx, emma, o.d1, inv), "the control")
				token, err = authz.Token(ctx, o.az, inv)
				require.NoError(t, err)

				require.NoError(t, o.az.AddMember(ctx, authz.By(o.carl), o.d2, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.DocumentDelivery}}))
				_, err = o.az.Invited(ctx, token)
				requireIs(t, err, authz.ErrExpired, "shows nothing")
				_, bad := o.az.Invited(ctx, "nonsense")
				require.EqualError(t, err, bad.Error())
				for range 2 { // before it is known to need renewal, and after
					err = o.az.Resend(ctx, emma, o.d1, inv)
					requireIs(t, err, authz.ErrDenied, "nobody could accept it")
					require.ErrorContains(t, err, "remove the contact and invite anew, or have it sent by somebody who may give it all")
					_, err = o.az.Accept(ctx, token, authz.Acceptance{})
					requireIs(t, err, authz.ErrExpired, "nor the one before")
				}
				read, err := o.az.Invitation(ctx, o.by, o.d1, inv)
				require.NoError(t, err)
				require.Equal(t, authz.InviterLimited, read.Renewal)

				same := way(t, o, kim, inv)
				waiting, err := o.az.Invitations(ctx, emma, o.d1, model.InvitationID{}, 10, authz.InvitationPending)
				require.NoError(t, err)
				token, err = authz.Token(ctx, o.az, waiting[len(waiting)-1].ID)
				require.NoError(t, err)
				_, err = o.az.Invited(ctx, token)
				require.NoError(t, err)
				accepted, err := o.az.Accept(ctx, token, authz.Acceptance{})
				require.NoError(t, err)
				require.Equal(t, same, kim == accepted.User)
			})
		})
	}
}

// kim is made a contact of d1, with a login, by emma.
func (o *fixture) kim(t *testing.T) (kim model.UserID, inv model.InvitationID, token string) {
	t.Helper()
	kim, err := o.az.AddContact(t.Context(), authz.By(o.emma), o.d1, authz.NewContact{FirstName: "Kim", LastName: "Kuyper",
		Addresses: []authz.ContactAddress{login("kim@home.example")}})
	require.NoError(t, err)
	waiting, err := o.az.Invitations(t.Context(), o.by, o.d1, model.InvitationID{}, 10, authz.InvitationPending)
	require.NoError(t, err)
	inv = waiting[len(waiting)-1].ID
	token, err = authz.Token(t.Context(), o.az, inv)
	require.NoError(t, err)
	return kim, inv, token
}

// holds lists what u itself holds beyond membership.
func (o *fixture) holds(t *testing.T, u model.UserID) (lines []string) {
	t.Helper()
	for _, d := range []model.Domain{o.home, o.d1, o.d2} {
		grants, err := o.az.Grants(t.Context(), authz.System, d)
		require.NoError(t, err)
		for _, g := range grants {
			if g.Subject == model.UserSubject(u) && g.Domain == d {
				lines = append(lines, strings.TrimSpace(g.Profile.String()+" "+d.Dossier().String()))
			}
		}
		if !d.IsDossier() {
			continue
		}
		read, err := o.az.Dossier(t.Context(), authz.System, d)
		require.NoError(t, err)
		if slices.Contains(read.Supporting, u) {
			lines = append(lines, "supports "+d.Dossier().String())
		}
	}
	return lines
}

// Attempted by who may invite to one dossier: to read of people who are not on it
// what they want, and so their addresses.
func TestPreferencesOfOthersElsewhere(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	_, err := o.az.Preferences(ctx, authz.By(o.carl), o.d1, o.cora)
	requireIs(t, err, authz.ErrNotFound, "a client of another dossier")
	_, err = o.az.Preferences(ctx, authz.By(o.carl), o.d1, o.carl)
	require.NoError(t, err)
	_, err = o.az.Preferences(ctx, o.by, o.home, o.cora)
	require.NoError(t, err)
}
