package authz_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/model"
)

// A story follows one portal from its first step to its last, in the order in which its
// source tells it: TestSophia, TestTaxDome, TestFinView, TestAFAS, TestAccountancy. It knows
// what the people in it know: they have their tokens from their mails.
//
// When it ends, every table of the database, the ledger's included, and all that was logged
// are searched for the tokens in the mails.
type story struct {
	*testing.T
	az     *authz.Authz
	clock  *authztest.Clock
	box    *authztest.Mailbox
	opened int // how many mails were looked at
}

func tell(t *testing.T, pack *model.Pack) *story {
	t.Helper()
	t.Parallel()
	s := &story{T: t}
	s.az, s.clock, s.box = authztest.OpenWithMail(t, pack)
	return s
}

func (s *story) done(err error) {
	s.Helper()
	require.NoError(s, err)
}

// post has the worker deliver, and wants mails to exactly these addresses.
func (s *story) post(to ...string) {
	s.Helper()
	round, err := s.az.Deliver(s.Context())
	require.NoError(s, err)
	require.Zero(s, round.Failed+round.Dead)
	got := mailedTo(s.box.Letters()[s.opened:])
	s.opened = s.box.Len()
	slices.Sort(to)
	require.Equal(s, to, got, "mails to")
}

func mailedTo(letters []authz.Letter) (to []string) {
	for _, l := range letters {
		to = append(to, l.To.Address)
	}
	slices.Sort(to)
	return to
}

// can wants that all of this is allowed, cannot that none of it is.
func (s *story) can(u model.UserID, d model.Domain, permissions ...model.Permission) {
	s.Helper()
	for _, p := range permissions {
		authztest.RequireAllowed(s, s.az, u, d, p)
	}
}

func (s *story) cannot(u model.UserID, d model.Domain, permissions ...model.Permission) {
	s.Helper()
	for _, p := range permissions {
		authztest.RequireDenied(s, s.az, u, d, p)
	}
}

// register founds a tenant with its first user, who is known by an address that the host has
// verified, and returns both.
func (s *story) register(name, first, last, email string) (model.Domain, model.UserID) {
	s.Helper()
	made, err := s.az.Register(s.Context(), authz.System, authz.Registration{
		Tenant: authz.Tenant{Name: name, Email: "office@" + strings.SplitAfter(email, "@")[1]},
		Person: authz.Person{FirstName: first, LastName: last, Locale: "en", Addresses: []authz.Address{{Email: email, Verified: s.clock.Now()}}},
	})
	require.NoError(s, err)
	return made.Tenant.Domain(), made.Person.ID
}

// invite invites somebody by name and address, and returns the invitation.
func (s *story) invite(by model.UserID, name, email string, in model.Domain, profiles ...model.Profile) authz.Invitation {
	s.Helper()
	first, last, _ := strings.Cut(name, " ")
	n := authz.NewInvitation{FirstName: first, LastName: last, Email: email, Locale: "en"}
	for _, p := range profiles {
		n.Grants = append(n.Grants, authz.InvitedGrant{Domain: in, Profile: p})
	}
	inv, err := s.az.Invite(s.Context(), authz.By(by), in.Tenant(), n)
	require.NoError(s, err)
	return inv
}

// accept follows the link in the last mail to an address, as somebody who is signed in or, when
// that is zero, as somebody new.
func (s *story) accept(email string, signedIn model.UserID) model.UserID {
	s.Helper()
	inv, err := s.az.Accept(s.Context(), s.box.Token(s, email), authz.Acceptance{SignedIn: signedIn})
	require.NoError(s, err)
	return inv.User
}

// join is an invitation from the asking to the accepting.
func (s *story) join(by model.UserID, name, email string, in model.Domain, profiles ...model.Profile) model.UserID {
	s.Helper()
	s.invite(by, name, email, in, profiles...)
	s.post(email)
	return s.accept(email, model.UserID{})
}

// expired wants that a link is good no more.
func (s *story) expired(token string) {
	s.Helper()
	_, err := s.az.Accept(s.Context(), token, authz.Acceptance{})
	require.ErrorIs(s, err, authz.ErrExpired)
}

// notify sends the host's message on a topic.
func (s *story) notify(d model.Domain, topic model.Topic, subject string) {
	s.Helper()
	require.NoError(s, s.az.Notify(s.Context(), authz.System, d, topic, authz.Note{Subject: subject, Text: "Sign in to see it.", Path: "/news"}))
}

// dossier opens a dossier of the tenant at home.
func (s *story) dossier(by authz.Actor, home model.Domain, d authz.Dossier) model.Domain {
	s.Helper()
	made, err := s.az.CreateDossier(s.Context(), by, home.Tenant(), d)
	require.NoError(s, err)
	return made.Domain
}

// give and take are one switch of a right, on and off.
func (s *story) give(by, to model.UserID, p model.Profile, d model.Domain) error {
	return s.az.Grant(s.Context(), authz.By(by), authz.Grant{Subject: model.UserSubject(to), Profile: p, Domain: d})
}

func (s *story) take(by, from model.UserID, p model.Profile, d model.Domain) error {
	return s.az.Withdraw(s.Context(), authz.By(by), model.UserSubject(from), p, d)
}

// member is somebody's line in the list of a place, as by sees it.
func (s *story) member(by, u model.UserID, d model.Domain) authz.Member {
	s.Helper()
	all, err := s.az.Members(s.Context(), authz.By(by), d)
	require.NoError(s, err)
	i := slices.IndexFunc(all, func(m authz.Member) bool { return m.User == u })
	require.NotEqual(s, -1, i, "user %v is not listed", u)
	return all[i]
}

// sealed wants that the ledgers are whole.
func (s *story) sealed(home model.Domain, people ...model.UserID) {
	s.Helper()
	require.NoError(s, s.az.VerifyLedger(s.Context(), home.Tenant()))
	for _, u := range people {
		require.NoError(s, s.az.VerifyPersonLedger(s.Context(), u))
	}
}

// editedPack returns a shipped pack with one edit made in its files.
func editedPack(t testing.TB, shipped fs.FS, name string, oldNew ...string) *model.Pack {
	t.Helper()
	files, edits := fstest.MapFS{}, strings.NewReplacer(oldNew...)
	for _, file := range []string{model.ModelFile, model.PolicyFile, model.CatalogFile} {
		text, err := fs.ReadFile(shipped, file)
		require.NoError(t, err)
		files[file] = &fstest.MapFile{Data: []byte(edits.Replace(string(text)))}
	}
	pack, err := model.ReadPack(files, name)
	require.NoError(t, err)
	return pack
}
