package authz_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

// A6: the token is in the mail and nowhere else: no table, no ledger, no list, no
// log, though the server quotes the mail in its refusal, in whole or in part.
func TestA6Mail(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		var tokens []string
		answers := []func(l authz.Letter, token string) error{
			func(l authz.Letter, _ string) error { return errors.New("554 spam: " + l.Text) },
			func(_ authz.Letter, token string) error {
				return errors.New("451 " + token[:20] + "=\r\n" + token[20:])
			},
			func(_ authz.Letter, token string) error { return errors.New("421 bad link …" + token[7:19] + "…") },
			func(authz.Letter, string) error { return errors.New("connection reset") },
			func(authz.Letter, string) error { return nil },
		}
		p := postOn(t, setScene(t, db).db, func(m *authz.Mail) {
			m.Mailer = mailerFunc(func(_ context.Context, l authz.Letter) error {
				_, token, _ := strings.Cut(l.Text, "#")
				token = token[:43]
				tokens = append(tokens, token)
				return answers[len(tokens)-1](l, token)
			})
		})
		p.invite(t, "i-1")
		var said string
		for range answers {
			_, err := p.az.Deliver(t.Context())
			require.NoError(t, err)
			said += fmt.Sprintf("%+v", p.only(t))
			said += strings.Join(p.dump(t), "\n")
			p.watch.advance(4 * time.Hour)
		}
		said += p.log.String() + fmt.Sprintf("%+v", ledger(t, p.az))
		require.Len(t, tokens, len(answers))
		require.Equal(t, len(tokens), p.good(t, tokens...), "each mail that may have arrived has a link that works")
		require.Contains(t, said, "connection reset", "the control")
		require.Contains(t, said, "quoted the link", "the control")
		for _, token := range tokens {
			for i := range len(token) - 10 {
				require.NotContains(t, said, token[i:i+10])
			}
		}
		require.NotContains(t, p.log.String(), "robin", "the log has an address in it")
	})
}

func TestMessages(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	for n := range 5 {
		p.invite(t, fmt.Sprint("i-", n))
	}
	require.NoError(t, authz.Send(t.Context(), p.az, authz.ReviewMessage, home(tBeta), "r-1", uBea, "Bea", "bea@new.example", ""))
	p.box.Fail(authz.ErrUndeliverable)
	p.deliver(t, authz.Delivery{Dead: 5, Dropped: 1})

	list := func(by authz.Actor, tenant model.TenantID, f authz.MessageFilter) (about []string) {
		f.Limit = 2
		var after model.MessageID
		for {
			page, err := p.az.Messages(t.Context(), by, tenant, f, after)
			require.NoError(t, err)
			if len(page) == 0 {
				return about
			}
			for _, m := range page {
				about = append(about, m.About)
				after = m.ID
			}
		}
	}
	invitations := []string{"i-0", "i-1", "i-2", "i-3", "i-4"}
	require.Equal(t, invitations, list(admin, tAcme, authz.MessageFilter{}))
	require.Equal(t, invitations, list(admin, tAcme, authz.MessageFilter{State: authz.MessageDead, Kind: authz.InvitationMessage}))
	require.Empty(t, list(admin, tAcme, authz.MessageFilter{State: authz.MessageSent}))
	require.Empty(t, list(admin, tAcme, authz.MessageFilter{Kind: authz.TopicMessage}))
	require.Equal(t, append(invitations, "r-1"), list(system, model.TenantID{}, authz.MessageFilter{}))
	require.Equal(t, []string{"r-1"}, list(system, tBeta, authz.MessageFilter{State: authz.MessageDropped}))

	_, err := p.az.Messages(t.Context(), admin, model.TenantID{}, authz.MessageFilter{}, model.MessageID{})
	requireIs(t, err, authz.ErrInvalid, "all tenants, by an admin")
	_, err = p.az.Messages(t.Context(), admin, tAcme, authz.MessageFilter{Limit: 1001}, model.MessageID{})
	requireIs(t, err, authz.ErrInvalid, "limit")
}
