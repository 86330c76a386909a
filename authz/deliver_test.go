package authz_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
)

func TestDeliver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db)
		p.invite(t, "i-1")
		require.Equal(t, authz.MessageQueued, p.only(t).State)
		p.deliver(t, authz.Delivery{Sent: 1})

		l := p.box.Last(t, "Robin@new.example")
		token := p.box.Token(t, "Robin@new.example")
		require.Equal(t, 1, p.good(t, token))
		require.Equal(t, "https://portal.example/invitation#"+token, p.box.Link(t, "Robin@new.example"))
		require.Equal(t, "Robin Maes", l.To.Name)
		require.Equal(t, "Office invites you", l.Subject)
		for _, text := range []string{l.Text, l.HTML} {
			for _, want := range []string{token, "F L invites you", "Office", "Baker", "Welcome!", "6 January 2026, 12:00 UTC"} {
				require.Contains(t, text, want)
			}
		}
		require.Equal(t, "auto-generated", l.Headers["Auto-Submitted"])
		m := p.only(t)
		require.Equal(t, m.ID.String(), l.Key)
		require.Equal(t, l.Key+"@portal.example", l.MessageID())
		require.Equal(t, authz.MessageSent, m.State)
		require.Equal(t, 1, m.Attempts)
		require.Equal(t, p.watch.Now(), m.Done)
		p.deliver(t, authz.Delivery{})
		require.Equal(t, 1, p.box.Sent())
	})
}

func TestDeliverTriesAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db, func(m *authz.Mail) { m.Attempts, m.Pause, m.MaxPause = 6, time.Minute, 5*time.Minute })
		p.box.Fail(errors.New("451 try later"))
		p.invite(t, "i-1")
		for n, pause := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
			p.deliver(t, authz.Delivery{Failed: 1})
			m := p.only(t)
			require.Equal(t, authz.MessageQueued, m.State)
			require.Equal(t, n+1, m.Attempts)
			require.Contains(t, m.Failure, "451 try later")
			wait := m.Next.Sub(p.watch.Now())
			require.InDelta(t, pause, wait, float64(pause)/4+1, "pause %d", n+1)
			p.watch.advance(wait - time.Microsecond)
			p.deliver(t, authz.Delivery{})
			p.watch.advance(time.Microsecond)
		}
		p.deliver(t, authz.Delivery{Dead: 1})
		require.Equal(t, authz.MessageDead, p.only(t).State)
		p.watch.advance(time.Hour)
		p.deliver(t, authz.Delivery{})

		p.box.Fail(nil)
		require.NoError(t, p.az.RetryMessage(t.Context(), admin, tAcme, p.only(t).ID))
		p.deliver(t, authz.Delivery{Sent: 1})
		require.Equal(t, 7, p.box.Sent())
		require.Equal(t, 1, p.box.Len())
		require.Empty(t, p.only(t).Failure)
		requireIs(t, p.az.RetryMessage(t.Context(), admin, tAcme, p.only(t).ID), authz.ErrConflict, "a sent one")
	})
}

func TestDeliverGivesUpAtOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.box.Fail(fmt.Errorf("550 nobody here: %w", authz.ErrUndeliverable))
	p.invite(t, "i-1")
	p.deliver(t, authz.Delivery{Dead: 1})
	require.Equal(t, 1, p.only(t).Attempts)
}

// Two processes send the same outbox: each message goes out once.
func TestDeliverTwoWorkers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		var mu sync.Mutex
		sent := make(map[string]int)
		begun, once := [2]chan struct{}{make(chan struct{}), make(chan struct{})}, [2]sync.Once{}
		worker := func(n int) func(*authz.Mail) {
			return func(m *authz.Mail) {
				m.Mailer = mailerFunc(func(_ context.Context, l authz.Letter) error {
					mu.Lock()
					sent[l.Key]++
					mu.Unlock()
					once[n].Do(func() { close(begun[n]) })
					<-begun[1-n] // neither does it all
					return nil
				})
			}
		}
		p := postOn(t, setScene(t, db).db, worker(0))
		other := p.open(t, storetest.Reopen(t, db), worker(1))
		const messages = 40
		for n := range messages {
			p.invite(t, fmt.Sprint("i-", n))
		}
		var wait sync.WaitGroup
		failed := make([]error, 4)
		for n, az := range []*authz.Authz{p.az, other, p.az, other} {
			wait.Go(func() { _, failed[n] = az.Deliver(t.Context()) })
		}
		wait.Wait()
		require.NoError(t, errors.Join(failed...))
		require.Len(t, sent, messages)
		for key, n := range sent {
			require.Equal(t, 1, n, key)
		}
		for _, m := range p.messages(t) {
			require.Equal(t, authz.MessageSent, m.State)
			require.Equal(t, 1, m.Attempts)
		}
	})
}

