package authz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// What there is no reason to send any more when its turn comes is dropped. The
// control of each case is that nothing happens, and that it is sent then.
func TestDeliverDrops(t *testing.T) {
	t.Parallel()
	invitation := func(column string, value any) func(*testing.T, post) {
		return func(t *testing.T, p post) {
			require.NoError(t, p.db.Model(&store.Invitation{}).Where("id = 'i-1'").Update(column, value).Error)
		}
	}
	table := func(name, column string, value any) func(*testing.T, post) {
		return func(t *testing.T, p post) {
			require.NoError(t, p.db.Table(name).Where("1 = 1").Update(column, value).Error)
		}
	}
	closeTenant := func(t *testing.T, p post) { require.NoError(t, p.az.CloseTenant(t.Context(), system, tAcme)) }
	closeDossier := func(t *testing.T, p post) { require.NoError(t, p.az.CloseDossier(t.Context(), admin, dOne)) }
	leave := func(u model.UserID) func(*testing.T, post) {
		return func(t *testing.T, p post) {
			require.NoError(t, p.az.RemoveMember(t.Context(), system, home(tAcme), u))
		}
	}
	moved := func(t *testing.T, p post) {
		require.NoError(t, p.az.RemoveAddress(t.Context(), system, uAnn, uAnn.String()+"@new.example"))
	}
	renewal := func(t *testing.T, p post) {
		p.invite(t, "i-1", func(inv *store.Invitation) { inv.Renewal = "inviter" })
		require.NoError(t, p.db.Where("1 = 1").Delete(&store.Message{}).Error)
		p.sendTo(t, uAnn, authz.RenewalMessage, home(tAcme), "i-1")
	}
	for kind, c := range map[authz.MessageKind]struct {
		queue func(*testing.T, post)
		gone  map[string]func(*testing.T, post)
	}{
		authz.InvitationMessage: {func(t *testing.T, p post) { p.invite(t, "i-1") }, map[string]func(*testing.T, post){
			"revoked": invitation("state", store.Revoked), "accepted": invitation("state", store.Accepted),
			"declined": invitation("state", store.Declined), "to another address": invitation("canonical", "other@new.example"),
			"needs renewal": invitation("renewal", "inviter"), "expired": func(_ *testing.T, p post) { p.watch.advance(24 * time.Hour) },
			"a closed tenant":     closeTenant,
			"deleted":             func(t *testing.T, p post) { table("volmacht_messages", "subject", "i-2")(t, p) },
			"of another tenant's": func(t *testing.T, p post) { table("volmacht_messages", "tenant", tBeta.String())(t, p) },
		}},
		authz.RenewalMessage: {renewal, map[string]func(*testing.T, post){
			"sent again": invitation("renewal", ""), "revoked": invitation("state", store.Revoked),
			"a closed tenant": closeTenant,
		}},
		authz.RequestMessage: {func(t *testing.T, p post) {
			p.ask(t, "q-1")
			p.sendTo(t, uEmil, authz.RequestMessage, dOne, "q-1")
		}, map[string]func(*testing.T, post){
			"decided": table("volmacht_account_requests", "state", "approved"), "a closed tenant": closeTenant,
			"a closed dossier": closeDossier, "expired": func(_ *testing.T, p post) { p.watch.advance(24 * time.Hour) },
		}},
		authz.DecisionMessage: {func(t *testing.T, p post) {
			p.ask(t, "q-1")
			require.NoError(t, p.az.DeclineRequest(t.Context(), admin, dOne, model.Must(model.ParseRequestID("q-1")), "No."))
		}, map[string]func(*testing.T, post){
			"a closed tenant": closeTenant, "a closed dossier": closeDossier, "who asked removed": leave(uEmil),
			"open again": table("volmacht_account_requests", "state", "open"),
			"who asked sees it no more": func(t *testing.T, p post) {
				require.NoError(t, p.az.Withdraw(t.Context(), system, model.UserSubject(uEmil), accountancy.Employee, home(tAcme)))
			},
		}},
		authz.ReviewMessage: {func(t *testing.T, p post) {
			p.review(t, "r-1")
			p.sendTo(t, uAnn, authz.ReviewMessage, home(tAcme), "r-1")
		}, map[string]func(*testing.T, post){
			"done": table("volmacht_reviews", "closed_at", 1), "a closed tenant": closeTenant,
			"recipient removed": leave(uAnn), "address removed": moved,
			"recipient demoted": func(t *testing.T, p post) {
				ok := p.az.Transaction(t.Context(), func(tx *authz.Tx) error {
					for _, r := range must(tx.Grants(t.Context(), system, home(tAcme))) {
						if r.Subject == model.UserSubject(uAnn) {
							require.NoError(t, tx.Withdraw(t.Context(), system, r.Subject, r.Profile, home(tAcme)))
						}
					}
					return nil
				})
				require.NoError(t, ok)
			},
		}},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			p := newPost(t)
			c.queue(t, p)
			p.deliver(t, authz.Delivery{Sent: 1})
			for name, gone := range c.gone {
				p := newPost(t)
				c.queue(t, p)
				gone(t, p)
				got, err := p.az.Deliver(t.Context())
				require.NoError(t, err, name)
				require.Equal(t, authz.Delivery{Dropped: 1}, got, name)
				require.Zero(t, p.box.Sent(), name)
				m := p.only(t)
				require.Equal(t, authz.MessageDropped, m.State, name)
				require.Equal(t, p.watch.Now(), m.Done, name)
				require.NotEmpty(t, m.Failure, name)
				var tokens int64
				require.NoError(t, p.db.Model(&store.Token{}).Count(&tokens).Error)
				require.Zero(t, tokens, name)
			}
		})
	}
}

