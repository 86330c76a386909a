package authz_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	. "github.com/volmacht/volmacht/policies/accountancy"
)

// outbox returns the messages of one kind, in the order in which they came.
func outbox(t testing.TB, az *authz.Authz, kind authz.MessageKind) (all []store.Message) {
	t.Helper()
	require.NoError(t, az.Transaction(t.Context(), func(tx *authz.Tx) error {
		return tx.DB().Where("kind = ?", string(kind)).Order("id").Find(&all).Error
	}))
	return all
}

// requests lists all requests that by sees.
func (o *fixture) requests(t testing.TB, by authz.Actor, in model.Domain, state authz.RequestState) []authz.AccountRequest {
	t.Helper()
	all, err := o.az.AccountRequests(t.Context(), by, in, state, model.RequestID{}, 1000)
	require.NoError(t, err)
	return all
}

var dave = authz.NewRequest{FirstName: "Dave", LastName: "Dubois", Email: "Dave@Client.example", Locale: "nl", Note: "Our new bookkeeper."}

// ACC-40: a client user asks for an account; the responsible of ACC-23 gets it
// by mail, and it is approved, which makes it an invitation, or declined, with
// who and when.
func TestAccountRequest(t *testing.T) {
	t.Parallel()
	eachFixture(t, testAccountRequest)
}

func testAccountRequest(t *testing.T, o *fixture) {
	ctx := t.Context()
	carl := authz.By(o.carl)
	made, err := o.az.RequestAccount(ctx, carl, o.d1, dave)
	require.NoError(t, err)
	want := dave
	want.Profile = Administrator // ACC-30
	require.Equal(t, authz.AccountRequest{
		NewRequest: want, ID: made.ID, Domain: o.d1, State: authz.RequestOpen, AskedBy: carl.String(),
		Asked: o.clock.Now(), Expires: o.clock.Now().Add(30 * 24 * time.Hour), Mailed: true,
	}, made)

	mails := outbox(t, o.az, authz.RequestMessage)
	require.Len(t, mails, 1)
	require.Equal(t, []string{"office@acme.example", "Acme", "", made.ID.String()},
		[]string{mails[0].Email, mails[0].Name, mails[0].Person, mails[0].Subject})
	require.Equal(t, []authz.AccountRequest{made}, o.requests(t, o.by, o.d1, ""))
	require.Equal(t, []authz.AccountRequest{made}, o.requests(t, o.by, o.home, authz.RequestOpen))
	require.Equal(t, []authz.AccountRequest{made}, o.requests(t, carl, o.d1, ""), "the asker's own")
	require.Empty(t, o.requests(t, authz.By(o.cora), o.home, ""), "of a dossier that is not theirs")
	require.ErrorIs(t, o.az.DeclineRequest(ctx, carl, o.d1, made.ID, "No."), authz.ErrDenied)

	o.clock.Advance(time.Hour)
	invitation, err := o.az.ApproveRequest(ctx, o.by, o.d1, made.ID, FullFeedback)
	require.NoError(t, err)
	var inv store.Invitation
	var grants []store.InvitedGrant
	require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		require.NoError(t, tx.DB().Where("id = ?", invitation.String()).Take(&inv).Error)
		return tx.DB().Where("invitation = ?", invitation.String()).Find(&grants).Error
	}))
	require.Equal(t, []string{"Dave", "Dubois", "dave@client.example", "nl", "", store.Pending, o.by.String()},
		[]string{inv.FirstName, inv.LastName, inv.Canonical, inv.Locale, inv.Note, inv.State, inv.InvitedBy})
	require.Equal(t, []store.InvitedGrant{{Invitation: inv.ID, Dossier: "d1", Profile: FullFeedback}}, grants, "the approver's choice")
	done := o.requests(t, carl, o.d1, authz.RequestApproved)
	require.Len(t, done, 1)
	require.Equal(t, made.Expires, done[0].Expires)
	require.Equal(t, []any{o.by.String(), o.clock.Now(), invitation}, []any{done[0].DecidedBy, done[0].Decided, done[0].Invitation})
	_, err = o.az.ApproveRequest(ctx, o.by, o.d1, made.ID, FullFeedback)
	require.ErrorIs(t, err, authz.ErrConflict)

	again, err := o.az.RequestAccount(ctx, carl, o.d1, dave)
	require.NoError(t, err, "the first one is decided")
	require.NoError(t, o.az.DeclineRequest(ctx, o.by, o.d1, again.ID, "He left."))
	declined := o.requests(t, carl, o.home, authz.RequestDeclined)
	require.Len(t, declined, 1)
	require.Equal(t, []any{o.by.String(), o.clock.Now(), "He left."}, []any{declined[0].DecidedBy, declined[0].Decided, declined[0].Reason})
	require.NoError(t, o.az.VerifyLedger(ctx, o.tenant))
}

