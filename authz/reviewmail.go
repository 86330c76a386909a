package authz

import (
	"context"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// remind sends the reminder of the open review of t that is due, if one is.
func (az *Authz) remind(ctx context.Context, t model.TenantID) error {
	return az.write(ctx, System, t, "remind of review", func(c *change) error {
		r, err := c.openReview()
		if err != nil {
			return err
		}
		if r == nil || r.RemindAt > store.At(c.at) || !c.before.open() {
			return errUnchanged
		}
		c.detail["review"] = r.ID.String()
		next := nextReminder(r.OpenedAt.Time(), r.DueAt.Time(), c.at)
		if err := c.db().Model(r).Update("remind_at", store.At(next)).Error; err != nil {
			return err
		}
		return c.mailReview(ReminderMessage, *r)
	})
}

// nextReminder returns the first moment after now at which to remind of a
// review.
func nextReminder(opened, due, now time.Time) time.Time {
	moments := []time.Time{opened.Add(due.Sub(opened) / 2), due.Add(-day), due}
	slices.SortFunc(moments, time.Time.Compare)
	for _, at := range moments {
		if at.After(now) && at.After(opened) {
			return at
		}
	}
	return due.Add((now.Sub(due)/week + 1) * week)
}

// mailReview writes to those who may conduct the review and have an address.
func (c *change) mailReview(kind MessageKind, r store.Review) error {
	conductors, err := c.conductors()
	if err != nil {
		return err
	}
	for _, u := range conductors {
		p, err := loadPerson(c.db(), u)
		if err != nil {
			return err
		}
		to := addressee{user: u, name: p.FirstName + " " + p.LastName, email: p.email(), locale: p.Locale}
		if to.email == "" {
			continue
		}
		err = c.send(message{kind: kind, domain: model.TenantDomain(c.tenant), subject: r.ID.String(), to: to})
		if err != nil {
			return err
		}
	}
	return nil
}

// conductors returns the members who may conduct a review.
func (c *change) conductors() ([]model.UserID, error) {
	var who []model.UserID
	for _, u := range c.before.users() {
		ok, err := c.before.enforce(u, model.TenantDomain(c.tenant), model.ConductReview, c.at)
		if err != nil {
			return nil, err
		}
		if ok {
			who = append(who, u)
		}
	}
	return who, nil
}
