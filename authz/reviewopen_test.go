package authz_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/afas"
)

// organisation makes a tenant with one administrator, who has an address.
func organisation(t testing.TB, az *authz.Authz, name string) model.TenantID {
	t.Helper()
	tenant, boss := parsedTenant(name), parsedUser("boss-"+name)
	_, err := az.CreateTenant(t.Context(), system, authz.Tenant{ID: tenant, Name: name})
	require.NoError(t, err)
	_, err = az.AddPerson(t.Context(), system, authz.Person{
		ID: boss, FirstName: "F", LastName: "L", Addresses: []authz.Address{{Email: boss.String() + "@acme.example"}},
	})
	require.NoError(t, err)
	require.NoError(t, az.AddMember(t.Context(), system, home(tenant), authz.NewMember{User: boss, Profiles: []model.Profile{afas.Administrator}}))
	return tenant
}

// Reminders come halfway, the day before, when a review is due, and every week
// from then on; to a node that was away, as one.
func TestReviewReminders(t *testing.T) {
	t.Parallel()
	for due, want := range map[time.Duration][]time.Duration{
		oneDay:      {oneDay / 2, oneDay, 8 * oneDay, 15 * oneDay},
		2 * oneDay:  {oneDay, 2 * oneDay, 9 * oneDay},
		3 * oneDay:  {36 * time.Hour, 2 * oneDay, 3 * oneDay, 10 * oneDay},
		30 * oneDay: {15 * oneDay, 29 * oneDay, 30 * oneDay, 37 * oneDay, 44 * oneDay},
	} {
		az, clock := authztest.Open(t, afas.Pack())
		tenant := organisation(t, az, "acme")
		require.NoError(t, az.SetReviewSchedule(t.Context(), system, tenant, authz.ReviewSchedule{Every: 365 * oneDay, Due: due, First: clock.Now()}))
		_, err := az.OpenReviews(t.Context())
		require.NoError(t, err)
		start, sent := clock.Now(), 0
		pass := func() {
			t.Helper()
			_, err := az.OpenReviews(t.Context())
			require.NoError(t, err)
			require.Len(t, outbox(t, az, authz.ReminderMessage), sent, "%v after %v", due, clock.Now().Sub(start))
		}
		for _, at := range want {
			clock.Advance(start.Add(at).Sub(clock.Now()) - time.Microsecond)
			pass()
			clock.Advance(time.Microsecond)
			sent++
			pass()
			pass()
		}
		clock.Advance(100 * oneDay)
		sent++
		pass()
		require.Len(t, outbox(t, az, authz.ReviewMessage), 1)
	}
}

// One review at a time: the next one waits for the last one's end. A schedule
// keeps its rhythm over what was missed, and can be ended.
func TestReviewSchedule(t *testing.T) {
	t.Parallel()
	packOnEach(t, afas.Pack(), testReviewSchedule)
}

func testReviewSchedule(t *testing.T, az *authz.Authz, clock *authztest.Clock) {
	ctx := t.Context()
	tenant, other := organisation(t, az, "acme"), organisation(t, az, "beta")
	start := clock.Now()
	require.NoError(t, az.SetReviewSchedule(ctx, system, tenant, authz.ReviewSchedule{Every: 10 * oneDay, Due: 5 * oneDay}))
	require.NoError(t, az.SetReviewSchedule(ctx, system, other, authz.ReviewSchedule{Every: 10 * oneDay}))
	require.NoError(t, az.SetReviewSchedule(ctx, system, other, authz.ReviewSchedule{}))
	var opened []time.Duration
	pass := func(at time.Duration) {
		t.Helper()
		clock.Advance(start.Add(at).Sub(clock.Now()))
		n, err := az.OpenReviews(ctx)
		require.NoError(t, err)
		if n > 0 {
			opened = append(opened, at)
		}
	}
	finish := func() {
		t.Helper()
		list, err := az.Reviews(ctx, system, tenant)
		require.NoError(t, err)
		r, err := az.Review(ctx, system, tenant, list[0].ID)
		require.NoError(t, err)
		for _, i := range r.Items {
			require.NoError(t, az.ConfirmReviewItem(ctx, system, tenant, r.ID, i.Access))
		}
	}
	pass(9 * oneDay)
	pass(10 * oneDay)
	pass(21 * oneDay) // not while one is open
	finish()
	pass(22 * oneDay) // late, as the last one was
	finish()
	pass(29 * oneDay)
	pass(30 * oneDay) // in rhythm again
	finish()
	pass(75 * oneDay) // 40 to 70 were missed
	finish()
	pass(79 * oneDay)
	pass(80 * oneDay)
	require.Equal(t, []time.Duration{10 * oneDay, 22 * oneDay, 30 * oneDay, 75 * oneDay, 80 * oneDay}, opened)
	list, err := az.Reviews(ctx, system, tenant)
	require.NoError(t, err)
	require.Equal(t, 5*oneDay, list[0].Due.Sub(list[0].Opened))
	list, err = az.Reviews(ctx, system, other)
	require.NoError(t, err)
	require.Empty(t, list)

	requireIs(t, az.Transaction(ctx, func(tx *authz.Tx) error {
		_, err := tx.OpenReviews(ctx)
		return err
	}), authz.ErrInvalid, "in a transaction")
}