// ACC-23, ACC-40: the mail goes to the manager, else the group, else the
// office; with no address for it the request is kept, and says so.
func TestAccountRequestResponsible(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	n := 0
	ask := func(email, person string) {
		t.Helper()
		n++
		r := dave
		r.Email = string(rune('a'+n)) + "@client.example"
		made, err := o.az.RequestAccount(ctx, authz.By(o.carl), o.d1, r)
		require.NoError(t, err)
		require.Equal(t, email != "", made.Mailed)
		require.Equal(t, made, o.requests(t, o.by, o.d1, "")[n-1])
		var to []string
		for _, m := range outbox(t, o.az, authz.RequestMessage) {
			if m.Subject == made.ID.String() {
				to = append(to, m.Email, m.Person)
			}
		}
		if email == "" {
			require.Empty(t, to)
			return
		}
		require.Equal(t, []string{email, person}, to)
	}
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	ask("north@acme.example", "")
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.emma)))
	ask("emma@acme.example", "emma")
	require.NoError(t, o.az.RemoveAddress(ctx, authz.System, o.emma, "emma@acme.example"))
	ask("", "")
	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, o.emma))
	ask("north@acme.example", "")
	require.NoError(t, o.az.DeleteTeam(ctx, o.by, o.tenant, o.group))
	ask("office@acme.example", "")
	require.NoError(t, o.az.EditTenant(ctx, o.by, authz.Tenant{ID: o.tenant, Name: "Acme"}))
	ask("", "")
}

// ACC-40: a request can be decided until it expires, to the microsecond, and
// then stands in nobody's way.
func TestAccountRequestExpires(t *testing.T) {
	t.Parallel()
	eachFixture(t, testAccountRequestExpires)
}

func testAccountRequestExpires(t *testing.T, o *fixture) {
	ctx := t.Context()
	carl := authz.By(o.carl)
	first, err := o.az.RequestAccount(ctx, carl, o.d1, dave)
	require.NoError(t, err)
	o.clock.Advance(30*24*time.Hour - time.Microsecond)
	_, err = o.az.RequestAccount(ctx, carl, o.d1, dave)
	require.ErrorIs(t, err, authz.ErrConflict)
	require.Len(t, o.requests(t, o.by, o.d1, authz.RequestOpen), 1)
	o.clock.Advance(time.Microsecond)
	require.Empty(t, o.requests(t, o.by, o.d1, authz.RequestOpen))
	require.Len(t, o.requests(t, o.by, o.d1, authz.RequestExpired), 1)
	_, err = o.az.ApproveRequest(ctx, o.by, o.d1, first.ID, model.Profile{})
	require.ErrorIs(t, err, authz.ErrExpired)
	require.ErrorIs(t, o.az.DeclineRequest(ctx, o.by, o.d1, first.ID, "Late."), authz.ErrExpired)

	second, err := o.az.RequestAccount(ctx, carl, o.d1, dave)
	require.NoError(t, err)
	require.Len(t, o.requests(t, o.by, o.d1, authz.RequestExpired), 1)
	o.clock.Advance(30*24*time.Hour - time.Microsecond)
	_, err = o.az.ApproveRequest(ctx, o.by, o.d1, second.ID, model.Profile{})
	require.NoError(t, err)
}

// How long a request is good is the host's to say.
func TestAccountRequestTerm(t *testing.T) {
	t.Parallel()
	db, err := store.OpenMemory()
	require.NoError(t, err)
	for _, term := range []time.Duration{-1, time.Hour} {
		az, err := authz.Open(t.Context(), db, authz.Config{Pack: Pack(), Clock: noon, Requests: term})
		if term < 0 {
			require.ErrorIs(t, err, authz.ErrInvalid)
			continue
		}
		require.NoError(t, err)
		require.NoError(t, az.Transaction(t.Context(), populate))
		made, err := az.RequestAccount(t.Context(), authz.By(uCarl), dOne, dave)
		require.NoError(t, err)
		require.Equal(t, noon().Add(term), made.Expires)
	}
}

