package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/afas"
)

const oneDay = 24 * time.Hour

// person is a member's own subject.
func person(u model.UserID) model.Subject { return model.UserSubject(u) }

// decided is what a review says of an item.
type decided struct {
	decision authz.ReviewDecision
	by       string
	at       time.Time
}

func decisions(r authz.Review) map[authz.Access]decided {
	all := make(map[authz.Access]decided)
	for _, i := range r.Items {
		all[i.Access] = decided{i.Decision, i.By, i.At}
	}
	return all
}

// AFA-09: a few times a year each organisation is asked to look at who has what
// access. The report says who confirmed what and when, and the vendor sees what
// is overdue.
func TestPeriodicReview(t *testing.T) {
	t.Parallel()
	packOnEach(t, afas.Pack(), testPeriodicReview)
}

func testPeriodicReview(t *testing.T, az *authz.Authz, clock *authztest.Clock) {
	ctx, acme := t.Context(), home(tAcme)
	_, err := az.CreateTenant(ctx, system, authz.Tenant{ID: tAcme, Name: "Acme"})
	require.NoError(t, err)
	for _, m := range []struct {
		u model.UserID
		p model.Profile
	}{{uAnn, afas.Administrator}, {uAmy, afas.Administrator}, {uEmil, afas.Employee}, {uOlga, afas.Employee}} {
		_, err := az.AddPerson(ctx, system, authz.Person{
			ID: m.u, FirstName: "First", LastName: m.u.String(), Locale: "nl", Addresses: []authz.Address{{Email: m.u.String() + "@acme.example"}},
		})
		require.NoError(t, err)
		require.NoError(t, az.AddMember(ctx, system, acme, authz.NewMember{User: m.u, Profiles: []model.Profile{m.p}}))
	}
	require.NoError(t, az.RemoveAddress(ctx, system, uAmy, "u-amy@acme.example"))

	// The vendor asks every quarter, and gives them ten days.
	require.NoError(t, az.SetReviewSchedule(ctx, system, tAcme, authz.ReviewSchedule{Every: 91 * oneDay, Due: 10 * oneDay, First: clock.Now().Add(oneDay)}))
	pass := func(want int) {
		t.Helper()
		n, err := az.OpenReviews(ctx)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	pass(0)
	clock.Advance(oneDay)
	pass(1)
	pass(0)
	opened := clock.Now()
	list, err := az.Reviews(ctx, admin, tAcme)
	require.NoError(t, err)
	require.Equal(t, []authz.Review{{
		ID: list[0].ID, Tenant: tAcme, State: authz.ReviewOpen, OpenedBy: "system", Opened: opened, Due: opened.Add(10 * oneDay), Total: 8, Undecided: 8,
	}}, list)
	r := list[0].ID
	mails := outbox(t, az, authz.ReviewMessage)
	require.Len(t, mails, 1, "Ann; Amy has no address")
	require.Equal(t, []string{"u-ann@acme.example", "u-ann", "nl", r.String()}, []string{mails[0].Email, mails[0].Person, mails[0].Locale, mails[0].Subject})

	here := func(u model.UserID) authz.Access {
		return authz.Access{Subject: person(u), Domain: acme, Profile: model.Member}
	}
	holds := func(u model.UserID, p model.Profile) authz.Access {
		return authz.Access{Subject: person(u), Domain: acme, Profile: p}
	}
	clock.Advance(time.Hour)
	first := clock.Now()
	require.NoError(t, az.ConfirmReviewItem(ctx, admin, tAcme, r, here(uAmy), holds(uAmy, afas.Administrator), here(uEmil)))
	require.ErrorIs(t, az.ConfirmReviewItem(ctx, admin, tAcme, r, here(uAnn)), authz.ErrDenied, "her own")
	require.NoError(t, az.ChangeReviewItem(ctx, admin, tAcme, r, holds(uEmil, afas.Employee), afas.Administrator))
	authztest.RequireAllowed(t, az, uEmil, acme, afas.ConductReview)
	require.NoError(t, az.RemoveReviewItem(ctx, admin, tAcme, r, here(uOlga)))
	authztest.RequireDenied(t, az, uOlga, acme, afas.EditSelf)

	clock.Advance(5 * oneDay)
	pass(0)
	require.Len(t, outbox(t, az, authz.ReminderMessage), 2, "Ann, and Emil, who is an administrator now")
	overdue, err := az.Overdue(ctx, model.TenantID{}, 10)
	require.NoError(t, err)
	require.Empty(t, overdue)

	clock.Advance(5 * oneDay)
	pass(0)
	overdue, err = az.Overdue(ctx, model.TenantID{}, 10)
	require.NoError(t, err)
	require.Len(t, overdue, 1)
	require.Equal(t, []any{tAcme, authz.ReviewOverdue, opened.Add(10 * oneDay), 2},
		[]any{overdue[0].Tenant, overdue[0].State, overdue[0].Due, overdue[0].Undecided})
	require.Len(t, outbox(t, az, authz.ReminderMessage), 4)

	second := clock.Now()
	require.NoError(t, az.ConfirmReviewItem(ctx, authz.By(uAmy), tAcme, r, here(uAnn), holds(uAnn, afas.Administrator)))
	report, err := az.Review(ctx, admin, tAcme, r)
	require.NoError(t, err)
	require.Equal(t, []any{authz.ReviewClosed, second, 8, 0}, []any{report.State, report.Closed, report.Total, report.Undecided})
	ann, amy := admin.String(), authz.By(uAmy).String()
	require.Equal(t, map[authz.Access]decided{
		here(uAnn): {authz.Confirmed, amy, second}, holds(uAnn, afas.Administrator): {authz.Confirmed, amy, second},
		here(uAmy): {authz.Confirmed, ann, first}, holds(uAmy, afas.Administrator): {authz.Confirmed, ann, first},
		here(uEmil): {authz.Confirmed, ann, first}, holds(uEmil, afas.Employee): {authz.Changed, ann, first},
		here(uOlga): {authz.Removed, ann, first}, holds(uOlga, afas.Employee): {authz.Removed, ann, first},
	}, decisions(report))
	for _, i := range report.Items {
		if i.Decision == authz.Changed {
			require.Equal(t, afas.Administrator, i.Became)
		}
		if u, _ := i.Subject.User(); i.Profile == model.Member {
			require.Equal(t, []any{authz.Active, "First " + u.String()}, []any{i.State, i.Name})
		}
	}
	overdue, err = az.Overdue(ctx, model.TenantID{}, 10)
	require.NoError(t, err)
	require.Empty(t, overdue)

	clock.Advance(91*oneDay - second.Sub(opened) - time.Microsecond)
	pass(0)
	clock.Advance(time.Microsecond)
	pass(1)
	list, err = az.Reviews(ctx, admin, tAcme)
	require.NoError(t, err)
	require.Equal(t, []any{2, r, 7}, []any{len(list), list[1].ID, list[0].Total}, "the newest first")
	require.NoError(t, az.VerifyLedger(ctx, tAcme))
}

// What is written of a request and of a review reaches those whom it is for, and
// not who may not conduct it any more, nor anybody once it is over.
func TestRequestAndReviewMails(t *testing.T) {
	t.Parallel()
	az, clock, box := authztest.OpenWithMail(t, accountancy.Pack())
	require.NoError(t, az.Transaction(t.Context(), populate))
	ctx := t.Context()
	deliver := func(want int) {
		t.Helper()
		before := box.Len()
		_, err := az.Deliver(ctx)
		require.NoError(t, err)
		require.Equal(t, want, box.Len()-before)
	}
	_, err := az.RequestAccount(ctx, authz.By(uCarl), dTwo, dave)
	require.NoError(t, err)
	deliver(1)
	require.Contains(t, box.Last(t, "office@verified.example").Text, "Dave Dubois (Dave@Client.example), on Miller")
	late, err := az.RequestAccount(ctx, authz.By(uCarl), dOne, dave)
	require.NoError(t, err)
	require.NoError(t, az.DeclineRequest(ctx, admin, dOne, late.ID, "No."))
	deliver(1) // the answer, and no more of the question
	require.Contains(t, box.Last(t, "u-carl@verified.example").Text, "geweigerd")

	require.NoError(t, az.Transaction(ctx, func(tx *authz.Tx) error {
		return tx.DB().Model(&store.Review{}).Where("id = ?", rOpen).Update("closed_at", 1).Error
	}))
	_, err = az.OpenReview(ctx, system, tAcme)
	require.NoError(t, err)
	require.NoError(t, az.Withdraw(ctx, admin, person(uAmy), accountancy.Admin, home(tAcme)))
	deliver(1)
	require.Contains(t, box.Last(t, "u-ann@verified.example").Text, "4 februari 2026")
	clock.Advance(15 * oneDay)
	_, err = az.OpenReviews(ctx)
	require.NoError(t, err)
	deliver(2) // the vendor's other tenant has a review, too
}

// accesses are what a review asks about.
func accesses(t testing.TB, az *authz.Authz, tenant model.TenantID, id model.ReviewID) (all []string) {
	t.Helper()
	r, err := az.Review(t.Context(), system, tenant, id)
	require.NoError(t, err)
	for _, i := range r.Items {
		line := i.Access.String()
		if i.State != "" {
			line += " " + string(i.State)
		}
		all = append(all, line)
	}
	return all
}

// A review asks about all members, and about what is in force or will be: not
// about what has ended, or is closed, nor about teams that give nothing.
func TestReviewItems(t *testing.T) {
	t.Parallel()
	eachFixture(t, testReviewItems)
}

func testReviewItems(t *testing.T, o *fixture) {
	ctx := t.Context()
	idle, vain := id(t, model.ParseTeamID, "idle"), id(t, model.ParseUserID, "vain")
	_, err := o.az.CreateTeam(ctx, o.by, o.tenant, authz.Team{ID: idle, Name: "Idle"})
	require.NoError(t, err)
	for _, team := range []model.TeamID{o.group, idle} {
		require.NoError(t, o.az.AddTeamMember(ctx, o.by, o.tenant, team, o.eve))
	}
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.emma)))
	grant := func(p model.Profile, from, until time.Duration) {
		t.Helper()
		g := authz.Grant{Subject: person(o.carl), Profile: p, Domain: o.d1, Until: o.clock.Now().Add(until)}
		if from > 0 {
			g.From = o.clock.Now().Add(from)
		}
		require.NoError(t, o.az.Grant(ctx, o.by, g))
	}
	grant(accountancy.FullFeedback, 0, time.Hour)
	grant(accountancy.FullAccess, 0, 2*time.Hour)
	grant(accountancy.DocumentProcessing, 2*time.Hour, 3*time.Hour)
	o.clock.Advance(time.Hour)
	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d2))
	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, o.sam))
	o.person(t, vain)
	require.NoError(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		return tx.DB().Create(&store.Member{Tenant: o.tenant, Person: vain, State: store.Invited}).Error
	}))
	r, err := o.az.OpenReview(ctx, o.by, o.tenant)
	require.NoError(t, err)
	require.Equal(t, o.clock.Now().Add(30*oneDay), r.Due)
	require.Equal(t, []string{
		"team:north, assigned, acme/d1",
		"user:admin, admin, acme/", "user:admin, member, acme/ active",
		"user:carl, member, acme/ active",
		"user:carl, administrator, acme/d1", "user:carl, document_processing, acme/d1", "user:carl, full_access, acme/d1",
		"user:cora, member, acme/ active",
		"user:emma, employee, acme/", "user:emma, member, acme/ active", "user:emma, assigned, acme/d1",
		"user:eve, employee, acme/", "user:eve, member, acme/ active", "user:eve, team:north, acme/",
		"user:sam, member, acme/ deactivated",
		"user:vain, member, acme/ invited",
	}, accesses(t, o.az, o.tenant, r.ID))
	require.Equal(t, 16, r.Total)
	_, err = o.az.OpenReview(ctx, o.by, o.tenant)
	require.ErrorIs(t, err, authz.ErrConflict)

	// One without access is removed for good.
	gone := authz.Access{Subject: person(vain), Domain: o.home, Profile: model.Member}
	require.NoError(t, o.az.RemoveReviewItem(ctx, o.by, o.tenant, r.ID, gone))
	gone.Subject = person(o.sam)
	require.NoError(t, o.az.RemoveReviewItem(ctx, o.by, o.tenant, r.ID, gone))
	require.ErrorIs(t, o.az.ReactivateMember(ctx, o.by, o.tenant, o.sam), authz.ErrNotFound)
	report, err := o.az.Review(ctx, o.by, o.tenant, r.ID)
	require.NoError(t, err)
	require.Equal(t, decided{authz.Removed, o.by.String(), o.clock.Now()}, decisions(report)[gone])
}

