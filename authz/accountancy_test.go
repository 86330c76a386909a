package authz_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	. "github.com/volmacht/volmacht/policies/accountancy"
)

// What the accounting office asks for, where it is about changes rather than
// about the policy alone; the policy's own scenarios are in the pack.

// ACC-01, ACC-05: C at activation, changed later in the dossier's settings.
func TestConfigurationDefault(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	d, err := o.az.Dossier(t.Context(), o.by, o.d1)
	require.NoError(t, err)
	require.Equal(t, ConfigurationC, d.Configuration)

	require.NoError(t, o.az.Configure(t.Context(), o.by, o.d1, ConfigurationB))
	o.denied(t, o.carl, o.d1, ViewFigure, ViewReport, ViewHistory)
	o.allowed(t, o.carl, o.d1, SubmitDocument, ViewArchive)
	o.allowed(t, o.admin, o.d1, ViewFigure) // ACC-07: no cap for staff
}

// ACC-06: from D to B or C waits for the host; every other change does not.
func TestConfigurationWaits(t *testing.T) {
	t.Parallel()
	for _, from := range []model.Configuration{ConfigurationB, ConfigurationC, ConfigurationD} {
		for _, to := range []model.Configuration{ConfigurationB, ConfigurationC, ConfigurationD} {
			o := newFixture(t)
			ctx := t.Context()
			require.NoError(t, o.az.Configure(ctx, o.by, o.d1, from))
			require.NoError(t, o.az.Configure(ctx, o.by, o.d1, to))
			d, err := o.az.Dossier(ctx, o.by, o.d1)
			require.NoError(t, err)
			if from == ConfigurationD && to != from {
				require.Equal(t, from, d.Configuration, "%v to %v", from, to)
				require.Equal(t, to, d.Pending)
				o.denied(t, o.carl, o.d1, SubmitDocument)
				require.NoError(t, o.az.FinishConfiguration(ctx, authz.System, o.d1, to))
				d, err = o.az.Dossier(ctx, o.by, o.d1)
				require.NoError(t, err)
			}
			require.Equal(t, to, d.Configuration, "%v to %v", from, to)
			require.True(t, d.Pending.IsZero())
			require.ErrorIs(t, o.az.FinishConfiguration(ctx, authz.System, o.d1, to), authz.ErrConflict)
		}
	}
}

// ACC-06: a failed synchronisation leaves D, and the failure is kept until
// the next try.
func TestConfigurationFails(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, ConfigurationD))
	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, ConfigurationC))
	require.ErrorIs(t, o.az.FailConfiguration(ctx, o.by, o.d1, ConfigurationC, "no licence"), authz.ErrDenied)
	require.ErrorIs(t, o.az.FinishConfiguration(ctx, authz.System, o.d1, ConfigurationB), authz.ErrConflict, "another change than the pending one")
	require.NoError(t, o.az.FailConfiguration(ctx, authz.System, o.d1, ConfigurationC, "no licence"))

	d, err := o.az.Dossier(ctx, o.by, o.d1)
	require.NoError(t, err)
	require.Equal(t, ConfigurationD, d.Configuration)
	require.True(t, d.Pending.IsZero())
	require.Equal(t, "no licence", d.Failure)
	advice, err := o.az.Advice(ctx, o.by, o.d1)
	require.NoError(t, err)
	require.Equal(t, []authz.Advice{{Domain: o.d1, Kind: authz.NotSynchronised}}, advice)

	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, ConfigurationB))
	d, err = o.az.Dossier(ctx, o.by, o.d1)
	require.NoError(t, err)
	require.Equal(t, ConfigurationB, d.Pending)
	require.Empty(t, d.Failure)
	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, ConfigurationD), "calls the change off")
	require.ErrorIs(t, o.az.FinishConfiguration(ctx, authz.System, o.d1, ConfigurationB), authz.ErrConflict)
}

// ACC-12, ACC-20, ACC-21: manager, group and supporting give access; there is
// one manager and one group.
func TestAssignments(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	o.denied(t, o.emma, o.d1, SeeDossier)
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.emma)))
	o.allowed(t, o.emma, o.d1, SeeDossier, ViewFigure, EnterPortal, AssignDossier)
	o.denied(t, o.emma, o.d2, SeeDossier)

	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.eve)), "takes Emma's place")
	o.denied(t, o.emma, o.d1, SeeDossier)
	o.allowed(t, o.eve, o.d1, SeeDossier)

	require.NoError(t, o.az.AddTeamMember(ctx, o.by, o.tenant, o.group, o.emma))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	o.allowed(t, o.emma, o.d1, SeeDossier)
	require.NoError(t, o.az.RemoveTeamMember(ctx, o.by, o.tenant, o.group, o.emma))
	o.denied(t, o.emma, o.d1, SeeDossier)

	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Supporting(o.emma)))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Supporting(o.eve)))
	o.allowed(t, o.emma, o.d1, SeeDossier)

	d, err := o.az.Dossier(ctx, o.by, o.d1)
	require.NoError(t, err)
	require.Equal(t, o.eve, d.Manager)
	require.Equal(t, o.group, d.Team)
	require.Equal(t, []model.UserID{o.emma, o.eve}, d.Supporting)

	require.NoError(t, o.az.Unassign(ctx, o.by, o.d1, authz.Manager(o.eve)))
	o.allowed(t, o.eve, o.d1, SeeDossier) // still supporting
	require.NoError(t, o.az.Unassign(ctx, o.by, o.d1, authz.Supporting(o.eve)))
	o.denied(t, o.eve, o.d1, SeeDossier)
	require.ErrorIs(t, o.az.Unassign(ctx, o.by, o.d1, authz.Supporting(o.eve)), authz.ErrNotFound)
}