// Attempted: to learn, by asking for an account for it, whether an address has
// one somewhere: in no tenant, in this one, in another, verified or not.
func TestA9AccountRequest(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var first authz.AccountRequest
	for i, email := range []string{
		"nobody@new.example", "u-nina@verified.example", "u-nina@new.example", "u-bea@verified.example", "u-emil@verified.example", "u-dora@new.example",
	} {
		r := dave
		r.Email = email
		made, err := s.az.RequestAccount(t.Context(), authz.By(uCarl), dOne, r)
		require.NoError(t, err, email)
		_, err = s.az.RequestAccount(t.Context(), authz.By(uCarl), dOne, r)
		requireIs(t, err, authz.ErrConflict, email)
		require.NotContains(t, err.Error(), email)
		made.ID, made.Email = model.RequestID{}, ""
		if i == 0 {
			first = made
		}
		require.Equal(t, first, made, email)
	}
}

// The pages of a list hold each request once, whatever is between those that
// one may see.
func TestAccountRequestPages(t *testing.T) {
	t.Parallel()
	eachFixture(t, testAccountRequestPages)
}

func testAccountRequestPages(t *testing.T, o *fixture) {
	ctx := t.Context()
	var ofCarl, all []model.RequestID
	for i := range 7 {
		by, d := authz.By(o.carl), o.d1
		if i%3 == 1 {
			by, d = authz.By(o.cora), o.d2
		}
		r := dave
		r.Email = string(rune('a'+i)) + "@client.example"
		made, err := o.az.RequestAccount(ctx, by, d, r)
		require.NoError(t, err)
		if all = append(all, made.ID); d == o.d1 {
			ofCarl = append(ofCarl, made.ID)
		}
	}
	for _, c := range []struct {
		by   authz.Actor
		in   model.Domain
		want []model.RequestID
	}{{o.by, o.home, all}, {authz.System, o.home, all}, {o.by, o.d1, ofCarl}, {authz.By(o.carl), o.home, ofCarl}, {authz.By(o.eve), o.home, nil}} {
		var got []model.RequestID
		for after := (model.RequestID{}); ; {
			page, err := o.az.AccountRequests(ctx, c.by, c.in, "", after, 2)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			require.LessOrEqual(t, len(page), 2)
			for _, r := range page {
				got = append(got, r.ID)
			}
			after = page[len(page)-1].ID
		}
		require.Equal(t, c.want, got, "%v in %v", c.by, c.in)
	}
	for _, limit := range []int{0, -1, 1001} {
		_, err := o.az.AccountRequests(ctx, o.by, o.home, "", model.RequestID{}, limit)
		require.ErrorIs(t, err, authz.ErrInvalid)
	}
	_, err := o.az.AccountRequests(ctx, o.by, o.home, "gone", model.RequestID{}, 1)
	require.ErrorIs(t, err, authz.ErrInvalid)

	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d1))
	require.Len(t, o.requests(t, o.by, o.home, ""), len(all)-len(ofCarl), "nobody decides on a closed dossier")
	require.Len(t, o.requests(t, authz.System, o.home, ""), len(all))
	require.Empty(t, o.requests(t, authz.By(o.carl), o.home, ""))
}

// Who may decide but not hand out what is asked for approves nothing.
func TestAccountRequestCeiling(t *testing.T) {
	t.Parallel()
	catalog := "pack, desk, , 1, L, L, L\n"
	for _, name := range []string{"profile, boss, tenant", "profile, clerk, tenant", "profile, client, dossier", "permission, member invite, tenant dossier",
		"permission, dossier see, dossier", "permission, account_request submit, dossier", "permission, account_request decide, dossier"} {
		catalog += name + ", , L, L, L\n"
	}
	pack, err := model.ReadPack(fstest.MapFS{
		model.ModelFile:   {Data: []byte(engine.Standard)},
		model.CatalogFile: {Data: []byte(catalog)},
		model.PolicyFile: {Data: []byte(`
p, boss, any, dossier, *, *, allow
p, clerk, any, dossier, dossier, see, allow
p, clerk, any, dossier, account_request, decide, allow
p, clerk, any, dossier, member, invite, allow
`)},
	}, "desk")
	require.NoError(t, err)
	az, _ := authztest.Open(t, pack)
	ctx := t.Context()
	_, err = az.CreateTenant(ctx, system, authz.Tenant{ID: tAcme, Name: "Acme"})
	require.NoError(t, err)
	_, err = az.CreateDossier(ctx, system, tAcme, authz.Dossier{ID: dOne.Dossier(), Name: "One"})
	require.NoError(t, err)
	for u, p := range map[model.UserID]string{uAnn: "boss", uEmil: "clerk"} {
		_, err = az.AddPerson(ctx, system, authz.Person{ID: u, FirstName: "F", LastName: "L"})
		require.NoError(t, err)
		require.NoError(t, az.AddMember(ctx, system, home(tAcme), authz.NewMember{User: u, Profiles: []model.Profile{rung(p)}}))
	}
	_, err = az.RequestAccount(ctx, admin, dOne, dave)
	require.ErrorIs(t, err, authz.ErrInvalid, "no profile, and no default")
	r := dave
	r.Profile = rung("client")
	made, err := az.RequestAccount(ctx, admin, dOne, r)
	require.NoError(t, err)
	_, err = az.ApproveRequest(ctx, authz.By(uEmil), dOne, made.ID, model.Profile{})
	require.ErrorIs(t, err, authz.ErrDenied)
	require.NoError(t, az.DeclineRequest(ctx, authz.By(uEmil), dOne, made.ID, "I may not."))
}