// A worker that dies in mid-send keeps its message to itself until its lease has
// ended; then another one sends it, under the same key.
func TestDeliverAfterDeath(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		box := new(authztest.Mailbox)
		p := postOn(t, setScene(t, db).db, func(m *authz.Mail) { m.Mailer, m.Timeout, m.Attempts = box, time.Minute, 2 })
		dying := p.open(t, db, func(m *authz.Mail) {
			m.Timeout, m.Attempts = time.Minute, 2
			m.Mailer = mailerFunc(func(ctx context.Context, l authz.Letter) error {
				_ = box.Send(ctx, l)
				runtime.Goexit() // between the sending and the note of it
				return nil
			})
		})
		die := func() {
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = dying.Deliver(t.Context())
				t.Error("it lives")
			}()
			<-done
		}
		p.invite(t, "i-1")
		die()
		require.Equal(t, 1, box.Sent())
		p.watch.advance(2*time.Minute - time.Microsecond)
		p.deliver(t, authz.Delivery{})
		p.watch.advance(time.Microsecond)
		p.deliver(t, authz.Delivery{Sent: 1})
		require.Equal(t, 2, box.Sent())
		require.Equal(t, 1, box.Len(), "the key was another one")

		p.invite(t, "i-2")
		for range 2 {
			die()
			p.watch.advance(2 * time.Minute)
		}
		p.deliver(t, authz.Delivery{Dead: 1}) // it may be the message that kills them
		require.Contains(t, p.messages(t)[1].Failure, "ended while it was sending")
	})
}

// A worker that comes back after its lease does not undo what the next one did.
func TestDeliverLate(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	slow := p.open(t, p.db, func(m *authz.Mail) {
		m.Mailer = mailerFunc(func(context.Context, authz.Letter) error {
			p.watch.advance(time.Hour)
			p.deliver(t, authz.Delivery{Sent: 1})
			return fmt.Errorf("too late: %w", authz.ErrUndeliverable)
		})
	})
	p.invite(t, "i-1")
	_, err := slow.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, authz.MessageSent, p.only(t).State)
	require.Empty(t, p.only(t).Failure)
}

// What was clearly sent is not sent again, though the worker is told to end or
// loses its database at that moment.
func TestDeliverNotesDown(t *testing.T) {
	t.Parallel()
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		p := newPost(t, func(m *authz.Mail) {
			m.Mailer = mailerFunc(func(context.Context, authz.Letter) error { cancel(); return nil })
		})
		p.invite(t, "i-1")
		p.invite(t, "i-2")
		done, err := p.az.Deliver(ctx)
		require.ErrorIs(t, err, context.Canceled, "one is due still")
		require.Equal(t, authz.Delivery{Sent: 1}, done)
		require.Equal(t, authz.MessageSent, p.messages(t)[0].State)
		require.Equal(t, authz.MessageQueued, p.messages(t)[1].State)
	})
	t.Run("cut off", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		faults := inject(t, s.db)
		p := postOn(t, s.db, func(m *authz.Mail) {
			m.Mailer = mailerFunc(func(context.Context, authz.Letter) error { faults.arm(1); return nil })
		})
		p.invite(t, "i-1")
		p.deliver(t, authz.Delivery{Sent: 1})
		require.True(t, faults.disarm())
		require.Equal(t, authz.MessageSent, p.only(t).State)
	})
}

// Messages that cannot be read, however many, hold up no other.
func TestDeliverPassesOver(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	for i := range 101 { // more than are looked at at once
		p.invite(t, fmt.Sprint("i-", i))
	}
	require.NoError(t, p.db.Model(&store.Message{}).Where("1 = 1").Update("data", "{").Error)
	p.watch.advance(time.Microsecond)
	p.invite(t, "i-good")
	done, err := p.az.Deliver(t.Context())
	require.ErrorContains(t, err, "data")
	require.Equal(t, 10, strings.Count(err.Error(), "data"), "a few of them")
	require.Equal(t, authz.Delivery{Sent: 1}, done)

	p.watch.advance(31 * 24 * time.Hour)
	_, err = p.az.Deliver(t.Context())
	require.Error(t, err)
	require.NotContains(t, fmt.Sprint(p.messages(t)), "i-good", "nor keep what is old")
}