// A review in which there is nothing to look at is over when it begins.
func TestReviewOfNothing(t *testing.T) {
	t.Parallel()
	az, clock := authztest.Open(t, afas.Pack())
	ctx := t.Context()
	_, err := az.CreateTenant(ctx, system, authz.Tenant{ID: tAcme, Name: "Acme"})
	require.NoError(t, err)
	r, err := az.OpenReview(ctx, system, tAcme)
	require.NoError(t, err)
	require.Equal(t, []any{authz.ReviewClosed, clock.Now()}, []any{r.State, r.Closed})
}

// What goes by any other change while a review is open is removed in it, by who
// did that; what comes is for the next one; and when nothing is undecided any
// more, it is closed.
func TestReviewFollowsChanges(t *testing.T) {
	t.Parallel()
	eachFixture(t, testReviewFollowsChanges)
}

func testReviewFollowsChanges(t *testing.T, o *fixture) {
	ctx := t.Context()
	admins := authz.Access{Subject: person(o.admin), Domain: o.home, Profile: accountancy.Admin}
	on := func(who model.Subject, d model.Domain, p model.Profile) authz.Access {
		return authz.Access{Subject: who, Domain: d, Profile: p}
	}
	here := func(u model.UserID) authz.Access { return on(person(u), o.home, model.Member) }
	group := model.TeamSubject(o.group)
	require.NoError(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.eve))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d2, authz.Manager(o.eve)))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d2, authz.Supporting(o.eve)))
	r, err := o.az.OpenReview(ctx, o.by, o.tenant)
	require.NoError(t, err)
	confirm := func(items ...authz.Access) error {
		return o.az.ConfirmReviewItem(ctx, authz.System, o.tenant, r.ID, items...)
	}
	require.NoError(t, confirm(here(o.carl), on(person(o.cora), o.d2, accountancy.FullAccess)))

	steps := []struct {
		name string
		do   func() error
		gone []authz.Access
		lost bool // the change fails
	}{
		{name: "withdrawn", do: func() error {
			return o.az.Withdraw(ctx, o.by, person(o.carl), accountancy.Administrator, o.d1)
		}, gone: []authz.Access{on(person(o.carl), o.d1, accountancy.Administrator)}},
		{name: "granted again", do: func() error {
			return o.az.Grant(ctx, o.by, authz.Grant{Subject: person(o.carl), Profile: accountancy.Administrator, Domain: o.d1})
		}},
		{name: "bounded in time", do: func() error {
			return o.az.Grant(ctx, o.by, authz.Grant{Subject: person(o.sam), Profile: accountancy.Support, Domain: o.home, Until: o.clock.Now().Add(oneDay)})
		}},
		{name: "taken, and not committed", lost: true, do: func() error {
			return o.az.Withdraw(ctx, o.by, person(o.admin), accountancy.Admin, o.home)
		}},
		{name: "one link of two", do: func() error { return o.az.Unassign(ctx, o.by, o.d2, authz.Manager(o.eve)) }},
		{name: "the other link", do: func() error { return o.az.Unassign(ctx, o.by, o.d2, authz.Supporting(o.eve)) },
			gone: []authz.Access{{Subject: person(o.eve), Domain: o.d2, Assigned: true}}},
		{name: "confirmed, and closed later", do: func() error { return o.az.CloseDossier(ctx, o.by, o.d2) },
			gone: []authz.Access{on(person(o.cora), o.d2, accountancy.FullAccess)}},
		{name: "a team", do: func() error { return o.az.DeleteTeam(ctx, o.by, o.tenant, o.group) },
			gone: []authz.Access{{Subject: group, Domain: o.d1, Assigned: true}, {Subject: person(o.eve), Domain: o.home, Team: o.group}}},
		{name: "deactivated", do: func() error { return o.az.DeactivateMember(ctx, o.by, o.tenant, o.emma) },
			gone: []authz.Access{here(o.emma), on(person(o.emma), o.home, accountancy.Employee)}},
		{name: "removed", do: func() error { return o.az.RemoveMember(ctx, o.by, o.home, o.eve) },
			gone: []authz.Access{here(o.eve), on(person(o.eve), o.home, accountancy.Employee)}},
		{name: "the tenant closed and opened", do: func() error {
			if err := o.az.CloseTenant(ctx, authz.System, o.tenant); err != nil {
				return err
			}
			o.clock.Advance(60 * oneDay)
			n, err := o.az.OpenReviews(ctx)
			require.NoError(t, err)
			require.Zero(t, n)
			overdue, err := o.az.Overdue(ctx, model.TenantID{}, 10)
			require.NoError(t, err)
			require.Empty(t, overdue, "of a closed tenant")
			return o.az.ReopenTenant(ctx, authz.System, o.tenant)
		}},
	}
	want := make(map[authz.Access]decided)
	for _, s := range steps {
		o.clock.Advance(time.Second)
		at := o.clock.Now()
		require.Equal(t, s.lost, s.do() != nil, s.name)
		report, err := o.az.Review(ctx, authz.System, o.tenant, r.ID)
		require.NoError(t, err)
		for _, a := range s.gone {
			want[a] = decided{authz.Removed, o.by.String(), at}
		}
		got := decisions(report)
		for a, d := range got {
			if d.decision == authz.Removed {
				require.Equal(t, want[a], d, "%s: %v", s.name, a)
			} else {
				require.NotContains(t, want, a, s.name)
			}
		}
		require.Len(t, got, r.Total, "nothing new")
	}
	require.ErrorIs(t, confirm(here(o.emma)), authz.ErrConflict)

	// All but one, and then that by another change.
	require.NoError(t, confirm(admins, here(o.admin), here(o.cora), here(o.sam)))
	require.NoError(t, o.az.Withdraw(ctx, o.by, person(o.sam), accountancy.Support, o.home))
	report, err := o.az.Review(ctx, o.by, o.tenant, r.ID)
	require.NoError(t, err)
	require.Equal(t, []any{authz.ReviewClosed, o.clock.Now(), 0}, []any{report.State, report.Closed, report.Undecided})
	require.ErrorIs(t, confirm(admins), authz.ErrConflict, "closed")
	require.NoError(t, o.az.RemoveMember(ctx, o.by, o.home, o.sam))
	after, err := o.az.Review(ctx, o.by, o.tenant, r.ID)
	require.NoError(t, err)
	require.Equal(t, report.Items, after.Items, "what is closed stays as it was")
}

