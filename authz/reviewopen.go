package authz

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// OpenReview opens a review now, on schedule or not, with the term of the
// schedule or 30 days. It takes "review conduct". While a review of the tenant
// is open, it is an [ErrConflict].
func (az *Authz) OpenReview(ctx context.Context, by Actor, t model.TenantID) (Review, error) {
	var made Review
	err := az.write(ctx, by, t, "open review", func(c *change) error {
		if err := c.require(model.TenantDomain(t), model.ConductReview); err != nil {
			return err
		}
		open, err := c.openReview()
		if err != nil {
			return err
		}
		if open != nil {
			return fmt.Errorf("review %v of tenant %v is open: %w", open.ID, t, ErrConflict)
		}
		schedule, err := c.reviewSchedule()
		if err != nil {
			return err
		}
		made, err = c.beginReview(schedule.DueDays)
		return err
	})
	if err != nil {
		return Review{}, err
	}
	return made, nil
}

// OpenReviews opens the reviews of all tenants that are due by their schedules,
// and reminds those who conduct an open one: halfway through its term, the day
// before it is due, when it is due, and every week after that. A node that was
// away makes up for it with one reminder. It returns how many were opened, and
// goes on with the other tenants when one of them fails. Any number of nodes
// may call it at once.
//
// While a review is open its tenant gets no other: the next one is then opened
// as soon as it is closed.
func (az *Authz) OpenReviews(ctx context.Context) (int, error) {
	if err := az.ready(); err != nil {
		return 0, err
	}
	if az.tx != nil {
		return 0, fmt.Errorf("authz: open reviews: inside a transaction: %w", ErrInvalid)
	}
	db, at := az.db(ctx), store.At(az.now())
	var due, waiting []model.TenantID
	err := db.Model(&store.ReviewSchedule{}).Where("next_at <= ?", at).
		Where("tenant IN (?)", db.Model(&store.Tenant{}).Select("id").Where("closed_at = 0")).
		Where("tenant NOT IN (?)", db.Model(&store.Review{}).Select("tenant").Where("closed_at = 0")).
		Order("tenant").Pluck("tenant", &due).Error
	if err == nil {
		err = openReviews(db).Where("remind_at <= ?", at).Order("tenant").Pluck("tenant", &waiting).Error
	}
	if err != nil {
		return 0, fmt.Errorf("authz: open reviews: %w", store.Translate(err))
	}
	n := 0
	for _, t := range due {
		opened, failed := az.openDue(ctx, t)
		if opened {
			n++
		}
		err = errors.Join(err, failed)
	}
	for _, t := range waiting {
		err = errors.Join(err, az.remind(ctx, t))
	}
	return n, err
}

// openDue opens the review of t unless another node was sooner.
func (az *Authz) openDue(ctx context.Context, t model.TenantID) (opened bool, err error) {
	err = az.write(ctx, System, t, "open review", func(c *change) error {
		opened = false // a transaction may run again
		open, err := c.openReview()
		if err != nil {
			return err
		}
		s, err := c.reviewSchedule()
		if err != nil {
			return err
		}
		if open != nil || s.NextAt == 0 || s.NextAt > store.At(c.at) || !c.before.open() {
			return errUnchanged
		}
		if _, err := c.beginReview(s.DueDays); err != nil {
			return err
		}
		opened = true
		every := time.Duration(s.EveryDays) * day
		missed := c.at.Sub(s.NextAt.Time()) / every
		next := s.NextAt.Time().Add((missed + 1) * every)
		return c.db().Model(&s).Update("next_at", store.At(next)).Error
	})
	return opened && err == nil, err
}

// openReview returns the review of the tenant that is open, or nil.
func (c *change) openReview() (*store.Review, error) {
	var found []store.Review
	err := c.db().Where("tenant = ? AND closed_at = 0", c.tenant).Limit(1).Find(&found).Error
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// beginReview writes down what there is and asks those who conduct reviews to
// look at it. Where there is nothing, the review is closed at once.
func (c *change) beginReview(days int) (Review, error) {
	row := store.Review{
		Tenant: c.tenant, ID: model.NewReviewID(), OpenedBy: c.by.String(),
		OpenedAt: store.At(c.at), DueAt: store.At(c.at.Add(time.Duration(days) * day)),
	}
	row.RemindAt = store.At(nextReminder(c.at, row.DueAt.Time(), c.at))
	items, err := c.accesses(row.ID)
	if err != nil {
		return Review{}, err
	}
	if len(items) == 0 {
		row.ClosedAt = row.OpenedAt
	}
	if err := c.db().Create(&row).Error; err != nil {
		return Review{}, err
	}
	c.detail["review"] = row.ID.String()
	made := reviewOf(row, c.at)
	if made.Total, made.Undecided = len(items), len(items); len(items) == 0 {
		return made, nil
	}
	if err := c.db().CreateInBatches(items, 500).Error; err != nil {
		return Review{}, err
	}
	return made, c.mailReview(ReviewMessage, row)
}
