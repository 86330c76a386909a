package authz

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/mail"
	"time"

	"github.com/google/uuid"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Delivery counts what became of the messages of one [Authz.Deliver].
type Delivery struct {
	Sent    int
	Dropped int // there was no reason to send them any more
	Failed  int // tried, and to be tried again
	Dead    int // given up
}

// Deliver sends what is due in the outbox, and returns when nothing is; then it
// deletes what was sent or dropped longer ago than [Mail.Keep]. It is what
// [Authz.Work] does with mails, for a cron job or a test. That a message could not
// be sent is no error: it is counted, and kept with the message.
//
// A message is sent at least once, always under the same key. It goes out twice
// only when a worker dies or is cut off from the database between sending and
// noting that down.
func (az *Authz) Deliver(ctx context.Context) (Delivery, error) {
	if err := az.mayDeliver(); err != nil {
		return Delivery{}, fmt.Errorf("authz: deliver: %w", err)
	}
	done, err := az.deliverDue(ctx)
	if ctx.Err() == nil {
		err = errors.Join(err, az.prune(ctx))
	}
	return done, wrapped("deliver", err)
}

// deliverDue sends what is due. One message that cannot be read holds up no other.
func (az *Authz) deliverDue(ctx context.Context) (Delivery, error) {
	var done Delivery
	for {
		before := done
		err := az.deliverAll(ctx, &done)
		if done == before || ctx.Err() != nil { // nothing is due, or others are at it
			return done, errors.Join(err, ctx.Err())
		}
	}
}

// deliverAll goes through what is due once. Its error tells of a few of the messages
// that could not be read.
func (az *Authz) deliverAll(ctx context.Context, done *Delivery) error {
	const few = 10
	var failures []error
	for last := (store.Message{}); ; {
		due, err := az.due(ctx, last)
		if err != nil {
			return errors.Join(append(failures, err)...)
		}
		if len(due) == 0 {
			return errors.Join(failures...)
		}
		for _, row := range due {
			state, err := az.deliver(ctx, row)
			done.count(state)
			if err != nil && len(failures) < few {
				failures = append(failures, err)
			}
			if ctx.Err() != nil {
				return errors.Join(failures...)
			}
			last = row
		}
	}
}

func (d *Delivery) count(state string) {
	switch state {
	case store.Sent:
		d.Sent++
	case store.Dropped:
		d.Dropped++
	case store.Queued:
		d.Failed++
	case store.Dead:
		d.Dead++
	}
}

func wrapped(action string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("authz: %s: %w", action, store.Translate(err))
}

const dueWhere = "state = ? AND next_at <= ? AND claimed_until <= ?"

// due returns the next messages after the given one that are to be sent and that
// nobody is sending.
func (az *Authz) due(ctx context.Context, after store.Message) ([]store.Message, error) {
	var rows []store.Message
	at := store.At(az.now())
	err := az.db(ctx).Select("id", "tenant", "next_at").Where(dueWhere, store.Queued, at, at).
		Where("next_at > ? OR next_at = ? AND id > ?", after.NextAt, after.NextAt, after.ID).
		Order("next_at, id").Limit(100).Find(&rows).Error
	return rows, err
}

// deliver sends one message, and returns the state it is in afterwards, or ""
// when another worker was faster.
func (az *Authz) deliver(ctx context.Context, row store.Message) (string, error) {
	e, err := az.claim(ctx, row)
	if err != nil || e == nil {
		return "", err
	}
	if e.State != store.Queued {
		return e.State, nil
	}
	return az.conclude(ctx, e, az.post(ctx, e))
}

// An envelope is a message that this worker alone may send, and what it says.
type envelope struct {
	store.Message
	content Content
	token   string // that was made for this attempt, or ""
}

