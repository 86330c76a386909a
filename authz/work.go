package authz

import (
	"context"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
)

// Work sends what is in the outbox, and opens reviews as [Authz.OpenReviews]
// does, until ctx ends, and then returns nil. It sends at once what is put there through this Authz, and looks every
// [Mail.Poll] for the rest. Any number of processes may work at the same time;
// a host without one calls [Authz.Deliver] and [Authz.OpenReviews] now and then.
//
// What goes wrong is told to [Mail.Log], and Work goes on. It returns an error
// only when it cannot begin, or after [Authz.Close].
func (az *Authz) Work(ctx context.Context) error {
	if err := az.mayDeliver(); err != nil {
		return fmt.Errorf("authz: work: %w", err)
	}
	jobs := []*job{
		{name: "deliver", every: az.mail.Poll, run: func(ctx context.Context) error {
			_, err := az.deliverDue(ctx)
			return err
		}},
		{name: "prune", every: time.Hour, run: az.prune},
		{name: "reviews", every: time.Minute, run: func(ctx context.Context) error {
			_, err := az.OpenReviews(ctx)
			return err
		}},
	}
	for woken := true; ; {
		for _, j := range jobs {
			if now := time.Now(); !now.Before(j.next) || woken && j == jobs[0] {
				j.next = now.Add(j.every)
				if err := j.run(ctx); err != nil && ctx.Err() == nil {
					az.mail.Log.ErrorContext(ctx, "volmacht: work failed", "job", j.name, "error", err)
				}
			}
		}
		if err := az.ready(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-az.mail.woken:
			woken = true
		case <-time.After(az.mail.Poll):
			woken = false
		}
	}
}

// A job is something that a worker does from time to time.
type job struct {
	name  string
	every time.Duration
	next  time.Time
	run   func(context.Context) error
}

// mayDeliver refuses where nothing can be sent.
func (az *Authz) mayDeliver() error {
	if err := az.ready(); err != nil {
		return err
	}
	if az.tx != nil {
		return fmt.Errorf("inside a transaction: %w", ErrInvalid)
	}
	if az.mail.Mailer == nil {
		return fmt.Errorf("Config.Mail.Mailer is not set: %w", ErrInvalid)
	}
	return nil
}

// prune deletes what was sent or dropped long ago.
func (az *Authz) prune(ctx context.Context) error {
	before := store.At(az.now().Add(-az.mail.Keep))
	for {
		var ids []string
		err := az.db(ctx).Model(&store.Message{}).Where("state IN ? AND done_at < ?", []string{store.Sent, store.Dropped}, before).
			Limit(maxPage).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return store.Translate(err)
		}
		if err := az.db(ctx).Where("id IN ?", ids).Delete(&store.Message{}).Error; err != nil {
			return store.Translate(err)
		}
	}
}
