package authz_test

import (
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
	toAnn := func(kind authz.MessageKind, d model.Domain, subject string) func(*testing.T, post) {
		return func(t *testing.T, p post) {
			require.NoError(t, authz.Send(t.Context(), p.az, kind, d, subject, uAnn, "Ann", uAnn.String()+"@new.example", "en"))
		}
	}
	renewal := func(t *testing.T, p post) {
		p.invite(t, "i-1", func(inv *store.Invitation) { inv.Renewal = "inviter" })
		require.NoError(t, p.db.Where("1 = 1").Delete(&store.Message{}).Error)
		toAnn(authz.RenewalMessage, home(tAcme), "i-1")(t, p)
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
			"a closed tenant": closeTenant, "recipient removed": leave(uAnn), "address removed": moved,
		}},
		authz.RequestMessage: {func(t *testing.T, p post) {
			p.ask(t, "q-1")
			toAnn(authz.RequestMessage, dOne, "q-1")(t, p)
		}, map[string]func(*testing.T, post){
			"decided": table("volmacht_account_requests", "state", "approved"), "a closed tenant": closeTenant,
			"a closed dossier": closeDossier, "recipient removed": leave(uAnn), "address removed": moved,
			"expired": func(_ *testing.T, p post) { p.watch.advance(24 * time.Hour) },
		}},
		authz.ReviewMessage: {func(t *testing.T, p post) {
			p.review(t, "r-1")
			toAnn(authz.ReviewMessage, home(tAcme), "r-1")(t, p)
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
				var tokens int64
				require.NoError(t, p.db.Model(&store.Token{}).Count(&tokens).Error)
				require.Zero(t, tokens, name)
			}
		})
	}
}

// ask puts an account request of Emil's into the database.
func (p post) ask(t testing.TB, id string) {
	t.Helper()
	require.NoError(t, p.db.Exec(`INSERT INTO volmacht_account_requests (id, tenant, dossier, first_name, last_name, canonical, typed, locale, profile, note,
		state, asked_by, asked_at, expires_at, decided_by, decided_at, reason, invitation)
		VALUES (?, 't-acme', 'd-1', 'Robin', 'Maes', 'robin@new.example', 'Robin@new.example', '', 'full_access', 'Our new colleague.',
		'open', 'user:u-emil', 0, ?, '', 0, '', '')`, id, store.At(p.watch.Now().Add(time.Hour))).Error)
}

// review puts an open review into the database.
func (p post) review(t testing.TB, id string) {
	t.Helper()
	require.NoError(t, p.db.Exec(`INSERT INTO volmacht_reviews (tenant, id, opened_by, opened_at, due_at, reminded_at, closed_at)
		VALUES ('t-acme', ?, 'system', 0, ?, 0, 0)`, id, store.At(p.watch.Now().Add(time.Hour))).Error)
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

// An invitation that was sent again has two messages: the last one counts.
func TestDeliverTheLastOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db)
		p.invite(t, "i-1")
		p.send(t, authz.InvitationMessage, home(tAcme), "i-1")
		p.watch.advance(time.Second)
		p.send(t, authz.LinkMessage, home(tAcme), "i-1")
		p.deliver(t, authz.Delivery{Dropped: 2, Sent: 1})
		require.Contains(t, p.box.Last(t, "Robin@new.example").Text, "You have an account already.")
	})
}

// Requests, reviews and renewals say what they are about, and lead there.
func TestMailsOfTheOffice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db)
		to := "ann@office.example"
		require.NoError(t, p.az.AddAddress(t.Context(), system, uAnn, to))
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