// claim takes a message for this worker: until its lease ends no other one
// sends it. Everything that the mail says is read here, in the transaction that
// makes its token, under the lock of the tenant; so whoever revokes an invitation
// or changes its address comes either before, and nothing is sent, or after, and
// takes the token away.
func (az *Authz) claim(ctx context.Context, row store.Message) (*envelope, error) {
	var e *envelope
	err := az.join(ctx, func(t *transaction) error {
		e = nil
		tenant, err := model.ParseTenantID(row.Tenant)
		if err != nil {
			return fmt.Errorf("message %s: %w", row.ID, err)
		}
		st, err := t.lock(ctx, tenant)
		if err != nil {
			return err
		}
		at, lease := az.now(), uuid.NewString()
		db := t.store.DB()
		claimed := db.Model(&store.Message{}).Where("id = ? AND "+dueWhere, row.ID, store.Queued, store.At(at), store.At(at)).
			Updates(map[string]any{"claimed_by": lease, "claimed_until": store.At(at.Add(2 * az.mail.Timeout))})
		if claimed.Error != nil || claimed.RowsAffected == 0 {
			return claimed.Error
		}
		found := envelope{}
		if err := db.Where("id = ?", row.ID).Take(&found.Message).Error; err != nil {
			return err
		}
		changes := map[string]any{"attempts": found.Attempts + 1}
		s := &sending{az: az, db: db, state: st, at: at, envelope: &found}
		reason, err := s.prepare()
		switch {
		case err != nil:
			return fmt.Errorf("message %s: %w", row.ID, err)
		case !reason:
			changes = closing(store.Dropped, at)
			changes["failure"] = cmp.Or(s.why, "what it was about is over")
		case found.Attempts >= az.mail.Attempts: // its worker ended in mid-send, the last time too
			changes = closing(store.Dead, at)
			if found.Failure == "" {
				changes["failure"] = "the worker ended while it was sending"
			}
		}
		if state, ok := changes["state"].(string); ok {
			found.State = state
		}
		found.Attempts++
		e = &found
		return db.Model(&store.Message{}).Where("id = ?", row.ID).Updates(changes).Error
	})
	return e, err
}

// closing is what ends a message.
func closing(state string, at time.Time) map[string]any {
	return map[string]any{"state": state, "done_at": store.At(at), "claimed_by": "", "claimed_until": 0}
}

// post writes the letter and hands it to the mailer.
func (az *Authz) post(ctx context.Context, e *envelope) error {
	locale := localeOf(e.Locale)
	e.content.Locale = locale
	subject, text, html, err := az.mail.templates.render(MessageKind(e.Kind), locale, e.content)
	if err != nil {
		return err
	}
	from, to := az.mail.From, mail.Address{Name: e.Name, Address: e.Email}
	from.Address, to.Address = asciiDomain(from.Address), asciiDomain(to.Address)
	ctx, cancel := context.WithTimeout(ctx, az.mail.Timeout)
	defer cancel()
	return az.mail.Mailer.Send(ctx, Letter{
		Key: e.ID, From: from, To: to, Subject: subject, Text: text, HTML: html, Locale: locale,
		Headers: map[string]string{"Auto-Submitted": "auto-generated", "Content-Language": locale},
	})
}

// conclude notes down how the sending went. It is tried for a while whatever
// happens: a mail that is out must not be sent again for want of a note.
func (az *Authz) conclude(ctx context.Context, e *envelope, sent error) (string, error) {
	at := az.now()
	state, changes := store.Sent, closing(store.Sent, at)
	changes["failure"] = ""
	if sent != nil {
		failure := e.scrub(sent)
		if state = store.Queued; errors.Is(sent, ErrUndeliverable) || e.Attempts >= az.mail.Attempts {
			state = store.Dead
		}
		changes = closing(state, at)
		if state == store.Queued {
			changes["next_at"], changes["done_at"] = store.At(at.Add(az.mail.pause(e.Attempts))), 0
		}
		changes["failure"] = failure
		az.mail.Log.WarnContext(ctx, "volmacht: message not sent", "id", e.ID, "kind", e.Kind, "attempt", e.Attempts, "state", state)
	}
	patience := min(az.mail.Timeout, 10*time.Second)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause *= 2 {
		err := az.store.Transaction(ctx, func(tx *store.Tx) error {
			done := tx.DB().Model(&store.Message{}).
				Where("id = ? AND state = ? AND claimed_by = ?", e.ID, store.Queued, e.ClaimedBy).Updates(changes)
			if done.Error != nil || done.RowsAffected == 0 || state != store.Sent {
				return done.Error // none: the lease had ended, and another worker has it
			}
			return az.copy(tx.DB(), e, at)
		})
		if err == nil {
			return state, nil
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(pause):
		}
	}
}

// pause is how long a message waits after the n-th attempt.
func (c *courier) pause(n int) time.Duration {
	pause := c.MaxPause
	if shifted := c.Pause << (n - 1); n <= 30 && shifted>>(n-1) == c.Pause {
		pause = min(pause, shifted)
	}
	return pause - pause/4 + rand.N(pause/2+1) // those that failed together do not come back together
}