// The same account is asked for on two nodes at once: there is one request, and
// one mail.
func TestAccountRequestRace(t *testing.T) {
	t.Parallel()
	ask := func(az *authz.Authz) error {
		_, err := az.RequestAccount(context.Background(), authz.By(uCarl), dOne, dave)
		return err
	}
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		for round := range rounds() / 2 {
			errs := together(func() error { return ask(n.az[0]) }, func() error { return ask(n.az[1]) })
			require.True(t, (errs[0] == nil) != (errs[1] == nil), "round %d: %v", round, errs)
			require.ErrorIs(t, errors.Join(errs[:]...), authz.ErrConflict)
			open, err := n.az[0].AccountRequests(t.Context(), admin, dOne, authz.RequestOpen, model.RequestID{}, 10)
			require.NoError(t, err)
			require.Len(t, open, 2, "one, and that of the scene")
			require.Len(t, outbox(t, n.az[0], authz.RequestMessage), round+1)
			for _, r := range open {
				if r.ID != qOpen {
					require.NoError(t, n.az[0].DeclineRequest(t.Context(), admin, dOne, r.ID, "Again."))
				}
			}
		}
		n.requireSound(t)
	})
	// The control: without the constraint both are kept.
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		require.NoError(t, db.Exec("CREATE INDEX instead ON volmacht_account_requests (tenant, dossier)").Error) // for MariaDB's foreign key
		drop := map[string]string{"postgres": "CONSTRAINT", "mysql": "INDEX"}[db.Name()]
		require.NoError(t, db.Exec("ALTER TABLE volmacht_account_requests DROP "+drop+" volmacht_account_requests_open").Error)
		errs := together(func() error { return ask(n.az[0]) }, func() error { return ask(n.az[1]) })
		require.NoError(t, errors.Join(errs[:]...))
	})
}

// ACC-40: who asked is told what was decided, and no more than the list says.
func TestRequestDecisionIsMailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decide func(p post, id model.RequestID) error
		says   []string
	}{
		"approved": {func(p post, id model.RequestID) error {
			_, err := p.az.ApproveRequest(t.Context(), admin, dOne, id, FullFeedback)
			return err
		}, []string{"Your request for an account for Robin Maes (Robin@new.example), on Baker, was approved. An invitation is on its way."}},
		"declined": {func(p post, id model.RequestID) error {
			return p.az.DeclineRequest(t.Context(), admin, dOne, id, "He left.")
		}, []string{"Your request for an account for Robin Maes (Robin@new.example), on Baker, was declined.", "“He left.”"}},
		"by who asked": {func(p post, id model.RequestID) error {
			return p.az.DeclineRequest(t.Context(), authz.By(uEmil), dOne, id, "A mistake.")
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t)
			require.NoError(t, p.az.EditPerson(t.Context(), system, authz.Person{ID: uEmil, FirstName: "Emil", LastName: "Claes", Locale: "en"}))
			p.ask(t, "q-1")
			require.NoError(t, c.decide(p, model.Must(model.ParseRequestID("q-1"))))
			_, err := p.az.Deliver(t.Context())
			require.NoError(t, err)
			mails := outbox(t, p.az, authz.DecisionMessage)
			if c.says == nil {
				require.Empty(t, mails)
				return
			}
			require.Len(t, mails, 1)
			l := p.box.Last(t, verified(uEmil))
			for _, want := range c.says {
				require.Contains(t, l.Text, want)
			}
			for _, secret := range []string{"invitation#", "F L", "feedback"} { // a token, who decided, the profile
				require.NotContains(t, l.Subject+l.Text+l.HTML, secret)
			}
			require.Equal(t, "https://portal.example/", p.box.Link(t, verified(uEmil)))
		})
	}
}