// ACC-11: a private dossier is not the admin's, unless the admin is assigned.
func TestPrivate(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.NoError(t, o.az.SetPrivate(ctx, o.by, o.d1, true))
	o.denied(t, o.admin, o.d1, SeeDossier, ViewFigure)
	o.allowed(t, o.carl, o.d1, ViewFigure)
	require.ErrorIs(t, o.az.SetPrivate(ctx, o.by, o.d1, false), authz.ErrNotFound)
	_, err := o.az.Dossier(ctx, o.by, o.d1)
	require.ErrorIs(t, err, authz.ErrNotFound)

	require.NoError(t, o.az.Assign(ctx, authz.System, o.d1, authz.Supporting(o.admin)))
	o.allowed(t, o.admin, o.d1, SeeDossier, ViewFigure, ConfigureDossier)
}

// ACC-13, ACC-14: an employee adds clients until only admins may.
func TestEmployeeAddsClients(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	d, err := o.az.CreateDossier(ctx, authz.By(o.emma), o.tenant, authz.Dossier{Name: "Brewery"})
	require.NoError(t, err)
	o.denied(t, o.emma, d.Domain, SeeDossier) // she named no manager: the office is responsible
	d, err = o.az.CreateDossier(ctx, authz.By(o.emma), o.tenant, authz.Dossier{Name: "Brewery", Manager: o.emma})
	require.NoError(t, err)
	o.allowed(t, o.emma, d.Domain, ViewFigure)

	require.NoError(t, o.az.SetSetting(ctx, o.by, o.tenant, SettingAdminOnlyClients, true))
	_, err = o.az.CreateDossier(ctx, authz.By(o.emma), o.tenant, authz.Dossier{Name: "Cinema"})
	require.ErrorIs(t, err, authz.ErrDenied)
	_, err = o.az.CreateDossier(ctx, o.by, o.tenant, authz.Dossier{Name: "Cinema"})
	require.NoError(t, err)
	require.ErrorIs(t, o.az.SetSetting(ctx, authz.By(o.emma), o.tenant, SettingAdminOnlyClients, false), authz.ErrDenied)
}

// ACC-16, ACC-22: support uses worklists and assigns nobody.
func TestSupport(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Supporting(o.sam)))
	o.allowed(t, o.sam, o.d1, SeeDossier)
	o.denied(t, o.sam, o.d1, UseWorklist, EnterPortal, ViewDocument, ConfigureDossier)
	require.NoError(t, o.az.SetFlag(ctx, o.by, o.d1, FlagWorklist, true))
	o.allowed(t, o.sam, o.d1, UseWorklist)
	o.denied(t, o.sam, o.d1, EnterPortal, ViewDocument)
	require.ErrorIs(t, o.az.Assign(ctx, authz.By(o.sam), o.d1, authz.Supporting(o.emma)), authz.ErrDenied)
}

// ACC-17: internal or external changes no right.
func TestExternal(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	var before, after []model.Permission
	for p, err := range o.az.Permissions(t.Context(), o.admin, o.home) {
		require.NoError(t, err)
		before = append(before, p)
	}
	require.NoError(t, o.az.SetExternal(t.Context(), authz.System, o.tenant, o.admin, true))
	for p, err := range o.az.Permissions(t.Context(), o.admin, o.home) {
		require.NoError(t, err)
		after = append(after, p)
	}
	require.NotEmpty(t, before)
	require.Equal(t, before, after)
	members, err := o.az.Members(t.Context(), o.by, o.home)
	require.NoError(t, err)
	for _, m := range members {
		require.Equal(t, m.User == o.admin, m.External, "%v", m.User)
	}
}

// ACC-23: the manager is responsible, else the group, else the office.
func TestResponsible(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	expect := func(want authz.Responsible) {
		t.Helper()
		got, err := o.az.Responsible(ctx, o.d1)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	expect(authz.Responsible{Name: "Acme", Email: "office@acme.example"})
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Group(o.group)))
	expect(authz.Responsible{Team: o.group, Name: "North", Email: "north@acme.example"})
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.emma)))
	expect(authz.Responsible{User: o.emma, Name: "First emma", Email: "emma@acme.example"})

	require.NoError(t, o.az.AddAddress(ctx, authz.System, o.emma, "Emma@Home.example"))
	require.NoError(t, o.az.VerifyAddress(ctx, authz.System, o.emma, "emma@home.example"))
	expect(authz.Responsible{User: o.emma, Name: "First emma", Email: "Emma@Home.example"})

	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, o.emma))
	expect(authz.Responsible{Team: o.group, Name: "North", Email: "north@acme.example"})
	require.NoError(t, o.az.DeleteTeam(ctx, o.by, o.tenant, o.group))
	expect(authz.Responsible{Name: "Acme", Email: "office@acme.example"})
}

