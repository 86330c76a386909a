package authz

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

const (
	day  = 24 * time.Hour
	week = 7 * day

	// reviewTerm is how many days a review has where no schedule says it.
	reviewTerm = 30
)

// A ReviewSchedule says when the reviews of a tenant open. Every and Due are
// whole days.
type ReviewSchedule struct {
	Every time.Duration // from one opening to the next; zero: no schedule
	Due   time.Duration // what a review has from its opening; zero: 30 days
	First time.Time     // when the next one opens; zero: in Every from now
}

// SetReviewSchedule sets, or with a zero schedule ends, the schedule on which
// [Authz.OpenReviews] opens the reviews of a tenant. Only [System] may: those
// who are asked to review do not decide how often.
func (az *Authz) SetReviewSchedule(ctx context.Context, by Actor, t model.TenantID, s ReviewSchedule) error {
	return az.write(ctx, by, t, "set review schedule", func(c *change) error {
		if err := c.requireSystem(); err != nil {
			return err
		}
		if err := c.require(model.TenantDomain(t)); err != nil {
			return err
		}
		row, err := s.row(t, c.at)
		if err != nil {
			return err
		}
		if err := c.db().Where("tenant = ?", t).Delete(&store.ReviewSchedule{}).Error; err != nil {
			return err
		}
		c.detail["every"], c.detail["due"] = strconv.Itoa(row.EveryDays), strconv.Itoa(row.DueDays)
		if s == (ReviewSchedule{}) {
			return nil
		}
		return c.db().Create(&row).Error
	})
}

func (s ReviewSchedule) row(t model.TenantID, now time.Time) (store.ReviewSchedule, error) {
	row := store.ReviewSchedule{Tenant: t}
	if s == (ReviewSchedule{}) {
		return row, nil
	}
	if s.Due == 0 {
		s.Due = reviewTerm * day
	}
	if s.First.IsZero() {
		s.First = now.Add(s.Every)
	}
	const longest = 3650 * day
	for name, d := range map[string]time.Duration{"every": s.Every, "due": s.Due} {
		if d < day || d > longest || d%day != 0 {
			return row, fmt.Errorf("review schedule: %s %v: want whole days, 1 to 3650: %w", name, d, ErrInvalid)
		}
	}
	if s.First.Unix() < 1 || s.First.Year() > 9999 {
		return row, fmt.Errorf("review schedule: first %v: %w", s.First, ErrInvalid)
	}
	row.EveryDays, row.DueDays, row.NextAt = int(s.Every/day), int(s.Due/day), store.At(s.First)
	return row, nil
}

// reviewSchedule returns the tenant's schedule; without one there is a term,
// and no next.
func (c *change) reviewSchedule() (store.ReviewSchedule, error) {
	var found []store.ReviewSchedule
	err := c.db().Where("tenant = ?", c.tenant).Limit(1).Find(&found).Error
	if err != nil || len(found) == 0 {
		return store.ReviewSchedule{Tenant: c.tenant, DueDays: reviewTerm}, err
	}
	return found[0], nil
}