// What was set aside while a review is open, and is back, is asked about again: whoever
// may close a dossier decides nothing by it.
func TestReviewOfWhatComesBack(t *testing.T) {
	t.Parallel()
	eachFixture(t, testReviewOfWhatComesBack)
}

func testReviewOfWhatComesBack(t *testing.T, o *fixture) {
	ctx := t.Context()
	require.NoError(t, o.az.Grant(ctx, o.by, authz.Grant{Subject: person(o.carl), Profile: accountancy.FullAccess, Domain: o.d2}))
	r, err := o.az.OpenReview(ctx, o.by, o.tenant)
	require.NoError(t, err)
	before := accesses(t, o.az, o.tenant, r.ID)
	confirmed := authz.Access{Subject: person(o.cora), Domain: o.d2, Profile: accountancy.FullAccess}
	require.NoError(t, o.az.ConfirmReviewItem(ctx, authz.System, o.tenant, r.ID, confirmed))
	removed := authz.Access{Subject: person(o.carl), Domain: o.d2, Profile: accountancy.FullAccess}
	require.NoError(t, o.az.RemoveReviewItem(ctx, o.by, o.tenant, r.ID, removed))

	state := func(a authz.Access) authz.ReviewDecision {
		t.Helper()
		report, err := o.az.Review(ctx, o.by, o.tenant, r.ID)
		require.NoError(t, err)
		return decisions(report)[a].decision
	}
	o.clock.Advance(time.Minute)
	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d2))
	require.Equal(t, authz.Removed, state(confirmed))
	require.NoError(t, o.az.ReopenDossier(ctx, o.by, o.d2))
	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, o.sam))
	require.NoError(t, o.az.ReactivateMember(ctx, o.by, o.tenant, o.sam))
	report, err := o.az.Review(ctx, o.by, o.tenant, r.ID)
	require.NoError(t, err)
	require.Equal(t, before, accesses(t, o.az, o.tenant, r.ID))
	require.Equal(t, report.Total-1, report.Undecided, "all but the one that is gone")
	require.Equal(t, authz.Removed, state(removed))
	require.NoError(t, o.az.ConfirmReviewItem(ctx, authz.System, o.tenant, r.ID, confirmed))

	// Nor is a review over because what was left of it went for a moment.
	var others []authz.Access
	for _, i := range report.Items {
		if i.Domain != o.d1 && i.Decision == "" {
			others = append(others, i.Access)
		}
	}
	require.NoError(t, o.az.ConfirmReviewItem(ctx, authz.System, o.tenant, r.ID, others...))
	conducted := func() authz.ReviewState {
		report, err := o.az.Review(ctx, o.by, o.tenant, r.ID)
		require.NoError(t, err)
		return report.State
	}
	require.Equal(t, authz.ReviewOpen, conducted())
	o.clock.Advance(time.Minute)
	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d1))
	require.Equal(t, authz.ReviewClosed, conducted())
	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d2))
	require.NoError(t, o.az.ReopenDossier(ctx, o.by, o.d2))
	require.Equal(t, authz.ReviewClosed, conducted(), "what was confirmed")
	require.NoError(t, o.az.ReopenDossier(ctx, o.by, o.d1))
	require.Equal(t, authz.ReviewOpen, conducted())
	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d1))
	o.clock.Advance(31 * oneDay)
	require.NoError(t, o.az.ReopenDossier(ctx, o.by, o.d1))
	require.Equal(t, authz.ReviewClosed, conducted(), "long ago")

	next, err := o.az.OpenReview(ctx, o.by, o.tenant)
	require.NoError(t, err)
	o.clock.Advance(time.Minute)
	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d1))
	require.NoError(t, o.az.ReopenDossier(ctx, o.by, o.d1))
	report, err = o.az.Review(ctx, o.by, o.tenant, next.ID)
	require.NoError(t, err)
	require.Equal(t, report.Total, report.Undecided, "of two reviews")
}