// ACC-30, ACC-39: Administrator is what a new client user gets, and the lack
// of one is advice.
func TestAdministratorDefault(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	advice, err := o.az.Advice(ctx, o.by, o.d2)
	require.NoError(t, err)
	require.Equal(t, []authz.Advice{{Domain: o.d2, Kind: authz.NoHolder, Profile: Administrator}}, advice)

	dave := id(t, model.ParseUserID, "dave")
	o.person(t, dave)
	require.NoError(t, o.az.AddMember(ctx, o.by, o.d2, authz.NewMember{User: dave}))
	o.allowed(t, dave, o.d2, EditPortalSettings)
	advice, err = o.az.Advice(ctx, o.by, o.d2)
	require.NoError(t, err)
	require.Empty(t, advice)
}

// ACC-38: one person, two dossiers, another profile on each.
func TestTwoDossiers(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	require.NoError(t, o.az.Grant(t.Context(), o.by, authz.Grant{
		Subject: model.UserSubject(o.carl), Profile: DocumentDelivery, Domain: o.d2,
	}))
	o.allowed(t, o.carl, o.d1, ViewFigure)
	o.denied(t, o.carl, o.d2, ViewFigure)
	o.allowed(t, o.carl, o.d2, ViewDocument.Of(o.carl))
	o.denied(t, o.carl, o.d2, ViewDocument.Of(o.cora))
}

// ACC-41: with self-service on, an Administrator brings in client users of the
// own dossier, with the six profiles, and nothing beyond.
func TestSelfService(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	dave := id(t, model.ParseUserID, "dave")
	o.person(t, dave)
	add := func(d model.Domain, p model.Profile) error {
		return o.az.AddMember(ctx, authz.By(o.carl), d, authz.NewMember{User: dave, Profiles: []model.Profile{p}})
	}
	require.ErrorIs(t, add(o.d1, FullAccess), authz.ErrDenied)
	require.NoError(t, o.az.SetSetting(ctx, o.by, o.tenant, SettingSelfServiceUsers, true))
	require.ErrorIs(t, add(o.d2, FullAccess), authz.ErrNotFound, "another dossier")
	require.ErrorIs(t, add(o.home, Employee), authz.ErrDenied, "the office")
	require.ErrorIs(t, add(o.d1, Employee), authz.ErrInvalid, "a profile of the office")
	for _, p := range []model.Profile{Administrator, FullAccess, DocumentProcessing, DocumentProcessingArchive, FullFeedback, DocumentDelivery} {
		require.NoError(t, add(o.d1, p), "%v", p)
	}
	o.allowed(t, dave, o.d1, ViewFigure)
	o.denied(t, o.carl, o.d1, ConfigureDossier, AssignDossier, CloseDossier)
}

// A member comes back with what it had, less what was taken from it meanwhile.
func TestDeactivateReactivate(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.NoError(t, o.az.Assign(ctx, o.by, o.d1, authz.Manager(o.emma)))
	require.NoError(t, o.az.Assign(ctx, o.by, o.d2, authz.Supporting(o.emma)))
	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, o.emma))
	o.denied(t, o.emma, o.d1, SeeDossier)
	o.denied(t, o.emma, o.home, EditSelf, EnterManagement)

	// Closed while she is away, and still closed when she is back.
	require.NoError(t, o.az.CloseDossier(ctx, o.by, o.d2))
	require.NoError(t, o.az.ReactivateMember(ctx, o.by, o.tenant, o.emma))
	o.allowed(t, o.emma, o.d1, SeeDossier)
	o.denied(t, o.emma, o.d2, SeeDossier)

	// Open again while she is away again, and hers when she is back.
	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, o.emma))
	require.NoError(t, o.az.ReopenDossier(ctx, o.by, o.d2))
	o.denied(t, o.emma, o.d2, SeeDossier)
	require.NoError(t, o.az.ReactivateMember(ctx, o.by, o.tenant, o.emma))
	o.allowed(t, o.emma, o.d2, SeeDossier)
}

// A closed tenant comes back as it was.
func TestCloseReopenTenant(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.NoError(t, o.az.DeactivateMember(ctx, o.by, o.tenant, o.eve))
	require.NoError(t, o.az.CloseTenant(ctx, authz.System, o.tenant))
	o.denied(t, o.admin, o.home, EditSelf, ViewTenant)
	o.denied(t, o.carl, o.d1, ViewFigure)
	o.clock.Advance(time.Hour)
	found, err := o.az.Tenant(ctx, authz.System, o.tenant)
	require.NoError(t, err)
	require.False(t, found.Closed.IsZero())
	require.NoError(t, o.az.ReopenTenant(ctx, authz.System, o.tenant))
	o.allowed(t, o.admin, o.home, EditSelf, ViewTenant)
	o.allowed(t, o.carl, o.d1, ViewFigure)
	o.denied(t, o.eve, o.home, EditSelf)
}