// sendTo puts a message to a member into the outbox.
func (p post) sendTo(t testing.TB, u model.UserID, kind authz.MessageKind, d model.Domain, subject string) {
	t.Helper()
	require.NoError(t, authz.Send(t.Context(), p.az, kind, d, subject, u, "F L", u.String()+"@new.example", "en"))
}

// Requests and renewals go to whom they are for when they are sent. Whoever lost the
// dossier meanwhile, or was deactivated, learns nothing more of it; the next one does.
func TestDeliverHandsOn(t *testing.T) {
	t.Parallel()
	const emil, team, office = "u-emil@verified.example", "crew@verified.example", "office@verified.example"
	request := func(t *testing.T, p post) {
		p.ask(t, "q-1")
		p.sendTo(t, uEmil, authz.RequestMessage, dOne, "q-1")
	}
	renewal := func(d model.Domain) func(*testing.T, post) {
		return func(t *testing.T, p post) {
			p.invite(t, "i-1", func(inv *store.Invitation) { inv.Renewal = string(authz.InviterLimited) })
			require.NoError(t, p.db.Where("1 = 1").Delete(&store.Message{}).Error)
			p.sendTo(t, uAnn, authz.RenewalMessage, d, "i-1")
		}
	}
	type change = func(ctx context.Context, az *authz.Authz) error
	deactivated := func(u model.UserID) change {
		return func(ctx context.Context, az *authz.Authz) error { return az.DeactivateMember(ctx, system, tAcme, u) }
	}
	demoted := func(u model.UserID, profile model.Profile) change {
		return func(ctx context.Context, az *authz.Authz) error {
			return az.Withdraw(ctx, system, model.UserSubject(u), profile, home(tAcme))
		}
	}
	managed := func(ctx context.Context, az *authz.Authz) error {
		return az.Assign(ctx, system, dOne, authz.Manager(uAmy))
	}
	unassigned := func(ctx context.Context, az *authz.Authz) error {
		return errors.Join(az.Unassign(ctx, system, dOne, authz.Manager(uEmil)), az.Unassign(ctx, system, dOne, authz.Group(gCrew)))
	}
	reachable := func(ctx context.Context, az *authz.Authz) error {
		return az.EditTeam(ctx, system, tAcme, authz.Team{ID: gCrew, Name: "Crew", Email: team})
	}
	moved := func(u model.UserID) change {
		return func(ctx context.Context, az *authz.Authz) error {
			return az.RemoveAddress(ctx, system, u, u.String()+"@new.example")
		}
	}
	for name, c := range map[string]struct {
		queue func(*testing.T, post)
		do    []change
		to    string // empty: nobody
	}{
		"a request, and nothing happens":            {request, nil, "u-emil@new.example"},
		"a request, another manager":                {request, []change{managed}, "u-amy@verified.example"},
		"a request, neither manager nor team":       {request, []change{unassigned}, office},
		"a request, the manager deactivated":        {request, []change{reachable, deactivated(uEmil)}, team},
		"a request, the manager sees it no more":    {request, []change{reachable, demoted(uEmil, accountancy.Employee)}, team},
		"a request, the address removed":            {request, []change{moved(uEmil)}, emil},
		"a request, and nobody else has an address": {request, []change{deactivated(uEmil)}, ""},
		"a renewal, and nothing happens":            {renewal(dOne), nil, "u-ann@new.example"},
		"a renewal, the inviter deactivated":        {renewal(dOne), []change{deactivated(uAnn)}, emil},
		"a renewal, the inviter sees it no more":    {renewal(dOne), []change{demoted(uAnn, accountancy.Admin)}, emil},
		"a renewal, the address removed":            {renewal(dOne), []change{moved(uAnn)}, "u-ann@verified.example"},
		"a renewal in the tenant, deactivated":      {renewal(home(tAcme)), []change{deactivated(uAnn)}, office},
		"a renewal in the tenant, demoted":          {renewal(home(tAcme)), []change{demoted(uAnn, accountancy.Admin)}, "u-ann@new.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t)
			c.queue(t, p)
			for _, do := range c.do {
				require.NoError(t, do(t.Context(), p.az))
			}
			first := p.only(t)
			done, err := p.az.Deliver(t.Context())
			require.NoError(t, err)
			var to []string
			for _, l := range p.box.Letters() {
				to = append(to, l.To.Address)
			}
			switch c.to {
			case first.To.Email:
				require.Equal(t, authz.Delivery{Sent: 1}, done)
			case "":
				require.Equal(t, authz.Delivery{Dropped: 1}, done)
				require.Empty(t, to)
				require.Equal(t, "it is no longer for this recipient, and nobody else has an address", p.only(t).Failure)
				all, err := p.az.AccountRequests(t.Context(), system, dOne, "", model.RequestID{}, 10)
				require.NoError(t, err)
				require.False(t, all[0].Mailed, "the list must tell of it")
				return
			default:
				require.Equal(t, authz.Delivery{Sent: 1, Dropped: 1}, done)
				require.Equal(t, authz.MessageDropped, p.messages(t)[0].State)
				require.Equal(t, "it is no longer for this recipient: whoever it is for now gets it instead", p.messages(t)[0].Failure)
			}
			require.Equal(t, []string{c.to}, to)
			require.Contains(t, p.box.Last(t, c.to).Text, "Robin Maes")
		})
	}
}

