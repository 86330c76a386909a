// Package authztest helps a host test its own code against Volmacht: a real
// Authz on a database in memory, a clock that stands still until the test
// moves it, and assertions that say why they failed.
//
//	az, clock := authztest.Open(t, accountancy.Pack())
//	// … the host's code grants something until Friday …
//	authztest.RequireAllowed(t, az, ann, dossier, accountancy.ViewFigure)
//	clock.Advance(7 * 24 * time.Hour)
//	authztest.RequireDenied(t, az, ann, dossier, accountancy.ViewFigure)
//
// With [OpenWithMail] the mails of the test arrive in a [Mailbox].
package authztest

import (
	"log/slog"
	"net/mail"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Open returns an Authz with the pack on a fresh database in memory, and the
// clock it goes by, which starts at [Start]. Both end with the test. Tests
// that use it can run in parallel: each has a database of its own.
func Open(t testing.TB, pack *model.Pack) (*authz.Authz, *Clock) {
	t.Helper()
	clock := &Clock{now: Start}
	return open(t, memory(t), authz.Config{Pack: pack, Clock: clock.Now}), clock
}

// OpenWithMail is [Open] with a mailbox. Mails arrive in it when the test calls
// [authz.Authz.Deliver], or runs [authz.Authz.Work]; their links lead to
// https://portal.example. When the test ends, every table of the database and
// all that was logged of mails is searched for the tokens in them, which must be
// nowhere but in the mails.
func OpenWithMail(t testing.TB, pack *model.Pack) (*authz.Authz, *Clock, *Mailbox) {
	t.Helper()
	clock, mailbox, db, log := &Clock{now: Start}, new(Mailbox), memory(t), new(logged)
	az := open(t, db, authz.Config{Pack: pack, Clock: clock.Now, Mail: authz.Mail{
		Mailer: mailbox,
		From:   mail.Address{Name: "Portal", Address: "portal@portal.example"},
		Links:  authz.Links{Portal: "https://portal.example/", Invitation: "https://portal.example/invitation#{token}"},
		Log:    slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}})
	t.Cleanup(func() {
		found, err := leaks(db, log.String(), mailbox)
		if err != nil {
			t.Errorf("authztest: search for tokens: %v", err)
		}
		for _, where := range found {
			t.Errorf("authztest: a token that was mailed is in %s too", where)
		}
	})
	return az, clock, mailbox
}

// memory returns a fresh database that ends with the test.
func memory(t testing.TB) *gorm.DB {
	t.Helper()
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatalf("authztest: open a database in memory: %v", err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatalf("authztest: open a database in memory: %v", err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Errorf("authztest: close the database: %v", err)
		}
	})
	return db
}

func open(t testing.TB, db *gorm.DB, config authz.Config) *authz.Authz {
	t.Helper()
	az, err := authz.Open(t.Context(), db, config)
	if err != nil {
		t.Fatalf("authztest: %v", err)
	}
	t.Cleanup(func() {
		if err := az.Close(); err != nil {
			t.Errorf("authztest: close: %v", err)
		}
	})
	return az
}

// Start is when every [Clock] starts: noon UTC on the first Monday of 2026.
var Start = time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)

// A Clock stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on by d, or back when d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// RequireAllowed ends the test unless user may do p in domain, and says what
// is missing.
func RequireAllowed(t testing.TB, az *authz.Authz, user model.UserID, domain model.Domain, p model.Permission) {
	t.Helper()
	if d := explain(t, az, user, domain, p); !d.Allowed {
		t.Fatalf("user %v may not %v in %v: %s", user, p, domain, d.Reason())
	}
}

// RequireDenied ends the test if user may do p in domain, and says by which
// rows.
func RequireDenied(t testing.TB, az *authz.Authz, user model.UserID, domain model.Domain, p model.Permission) {
	t.Helper()
	if d := explain(t, az, user, domain, p); d.Allowed {
		t.Fatalf("user %v may %v in %v: %s\n%v", user, p, domain, d.Reason(), d.Rows)
	}
}

// explain asks both ways, which must agree.
func explain(t testing.TB, az *authz.Authz, user model.UserID, domain model.Domain, p model.Permission) authz.Decision {
	t.Helper()
	d, err := az.Explain(t.Context(), user, domain, p)
	if err != nil {
		t.Fatalf("authztest: %v", err)
	}
	ok, err := az.Enforce(t.Context(), user, domain, p)
	if err != nil {
		t.Fatalf("authztest: %v", err)
	}
	if ok != d.Allowed {
		t.Fatalf("authztest: Enforce says %v and Explain %v for user %v, %v in %v", ok, d.Allowed, user, p, domain)
	}
	return d
}