// A host may have its driver write the values into the statements, as a pooler before
// the database can require: texts arrive as texts.
func TestDeliverByPlainStatements(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		setScene(t, db)
		p := postOn(t, storetest.Plain(t, db))
		p.invite(t, "i-1")
		p.deliver(t, authz.Delivery{Sent: 1})
		require.Contains(t, p.box.Last(t, "Robin@new.example").Text, "Welcome!")
	})
}

func TestDeliverNeedsAMailer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, err := s.az.Deliver(t.Context())
	requireIs(t, err, authz.ErrInvalid, "no mailer")
	requireIs(t, s.az.Work(t.Context()), authz.ErrInvalid, "no mailer")
	p := newPost(t)
	require.NoError(t, p.az.Transaction(t.Context(), func(tx *authz.Tx) error {
		_, err := tx.Deliver(t.Context())
		requireIs(t, err, authz.ErrInvalid, "in a transaction")
		return nil
	}))
	_, err = new(authz.Authz).Deliver(t.Context())
	requireIs(t, err, authz.ErrInvalid, "zero")
}

// What is put into the outbox goes at once, and what was put there by others
// before long; Work ends with its context.
func TestWork(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db, func(m *authz.Mail) { m.Poll = time.Hour })
		polling := p.open(t, storetest.Reopen(t, db), func(m *authz.Mail) { m.Poll = time.Millisecond })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		arrived := func(n int) func() bool { return func() bool { return p.box.Len() == n } }

		go func() { ended <- p.az.Work(ctx) }()
		p.invite(t, "i-1")
		require.Eventually(t, arrived(1), time.Minute, time.Millisecond)
		cancel()
		require.NoError(t, <-ended)

		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		go func() { ended <- polling.Work(ctx) }()
		p.invite(t, "i-2") // wakes nobody in the other process
		require.Eventually(t, arrived(2), time.Minute, time.Millisecond)
		require.NoError(t, polling.Close())
		requireIs(t, <-ended, authz.ErrInvalid, "after Close")
	})
}

// A rolled-back change sends nothing.
func TestOutboxIsInTheTransaction(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	undo := errors.New("undo")
	err := p.az.Transaction(t.Context(), func(tx *authz.Tx) error {
		err := authz.Send(t.Context(), tx.Authz, authz.ReviewMessage, home(tAcme), "r-1", uAnn, "Ann", "ann@new.example", "")
		return errors.Join(err, undo)
	})
	require.ErrorIs(t, err, undo)
	require.Empty(t, p.messages(t))
	p.deliver(t, authz.Delivery{})
}

func TestPrune(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		p := postOn(t, setScene(t, db).db, func(m *authz.Mail) { m.Keep = 48 * time.Hour })
		p.box.Fail(authz.ErrUndeliverable)
		p.invite(t, "i-dead")
		p.deliver(t, authz.Delivery{Dead: 1})
		p.box.Fail(nil)
		p.invite(t, "i-old")
		p.send(t, authz.InvitationMessage, home(tAcme), "i-none")
		p.deliver(t, authz.Delivery{Sent: 1, Dropped: 1})
		p.watch.advance(time.Hour)
		p.invite(t, "i-new")
		p.deliver(t, authz.Delivery{Sent: 1})
		p.watch.advance(47*time.Hour + time.Microsecond)

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() { ended <- p.az.Work(ctx) }()
		require.Eventually(t, func() bool { return len(p.messages(t)) == 2 }, time.Minute, time.Millisecond)
		cancel()
		require.NoError(t, <-ended)
		left := func() (left []string) {
			for _, m := range p.messages(t) {
				left = append(left, m.About+" "+string(m.State))
			}
			return left
		}
		require.ElementsMatch(t, []string{"i-dead dead", "i-new sent"}, left())

		p.watch.advance(time.Hour)
		p.deliver(t, authz.Delivery{})
		require.Equal(t, []string{"i-dead dead"}, left(), "without Work, too")
	})
}