// ask puts an account request of Emil's into the database.
func (p post) ask(t testing.TB, id string) {
	t.Helper()
	require.NoError(t, p.db.Where("1 = 1").Delete(&store.AccountRequest{}).Error)
	require.NoError(t, p.db.Create(&store.AccountRequest{
		Tenant: tAcme, ID: model.Must(model.ParseRequestID(id)), Dossier: dOne.Dossier(), FirstName: "Robin", LastName: "Maes",
		Canonical: robin, Typed: "Robin@new.example", Profile: accountancy.FullAccess, Note: "Our new colleague.", State: store.RequestOpen,
		AskedBy: authz.By(uEmil).String(), ExpiresAt: store.At(p.watch.Now().Add(time.Hour)), Mailed: true,
	}).Error)
}

// review puts an open review into the database.
func (p post) review(t testing.TB, id string) {
	t.Helper()
	require.NoError(t, p.db.Create(&store.Review{
		Tenant: tAcme, ID: model.Must(model.ParseReviewID(id)), OpenedBy: system.String(), DueAt: store.At(p.watch.Now().Add(time.Hour)),
	}).Error)
}

// That the dossier was closed is a reason to tell the inviter.
func TestRenewalOfAClosedDossier(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.invite(t, "i-1", func(inv *store.Invitation) { inv.Renewal = "closed" })
	require.NoError(t, p.db.Where("1 = 1").Delete(&store.Message{}).Error)
	require.NoError(t, authz.Send(t.Context(), p.az, authz.RenewalMessage, dOne, "i-1", uAnn, "Ann", uAnn.String()+"@new.example", "en"))
	require.NoError(t, p.az.CloseDossier(t.Context(), admin, dOne))
	p.deliver(t, authz.Delivery{Sent: 1})
}

// A link that makes an account is good for a day, however long the invitation is.
func TestUntilOfANewAccount(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.invite(t, "i-1", func(inv *store.Invitation) { inv.ExpiresAt = store.At(noon().Add(7 * 24 * time.Hour)) })
	p.deliver(t, authz.Delivery{Sent: 1})
	require.Contains(t, p.box.Last(t, "Robin@new.example").Text, "until 6 January 2026, 12:00 UTC")
	p.watch.advance(time.Second)
	p.send(t, authz.LinkMessage, home(tAcme), "i-1")
	p.deliver(t, authz.Delivery{Sent: 1})
	require.Contains(t, p.box.Last(t, "Robin@new.example").Text, "until 12 January 2026, 12:00 UTC")
}

