package authz

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// ConfirmReviewItem records that each of the accesses is as it should be: all of
// them, or, on an error, none. What was confirmed before stays as it is. It
// takes "review conduct". An actor's own access, and that of their teams, must be
// confirmed by somebody else, unless nobody else may conduct the review.
func (az *Authz) ConfirmReviewItem(ctx context.Context, by Actor, t model.TenantID, id model.ReviewID, items ...Access) error {
	return az.writeReview(ctx, by, t, id, "confirm review items", func(c *change, r store.Review) error {
		if len(items) == 0 {
			return fmt.Errorf("no item to confirm: %w", ErrInvalid)
		}
		if err := c.mayConfirm(items); err != nil {
			return err
		}
		rows, err := c.reviewRows(r, items)
		if err != nil {
			return err
		}
		var fresh []model.Rule
		for _, a := range items {
			row := rows[a.rule()]
			if row.Decision == store.Confirmed {
				continue
			}
			if row.Decision != "" {
				return fmt.Errorf("item %v of review %v is %s: %w", a, id, row.Decision, ErrConflict)
			}
			fresh = append(fresh, a.rule())
		}
		if len(fresh) == 0 {
			return errUnchanged
		}
		if len(items) == 1 {
			c.detailAccess(items[0])
		}
		n, err := c.mark(r, fresh, store.Confirmed, model.Profile{}, "")
		c.detail["items"] = strconv.FormatInt(n, 10)
		return err
	})
}

// mayConfirm refuses an actor's own accesses while somebody else is there.
func (c *change) mayConfirm(items []Access) error {
	if c.by.system {
		return nil
	}
	mine := append(c.before.teamsOf(c.by.user), model.UserSubject(c.by.user))
	own := slices.IndexFunc(items, func(a Access) bool { return slices.Contains(mine, a.Subject) })
	if own < 0 {
		return nil
	}
	who, err := c.conductors()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(who, func(u model.UserID) bool { return !c.by.is(u) }) {
		return fmt.Errorf("user %v cannot confirm what is its own, %v: somebody else can: %w", c.by.user, items[own], ErrDenied)
	}
	return nil
}

// ChangeReviewItem gives another profile instead of the one that the item is
// about, with the same bounds in time. It takes "review conduct", and what
// [Authz.Withdraw] and [Authz.Grant] take.
func (az *Authz) ChangeReviewItem(ctx context.Context, by Actor, t model.TenantID, id model.ReviewID, item Access, to model.Profile) error {
	return az.writeReviewItem(ctx, by, t, id, item, "change review item", func(c *change, r store.Review) error {
		rule := item.rule()
		if item.Profile.IsZero() || item.isMembership() || to == item.Profile {
			return fmt.Errorf("item %v: want one about a profile, and another profile: %w", item, ErrInvalid)
		}
		if c.before.has(model.GrantRule(item.Subject, to, item.Domain)) {
			return fmt.Errorf("%v has profile %v in %v already: remove the item: %w", item.Subject, to, item.Domain, ErrConflict)
		}
		was, _ := c.before.rows.Find(rule)
		if err := c.withdraw(item.Subject, item.Profile, item.Domain); err != nil {
			return err
		}
		if err := c.grant(Grant{item.Subject, to, item.Domain, was.From, was.Until}); err != nil {
			return err
		}
		c.detailAccess(item)
		c.detail["became"] = to.String()
		_, err := c.mark(r, []model.Rule{rule}, store.Changed, to, "", store.Confirmed)
		return err
	})
}

// RemoveReviewItem takes the access away: a profile, a place in a team, all
// links to a dossier. Of a membership it deactivates an active member, and
// removes one who has no access. It takes "review conduct", and what
// [Authz.Withdraw], [Authz.RemoveTeamMember], [Authz.Unassign],
// [Authz.DeactivateMember] or [Authz.RemoveMember] takes.
func (az *Authz) RemoveReviewItem(ctx context.Context, by Actor, t model.TenantID, id model.ReviewID, item Access) error {
	return az.writeReviewItem(ctx, by, t, id, item, "remove review item", func(c *change, _ store.Review) error {
		defer c.detailAccess(item)
		user, _ := item.Subject.User()
		switch {
		case item.isMembership():
			if c.before.active(user) {
				return c.deactivate(user)
			}
			return c.leave(item.Domain, user)
		case item.Assigned:
			return c.unassign(item.Subject, item.Domain)
		case !item.Team.IsZero():
			if err := c.mayEditTeam(item.Team); err != nil {
				return err
			}
			return c.leaveTeam(item.Team, user)
		}
		return c.withdraw(item.Subject, item.Profile, item.Domain)
	}) // and settleReview marks what went
}

// unassign takes all links of who to d away.
func (c *change) unassign(who model.Subject, d model.Domain) error {
	row, err := c.requireDossier(d, model.AssignDossier)
	if err != nil {
		return err
	}
	links, err := c.links(d, row)
	if err != nil {
		return err
	}
	for a := range links {
		if a.who != who {
			continue
		}
		delete(links, a)
		if err := c.unlink(d, a, links); err != nil {
			return err
		}
	}
	return c.noGain(d)
}

// writeReviewItem is the write path of an item that is not gone yet.
func (az *Authz) writeReviewItem(ctx context.Context, by Actor, t model.TenantID, id model.ReviewID, item Access, action string, fn func(*change, store.Review) error) error {
	return az.writeReview(ctx, by, t, id, action, func(c *change, r store.Review) error {
		rows, err := c.reviewRows(r, []Access{item})
		if err != nil {
			return err
		}
		if d := rows[item.rule()].Decision; d != "" && d != store.Confirmed {
			return fmt.Errorf("item %v of review %v is %s: %w", item, id, d, ErrConflict)
		}
		return fn(c, r)
	})
}

// writeReview is the write path of an open review for who conducts it.
func (az *Authz) writeReview(ctx context.Context, by Actor, t model.TenantID, id model.ReviewID, action string, fn func(*change, store.Review) error) error {
	return az.write(ctx, by, t, action, func(c *change) error {
		if err := c.require(model.TenantDomain(t), model.ConductReview); err != nil {
			return err
		}
		if id.IsZero() {
			return fmt.Errorf("review is not set: %w", ErrInvalid)
		}
		var r store.Review
		if err := c.db().Where("tenant = ? AND id = ?", t, id).Take(&r).Error; err != nil {
			return notFound(store.Translate(err), "review %v of tenant %v", id, t)
		}
		if r.ClosedAt != 0 {
			return fmt.Errorf("review %v is closed: %w", id, ErrConflict)
		}
		c.detail["review"] = id.String()
		return fn(c, r)
	})
}

// reviewRows reads the items of r that are about the accesses, all of which must
// be there.
func (c *change) reviewRows(r store.Review, items []Access) (map[model.Rule]store.ReviewItem, error) {
	rules := make([]model.Rule, len(items))
	for i, a := range items {
		if err := a.check(); err != nil {
			return nil, err
		}
		rules[i] = a.rule()
	}
	found := make(map[model.Rule]store.ReviewItem, len(items))
	for part := range slices.Chunk(rules, itemBatch) {
		var rows []store.ReviewItem
		if err := c.itemsOf(r, part).Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[itemRule(row)] = row
		}
	}
	for i, a := range items {
		if _, ok := found[rules[i]]; !ok {
			return nil, fmt.Errorf("item %v of review %v: %w", a, r.ID, ErrNotFound)
		}
	}
	return found, nil
}

func (c *change) detailAccess(a Access) {
	c.detail["subject"], c.detail["domain"] = a.Subject.String(), a.Domain.String()
	c.detail["access"] = a.role()
}