// What is overdue comes in pages, each tenant once.
func TestOverdue(t *testing.T) {
	t.Parallel()
	packOnEach(t, afas.Pack(), testOverdue)
}

func testOverdue(t *testing.T, az *authz.Authz, clock *authztest.Clock) {
	ctx := t.Context()
	var want []model.TenantID
	for i := range 5 {
		tenant := organisation(t, az, fmt.Sprint("tenant-", i))
		if i != 2 {
			_, err := az.OpenReview(ctx, system, tenant)
			require.NoError(t, err)
			want = append(want, tenant)
		}
	}
	clock.Advance(30*oneDay - time.Microsecond)
	found, err := az.Overdue(ctx, model.TenantID{}, 10)
	require.NoError(t, err)
	require.Empty(t, found)
	clock.Advance(time.Microsecond)
	var got []model.TenantID
	for after := (model.TenantID{}); ; {
		page, err := az.Overdue(ctx, after, 3)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			got = append(got, r.Tenant)
			require.Equal(t, []any{authz.ReviewOverdue, 2, 2}, []any{r.State, r.Total, r.Undecided})
		}
		after = got[len(got)-1]
	}
	require.Equal(t, want, got)
	_, err = az.Overdue(ctx, model.TenantID{}, 1001)
	require.ErrorIs(t, err, authz.ErrInvalid)
	_, err = new(authz.Authz).Overdue(ctx, model.TenantID{}, 1)
	require.ErrorIs(t, err, authz.ErrInvalid)
}

// makeDue ends the open reviews of acme and makes the next one due.
func makeDue(t *testing.T, n nodes) {
	t.Helper()
	require.NoError(t, n.db.Model(&store.Review{}).Where("tenant = ? AND closed_at = 0", tAcme).Update("closed_at", 1).Error)
	require.NoError(t, n.scene.az.SetReviewSchedule(t.Context(), system, tAcme, authz.ReviewSchedule{Every: oneDay, First: noon()}))
}

// openIn counts the open reviews of acme.
func openIn(t *testing.T, db *gorm.DB) (n int64) {
	t.Helper()
	require.NoError(t, db.Model(&store.Review{}).Where("tenant = ? AND closed_at = 0", tAcme).Count(&n).Error)
	return n
}

// All nodes open what is due, at once, on schedule or by hand: one review comes
// of it, one line in the ledger, and one mail to each administrator.
func TestOpenReviewsRace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		for round := range rounds() / 2 {
			makeDue(t, n)
			before, err := n.az[0].Revision(t.Context(), tAcme)
			require.NoError(t, err)
			mails := len(outbox(t, n.az[0], authz.ReviewMessage))
			var counts [2]int
			errs := together(
				func() (err error) { counts[0], err = n.az[0].OpenReviews(context.Background()); return err },
				func() (err error) {
					if round%2 == 0 {
						counts[1], err = n.az[1].OpenReviews(context.Background())
					} else if _, err = n.az[1].OpenReview(context.Background(), admin, tAcme); err == nil {
						counts[1] = 1
					} else if errors.Is(err, authz.ErrConflict) {
						err = nil
					}
					return err
				})
			require.NoError(t, errors.Join(errs[:]...))
			require.Equal(t, 1, counts[0]+counts[1], "round %d", round)
			require.EqualValues(t, 1, openIn(t, db))
			after, err := n.az[0].Revision(t.Context(), tAcme)
			require.NoError(t, err)
			require.Equal(t, before+1, after)
			require.Len(t, outbox(t, n.az[0], authz.ReviewMessage), mails+2, "to Ann and Amy")
		}
		n.requireSound(t)
	})
}

