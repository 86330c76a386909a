package authz_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"log/slog"
	"net/mail"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A watch is a clock that starts at noon.
type watch struct{ past atomic.Int64 }

func (w *watch) Now() time.Time           { return noon().Add(time.Duration(w.past.Load())) }
func (w *watch) advance(by time.Duration) { w.past.Add(int64(by)) }

// A notepad is what was logged.
type notepad struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notepad) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notepad) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// A mailerFunc is a mailer that is one function.
type mailerFunc func(context.Context, authz.Letter) error

func (f mailerFunc) Send(ctx context.Context, l authz.Letter) error { return f(ctx, l) }

const robin = "robin@new.example" // who is invited in a post's scene

// A post is a scene that can send.
type post struct {
	scene
	box   *authztest.Mailbox
	watch *watch
	log   *notepad
}

func newPost(t testing.TB, change ...func(*authz.Mail)) post {
	t.Helper()
	return postOn(t, newScene(t).db, change...)
}

// postOn opens an Authz that can send, on a database with the cast in it.
func postOn(t testing.TB, db *gorm.DB, change ...func(*authz.Mail)) post {
	t.Helper()
	require.NoError(t, db.Where("id IN ?", []model.MessageID{mDead, mBeta}).Delete(&store.Message{}).Error)
	p := post{box: new(authztest.Mailbox), watch: new(watch), log: new(notepad)}
	p.scene = scene{db, p.open(t, db, change...)}
	return p
}

// open opens another Authz that sends, by the same clock and into the same box
// unless change says otherwise.
func (p post) open(t testing.TB, db *gorm.DB, change ...func(*authz.Mail)) *authz.Authz {
	t.Helper()
	m := authz.Mail{
		Mailer: p.box, From: mail.Address{Name: "Portal", Address: "portal@portal.example"},
		Links: authz.Links{
			Portal: "https://portal.example/", Invitation: "https://portal.example/invitation#{token}",
			Request: "https://portal.example/{tenant}/{dossier}/requests/{id}", Review: "https://portal.example/{tenant}/reviews/{id}",
		},
		Log: slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&m)
	}
	az, err := authz.Open(t.Context(), db, authz.Config{Pack: scenePack(), Clock: p.watch.Now, Mail: m})
	require.NoError(t, err)
	return az
}

// invite puts an invitation and its mail into the database.
func (p post) invite(t testing.TB, id string, change ...func(*store.Invitation)) {
	t.Helper()
	inv := store.Invitation{
		ID: id, Tenant: tAcme, FirstName: "Robin", LastName: "Maes", Canonical: robin, Typed: "Robin@new.example", Locale: "en",
		Note: "Welcome!", State: store.Pending, InvitedBy: authz.By(uAnn).String(),
		InvitedAt: store.At(p.watch.Now()), ExpiresAt: store.At(p.watch.Now().Add(24 * time.Hour)),
	}
	for _, f := range change {
		f(&inv)
	}
	require.NoError(t, p.db.Create(&inv).Error)
	require.NoError(t, p.db.Create(&store.InvitedGrant{Invitation: id, Dossier: "d-1", Profile: accountancy.FullAccess}).Error)
	p.send(t, authz.InvitationMessage, home(tAcme), id)
}

func (p post) send(t testing.TB, kind authz.MessageKind, d model.Domain, subject string) {
	t.Helper()
	require.NoError(t, authz.Send(t.Context(), p.az, kind, d, subject, model.UserID{}, "Robin Maes", "Robin@new.example", "en"))
}

func (p post) deliver(t testing.TB, want authz.Delivery) {
	t.Helper()
	got, err := p.az.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// only returns the one message that there is.
func (p post) only(t testing.TB) authz.Message {
	t.Helper()
	all := p.messages(t)
	require.Len(t, all, 1)
	return all[0]
}

func (p post) messages(t testing.TB) []authz.Message {
	t.Helper()
	all, err := p.az.Messages(t.Context(), system, model.TenantID{}, authz.MessageFilter{}, model.MessageID{})
	require.NoError(t, err)
	return all
}

// good reports how many of the tokens open an invitation.
func (p post) good(t testing.TB, tokens ...string) int {
	t.Helper()
	n := 0
	for _, token := range tokens {
		hash := sha256.Sum256([]byte(token))
		var found []store.Token
		require.NoError(t, p.db.Where("hash = ?", hash[:]).Find(&found).Error)
		n += len(found)
	}
	return n
}
