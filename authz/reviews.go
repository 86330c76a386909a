package authz

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A ReviewState is where a review stands.
type ReviewState string

// The states of a review.
const (
	ReviewOpen    ReviewState = "open"
	ReviewOverdue ReviewState = "overdue" // open, and past its term
	ReviewClosed  ReviewState = "closed"  // every item is decided
)

// A ReviewDecision is what was decided on an item of a review.
type ReviewDecision string

// The decisions on an item of a review; "" is none yet.
const (
	Confirmed ReviewDecision = store.Confirmed
	Changed   ReviewDecision = store.Changed // into another profile
	Removed   ReviewDecision = store.Removed // in the review, or by any other change while it was open; what comes back before it is due is undecided again
)

// A Review asks whether everybody in a tenant should have the access that they
// have. Its items are what there was when it was opened; what came later is for
// the next one.
type Review struct {
	ID       model.ReviewID
	Tenant   model.TenantID
	State    ReviewState
	OpenedBy string // as the ledger writes actors
	Opened   time.Time
	Due      time.Time // from then on it is overdue
	Closed   time.Time // zero: not yet

	Total, Undecided int
	Items            []ReviewItem // in [Authz.Review]
}

// A ReviewItem is an access that a review asks about.
type ReviewItem struct {
	Access
	Name     string         // of the person or the team, while there is one
	State    MemberState    // of a membership, when the review was opened
	Decision ReviewDecision // "" is none yet
	Became   model.Profile  // what a changed one was changed into
	By       string         // who decided, as the ledger writes actors
	At       time.Time      // when
}

// Reviews lists the reviews of a tenant without their items, the newest first.
// It takes "review conduct".
func (az *Authz) Reviews(ctx context.Context, by Actor, t model.TenantID) ([]Review, error) {
	return read(ctx, az, by, model.TenantDomain(t), model.ConductReview, "reviews", func(q *query) ([]Review, error) {
		return reviews(q.db, az.now(), q.db.Where("tenant = ?", t).Order("opened_at DESC, id DESC"))
	})
}

// Review reports on one review: each item, what was decided on it by whom and
// when, and what is undecided. It takes "review conduct", and like the ledger
// it names private dossiers too.
func (az *Authz) Review(ctx context.Context, by Actor, t model.TenantID, id model.ReviewID) (Review, error) {
	return read(ctx, az, by, model.TenantDomain(t), model.ConductReview, "review", func(q *query) (Review, error) {
		if id.IsZero() {
			return Review{}, fmt.Errorf("review is not set: %w", ErrInvalid)
		}
		found, err := reviews(q.db, az.now(), q.db.Where("tenant = ? AND id = ?", t, id))
		if err != nil {
			return Review{}, err
		}
		if len(found) == 0 {
			return Review{}, fmt.Errorf("review %v of tenant %v: %w", id, t, ErrNotFound)
		}
		r := found[0]
		r.Items, err = reviewItems(q.db, t, id)
		return r, err
	})
}

// Overdue lists the overdue reviews of all open tenants, for the vendor, by
// tenant: those after the given one, at most limit and never more than 1,000. It
// takes no actor: it is for the host itself.
func (az *Authz) Overdue(ctx context.Context, after model.TenantID, limit int) ([]Review, error) {
	err := az.ready()
	if err == nil {
		err = checkLimit(limit)
	}
	var found []Review
	if err == nil {
		db, at := az.db(ctx), az.now()
		found, err = reviews(db, at, openReviews(db).Where("due_at <= ? AND tenant > ?", store.At(at), after.String()).
			Order("tenant").Limit(limit))
	}
	if err != nil {
		return nil, fmt.Errorf("authz: overdue: %w", store.Translate(err))
	}
	return found, nil
}

// openReviews selects the open reviews of open tenants.
func openReviews(db *gorm.DB) *gorm.DB {
	return db.Model(&store.Review{}).
		Where("closed_at = 0 AND tenant IN (?)", db.Model(&store.Tenant{}).Select("id").Where("closed_at = 0"))
}

// reviews runs a query for reviews and counts their items.
func reviews(db *gorm.DB, at time.Time, query *gorm.DB) ([]Review, error) {
	var rows []store.Review
	if err := query.Find(&rows).Error; err != nil {
		return nil, err
	}
	var found []Review
	for _, row := range rows {
		r := reviewOf(row, at)
		var count struct{ Total, Undecided int }
		err := db.Model(&store.ReviewItem{}).
			Select("COUNT(*) AS total, COALESCE(SUM(CASE WHEN decision = '' THEN 1 ELSE 0 END), 0) AS undecided").
			Where("tenant = ? AND review = ?", r.Tenant, r.ID).Scan(&count).Error
		if err != nil {
			return nil, err
		}
		r.Total, r.Undecided = count.Total, count.Undecided
		found = append(found, r)
	}
	return found, nil
}

func reviewOf(row store.Review, at time.Time) Review {
	r := Review{
		ID: row.ID, Tenant: row.Tenant, State: ReviewOpen, OpenedBy: row.OpenedBy,
		Opened: row.OpenedAt.Time(), Due: row.DueAt.Time(), Closed: row.ClosedAt.Time(),
	}
	switch {
	case row.ClosedAt != 0:
		r.State = ReviewClosed
	case row.DueAt <= store.At(at):
		r.State = ReviewOverdue
	}
	return r
}

func reviewItems(db *gorm.DB, t model.TenantID, id model.ReviewID) ([]ReviewItem, error) {
	var rows []store.ReviewItem
	err := db.Where("tenant = ? AND review = ?", t, id).Order("subject, dossier, role").Find(&rows).Error
	if err != nil {
		return nil, err
	}
	items := make([]ReviewItem, len(rows))
	for i, row := range rows {
		a, err := accessOf(itemRule(row))
		if err != nil {
			return nil, fmt.Errorf("review %v: %w", id, err)
		}
		items[i] = ReviewItem{
			Access: a, State: MemberState(row.State), Decision: ReviewDecision(row.Decision), Became: row.Became,
			By: row.DecidedBy, At: row.DecidedAt.Time(),
		}
	}
	return items, nameItems(db, t, items)
}

// nameItems fills in what people and teams are called.
func nameItems(db *gorm.DB, t model.TenantID, items []ReviewItem) error {
	names := make(map[model.Subject]string)
	var people []model.UserID
	for _, item := range items {
		if u, ok := item.Subject.User(); ok && !slices.Contains(people[max(0, len(people)-1):], u) { // they come in order
			people = append(people, u)
		}
	}
	for batch := range slices.Chunk(people, 500) {
		var rows []store.Person
		if err := db.Where("id IN ?", batch).Find(&rows).Error; err != nil {
			return err
		}
		for _, p := range rows {
			names[model.UserSubject(p.ID)] = p.FirstName + " " + p.LastName
		}
	}
	var teams []store.Team
	if err := db.Where("tenant = ?", t).Find(&teams).Error; err != nil {
		return err
	}
	for _, team := range teams {
		names[model.TeamSubject(team.ID)] = team.Name
	}
	for i := range items {
		items[i].Name = names[items[i].Subject]
	}
	return nil
}