// The control: to look whether a review is due and then open it, in one
// transaction but without the lock, opens two.
func TestOpenReviewsRaceControl(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		naive := func(db *gorm.DB) func() error {
			return func() error {
				return db.Transaction(func(tx *gorm.DB) error {
					var open int64
					if err := tx.Model(&store.Review{}).Where("tenant = ? AND closed_at = 0", tAcme).Count(&open).Error; err != nil || open > 0 {
						return err
					}
					return tx.Create(&store.Review{Tenant: tAcme, ID: model.NewReviewID(), OpenedAt: 1, DueAt: 1}).Error
				})
			}
		}
		twice := 0
		other := storetest.Reopen(t, db)
		for range 200 {
			makeDue(t, n)
			_ = together(naive(db), naive(other))
			if openIn(t, db) > 1 {
				twice++
			}
		}
		require.Positive(t, twice, "the two never met: the race proves nothing")
	})
}

// Two nodes that remind at once send one reminder.
func TestRemindRace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		for round := range rounds() / 2 {
			require.NoError(t, db.Model(&store.Review{}).Where("id = ?", rOpen).Update("remind_at", 1).Error)
			remind := func(i int) func() error {
				return func() error { _, err := n.az[i].OpenReviews(context.Background()); return err }
			}
			errs := together(remind(0), remind(1))
			require.NoError(t, errors.Join(errs[:]...))
			require.Len(t, outbox(t, n.az[0], authz.ReminderMessage), 2*(round+1), "to Ann and Amy")
		}
		n.requireSound(t)
	})
}

// The same item is confirmed by one and removed by another, at once: the report
// says what is.
func TestReviewDecisionRace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		ctx := context.Background()
		for range rounds() / 2 {
			errs := together(
				func() error { return n.az[0].ConfirmReviewItem(ctx, admin, tAcme, rOpen, carlOnTwo) },
				func() error { return n.az[1].RemoveReviewItem(ctx, authz.By(uAmy), tAcme, rOpen, carlOnTwo) })
			require.NoError(t, errs[1])
			if errs[0] != nil {
				require.ErrorIs(t, errs[0], authz.ErrConflict)
			}
			report, err := n.az[0].Review(ctx, admin, tAcme, rOpen)
			require.NoError(t, err)
			require.Equal(t, decided{authz.Removed, authz.By(uAmy).String(), noon()}, decisions(report)[carlOnTwo])
			require.NoError(t, n.az[0].Grant(ctx, admin, authz.Grant{Subject: carlOnTwo.Subject, Profile: carlOnTwo.Profile, Domain: dTwo}))
			require.NoError(t, db.Model(&store.ReviewItem{}).Where("subject = ? AND dossier = 'd-2'", carlOnTwo.Subject.String()).
				Updates(map[string]any{"decision": "", "decided_by": ""}).Error)
		}
		n.requireSound(t)
	})
}

// A thousand items are confirmed in one change, on every database.
func TestReviewOfMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		az, err := authz.Open(t.Context(), db, authz.Config{Pack: afas.Pack(), Clock: noon})
		require.NoError(t, err)
		tenant := organisation(t, az, "acme")
		require.NoError(t, az.Transaction(t.Context(), func(tx *authz.Tx) error {
			for i := range 500 {
				u := parsedUser(fmt.Sprint("u-", i))
				if _, err := tx.AddPerson(t.Context(), system, authz.Person{ID: u, FirstName: "F", LastName: "L"}); err != nil {
					return err
				}
				if err := tx.AddMember(t.Context(), system, home(tenant), authz.NewMember{User: u, Profiles: []model.Profile{afas.Employee}}); err != nil {
					return err
				}
			}
			return nil
		}))
		r, err := az.OpenReview(t.Context(), system, tenant)
		require.NoError(t, err)
		require.Equal(t, 1002, r.Total)
		r, err = az.Review(t.Context(), system, tenant, r.ID)
		require.NoError(t, err)
		var all []authz.Access
		for _, i := range r.Items {
			require.Equal(t, "F L", i.Name)
			all = append(all, i.Access)
		}
		require.NoError(t, az.ConfirmReviewItem(t.Context(), system, tenant, r.ID, all...))
		r, err = az.Review(t.Context(), system, tenant, r.ID)
		require.NoError(t, err)
		require.Equal(t, authz.ReviewClosed, r.State)
	})
}
