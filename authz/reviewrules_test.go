package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Removing and changing have every check that they have elsewhere.
func TestReviewKeepsTheRules(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	r, err := o.az.OpenReview(ctx, o.by, o.tenant)
	require.NoError(t, err)
	last := authz.Access{Subject: person(o.admin), Domain: o.home, Profile: accountancy.Admin}
	member := authz.Access{Subject: person(o.admin), Domain: o.home, Profile: model.Member}
	for _, a := range []authz.Access{last, member} {
		require.ErrorIs(t, o.az.RemoveReviewItem(ctx, authz.System, o.tenant, r.ID, a), authz.ErrConflict, "the last administrator")
	}
	require.ErrorIs(t, o.az.ChangeReviewItem(ctx, authz.System, o.tenant, r.ID, last, accountancy.Employee), authz.ErrConflict)
	client := authz.Access{Subject: person(o.carl), Domain: o.d1, Profile: accountancy.Administrator}
	require.NoError(t, o.az.SetPrivate(ctx, o.by, o.d1, true))
	require.ErrorIs(t, o.az.RemoveReviewItem(ctx, o.by, o.tenant, r.ID, client), authz.ErrNotFound, "a dossier that the admin does not see")
	require.ErrorIs(t, o.az.ChangeReviewItem(ctx, o.by, o.tenant, r.ID, client, accountancy.FullAccess), authz.ErrNotFound)
	require.NoError(t, o.az.SetPrivate(ctx, authz.System, o.d1, false))

	// A change keeps the bounds in time, and is no way to two profiles in one.
	until := o.clock.Now().Add(time.Hour)
	require.NoError(t, o.az.Grant(ctx, o.by, authz.Grant{Subject: person(o.carl), Profile: accountancy.Administrator, Domain: o.d1, Until: until}))
	require.NoError(t, o.az.ConfirmReviewItem(ctx, o.by, o.tenant, r.ID, client))
	require.NoError(t, o.az.ChangeReviewItem(ctx, o.by, o.tenant, r.ID, client, accountancy.FullAccess), "confirmed by mistake")
	held, err := o.az.Grants(ctx, o.by, o.d1)
	require.NoError(t, err)
	require.Len(t, held, 1)
	require.Equal(t, authz.Grant{Subject: person(o.carl), Profile: accountancy.FullAccess, Domain: o.d1, Until: until}, held[0].Grant)
	require.ErrorIs(t, o.az.ChangeReviewItem(ctx, o.by, o.tenant, r.ID, client, accountancy.FullFeedback), authz.ErrConflict, "changed already")
	other := authz.Access{Subject: person(o.cora), Domain: o.d2, Profile: accountancy.FullAccess}
	require.NoError(t, o.az.Grant(ctx, o.by, authz.Grant{Subject: person(o.cora), Profile: accountancy.FullFeedback, Domain: o.d2}))
	require.ErrorIs(t, o.az.ChangeReviewItem(ctx, o.by, o.tenant, r.ID, other, accountancy.FullFeedback), authz.ErrConflict)
}

// Nobody confirms what they have themselves, or through a team, as long as
// somebody else can.
func TestReviewOfOneself(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.NoError(t, o.az.AddTeamMember(ctx, authz.System, o.tenant, o.group, o.admin))
	require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Group(o.group)))
	require.NoError(t, o.az.Grant(ctx, o.by, authz.Grant{Subject: person(o.emma), Profile: accountancy.Admin, Domain: o.home}))
	r, err := o.az.OpenReview(ctx, o.by, o.tenant)
	require.NoError(t, err)
	own := []authz.Access{
		{Subject: person(o.admin), Domain: o.home, Profile: accountancy.Admin}, {Subject: person(o.admin), Domain: o.home, Team: o.group},
		{Subject: model.TeamSubject(o.group), Domain: o.d1, Assigned: true},
	}
	other := authz.Access{Subject: person(o.sam), Domain: o.home, Profile: model.Member}
	for _, a := range own {
		require.ErrorIs(t, o.az.ConfirmReviewItem(ctx, o.by, o.tenant, r.ID, other, a), authz.ErrDenied, a)
	}
	report, err := o.az.Review(ctx, o.by, o.tenant, r.ID)
	require.NoError(t, err)
	require.Equal(t, report.Total, report.Undecided, "all or none")
	require.NoError(t, o.az.Withdraw(ctx, o.by, person(o.emma), accountancy.Admin, o.home))
	require.NoError(t, o.az.ConfirmReviewItem(ctx, o.by, o.tenant, r.ID, own...), "nobody else may")

	before, err := o.az.Revision(ctx, o.tenant)
	require.NoError(t, err)
	require.NoError(t, o.az.ConfirmReviewItem(ctx, authz.System, o.tenant, r.ID, own...), "confirmed already")
	after, err := o.az.Revision(ctx, o.tenant)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.ErrorIs(t, o.az.ConfirmReviewItem(ctx, o.by, o.tenant, r.ID), authz.ErrInvalid, "none")
}