// Of an invitation that is sent again the last message counts, though the clock of who
// sent it runs behind.
func TestDeliverTheLastOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db)
		ctx := t.Context()
		p.invite(t, "i-1")
		again := func() {
			t.Helper()
			p.watch.advance(-time.Minute)
			require.NoError(t, p.az.Resend(ctx, admin, dOne, model.Must(model.ParseInvitationID("i-1"))))
		}
		states := func() (all []authz.MessageState) {
			for _, m := range p.messages(t) {
				all = append(all, m.State)
			}
			return all
		}
		again() // while the first one waits
		p.box.Fail(authz.ErrUndeliverable)
		p.watch.advance(time.Hour)
		p.deliver(t, authz.Delivery{Dead: 1})
		dropped, dead := p.messages(t)[0], p.messages(t)[1]
		require.Equal(t, []authz.MessageState{authz.MessageDropped, authz.MessageDead}, states())
		require.NotEmpty(t, dropped.Failure)

		again() // when the second one was given up, which nobody can try again after this
		require.ErrorIs(t, p.az.RetryMessage(ctx, admin, tAcme, dead.ID), authz.ErrConflict)
		require.Equal(t, dead.Failure, p.messages(t)[1].Failure, "what the server said")
		p.box.Fail(nil)
		p.deliver(t, authz.Delivery{Sent: 1})
		again() // when the third one was sent
		p.deliver(t, authz.Delivery{Sent: 1})
		require.Equal(t, []authz.MessageState{authz.MessageDropped, authz.MessageDropped, authz.MessageSent, authz.MessageSent}, states())
		require.Equal(t, 1, p.good(t, p.box.Token(t, "Robin@new.example")))
	})
}

// Requests, reviews and renewals say what they are about, and lead there.
func TestMailsOfTheOffice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db)
		to := "ann@office.example"
		require.NoError(t, p.az.AddAddress(t.Context(), system, uAnn, to))
		require.NoError(t, p.az.Assign(t.Context(), system, dOne, authz.Manager(uAnn)))
		send := func(kind authz.MessageKind, d model.Domain, subject string) string {
			require.NoError(t, authz.Send(t.Context(), p.az, kind, d, subject, uAnn, "Ann", to, "en"))
			p.deliver(t, authz.Delivery{Sent: 1})
			return p.box.Last(t, to).Text
		}
		p.ask(t, "q-1")
		text := send(authz.RequestMessage, dOne, "q-1")
		require.Contains(t, text, "F L asks for an account for Robin Maes (Robin@new.example), on Baker.")
		require.Contains(t, text, "Our new colleague.")
		require.Equal(t, "https://portal.example/t-acme/d-1/requests/q-1", p.box.Link(t, to))

		p.review(t, "r-1")
		require.Contains(t, send(authz.ReviewMessage, home(tAcme), "r-1"), "be done by 5 January 2026, 13:00 UTC.")
		require.Equal(t, "https://portal.example/t-acme/reviews/r-1", p.box.Link(t, to))
		require.Contains(t, send(authz.ReminderMessage, home(tAcme), "r-1"), "be done by 5 January 2026, 13:00 UTC.")
		p.watch.advance(2 * time.Hour)
		require.Contains(t, send(authz.ReminderMessage, home(tAcme), "r-1"), "It was due on 5 January 2026, 13:00 UTC.")

		require.NoError(t, p.db.Create(&store.Invitation{
			ID: "i-1", Tenant: tAcme, FirstName: "Robin", LastName: "Maes", Canonical: robin, Typed: robin, State: store.Pending, Renewal: "inviter",
			InvitedBy: admin.String(),
		}).Error)
		require.Contains(t, send(authz.RenewalMessage, home(tAcme), "i-1"), "Robin Maes (robin@new.example) wanted to accept")
		require.Equal(t, "https://portal.example/", p.box.Link(t, to))
	})
}

// Whoever revokes an invitation while its mail is sent takes the token along.
func TestMintedTokensDie(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db)
		other := openOn(t, storetest.Reopen(t, db), time.Hour)
		for n := range 30 {
			id := fmt.Sprint("i-", n)
			p.invite(t, id)
			done := make(chan error)
			go func() {
				_, err := p.az.Deliver(t.Context())
				done <- err
			}()
			time.Sleep(rand.N(4 * time.Millisecond)) // somewhere in it
			require.NoError(t, authz.Revoke(t.Context(), other, tAcme, id))
			require.NoError(t, <-done)
		}
		require.NotZero(t, p.box.Len(), "all were revoked before: it proves nothing")
		var left int64
		require.NoError(t, p.db.Model(&store.Token{}).Count(&left).Error)
		require.Zero(t, left)
	})
}
