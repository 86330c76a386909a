package authz_test

import (
	"bytes"
	"encoding/csv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/afas"
)

// The people of an organisation in the customer portal of its software vendor.
func TestAFAS(t *testing.T) {
	s, ctx, vendor := tell(t, afas.Pack()), t.Context(), authz.System

	// One employee runs the portal for the organisation, adds users, and may make them
	// administrators too (AFA-06).
	org, ann := s.register("Acme", "Ann", "Aerts", "ann@acme.example")
	ben := s.join(ann, "Ben Berg", "ben@acme.example", org)
	cas := s.join(ann, "Cas Cohen", "cas@acme.example", org, afas.Employee)
	dee := s.join(ann, "Dee Dekker", "dee@acme.example", org, afas.Employee)

	// Without a role: one's own data, and nothing else (AFA-01).
	s.can(ben, org, model.EditSelf)
	s.cannot(ben, org, afas.RegisterCourse, afas.SubmitIncident.Of(ben), afas.EnterUpdateCenter, model.ViewMember)
	p, err := s.az.Person(ctx, authz.By(ben), ben)
	s.done(err)
	p.Phone = "+31 6 12345678"
	s.done(s.az.EditPerson(ctx, authz.By(ben), p))

	// Employee: that, and courses with their material, their own incidents, the update centre
	// (AFA-02).
	s.can(cas, org, model.EditSelf, afas.RegisterCourse, afas.ViewCourseMaterial,
		afas.SubmitIncident.Of(cas), afas.ViewIncident.Of(cas), afas.EnterUpdateCenter)
	s.cannot(cas, org, afas.ViewIncident.Of(dee), model.InviteMember, model.EditTenant, afas.ViewInvoice)

	// Administrator: that, and all incidents, the contacts with their roles, the organisation's
	// data, the invoices (AFA-03).
	s.can(ann, org, afas.RegisterCourse, afas.SubmitIncident.Of(ann), afas.ViewIncident, afas.ViewIncident.Of(cas),
		model.ViewMember, model.InviteMember, model.RemoveMember, model.EditTenant, afas.ViewInvoice)
	s.done(s.give(ann, ben, afas.Employee, org))
	s.can(ben, org, afas.RegisterCourse)

	// Incident manager: asked for in an incident, activated by the vendor, and from then on
	// given by the administrator (AFA-05). It adds to what somebody has (AFA-04).
	require.ErrorIs(t, s.give(ann, dee, afas.IncidentManager, org), authz.ErrDenied)
	require.ErrorIs(t, s.az.SetActivated(ctx, authz.By(ann), org.Tenant(), afas.IncidentManager, true), authz.ErrDenied)
	s.done(s.az.SetActivated(ctx, vendor, org.Tenant(), afas.IncidentManager, true))
	s.cannot(dee, org, afas.ViewIncident)
	s.done(s.give(ann, dee, afas.IncidentManager, org))
	s.can(dee, org, afas.ViewIncident, afas.ViewIncident.Of(cas), afas.RegisterCourse)
	s.cannot(dee, org, afas.ViewInvoice, model.InviteMember)

	// The administrator makes a colleague administrator as well (AFA-06), who can now take Ann's
	// place; the last one stays (AFA-10).
	require.ErrorIs(t, s.az.DeactivateMember(ctx, vendor, org.Tenant(), ann), authz.ErrConflict)
	require.ErrorIs(t, s.give(cas, cas, afas.Administrator, org), authz.ErrDenied)
	s.done(s.give(ann, cas, afas.Administrator, org))
	s.can(cas, org, model.InviteMember, afas.ViewInvoice)
	s.done(s.take(cas, ann, afas.Administrator, org))
	require.ErrorIs(t, s.az.Withdraw(ctx, vendor, model.UserSubject(cas), afas.Administrator, org), authz.ErrConflict)
	require.ErrorIs(t, s.az.RemoveMember(ctx, vendor, org, cas), authz.ErrConflict)
	s.done(s.give(cas, ann, afas.Administrator, org))
	s.post() // nobody is mailed about a role

	// The function in the organisation: who runs the software ticks that, and is written to
	// about it (AFA-07).
	tick := func(by, u model.UserID, topic model.Topic, wanted bool) error {
		p, err := s.az.Person(ctx, vendor, u)
		s.done(err)
		return s.az.SetPreference(ctx, authz.By(by), authz.Preference{Domain: org, User: u, Email: p.Addresses[0].Email, Topic: topic, Wanted: wanted})
	}
	s.recipients(org, afas.TopicManagesSoftware)
	s.done(tick(ben, ben, afas.TopicManagesSoftware, true))
	s.notify(org, afas.TopicManagesSoftware, "A change to the login")
	s.post("ben@acme.example")

	// News of a version, four times a year, for those who ticked that topic, as long as they do
	// (AFA-07).
	s.done(tick(ben, ben, afas.TopicProductNews, true))
	s.done(tick(dee, dee, afas.TopicReleaseNotes, true))
	s.notify(org, afas.TopicProductNews, "New in this version")
	s.notify(org, afas.TopicReleaseNotes, "Release notes")
	s.post("ben@acme.example", "dee@acme.example")
	s.done(tick(ben, ben, afas.TopicProductNews, false))
	s.notify(org, afas.TopicProductNews, "New in the next version")
	s.post()

	// Note: the organisation keeps its own data up to date. The administrator enters the change
	// of address, and names another contact for the digital invoices (AFA-08).
	require.ErrorIs(t, s.az.EditTenant(ctx, authz.By(ben), authz.Tenant{ID: org.Tenant(), Name: "Acme"}), authz.ErrDenied)
	s.done(s.az.EditTenant(ctx, authz.By(ann), authz.Tenant{ID: org.Tenant(), Name: "Acme Europe", Email: "post@acme.example"}))
	s.done(tick(ann, ann, afas.TopicInvoiceContact, true))
	s.done(tick(ann, ann, afas.TopicInvoiceContact, false))
	s.done(tick(ann, dee, afas.TopicInvoiceContact, true))
	require.ErrorIs(t, tick(ben, dee, afas.TopicInvoiceContact, false), authz.ErrDenied)
	s.recipients(org, afas.TopicInvoiceContact, "dee@acme.example")

	// A few times a year the vendor asks to check the contacts (AFA-09). Who administers is
	// mailed, and reminded halfway, and when it is due; then the vendor sees who is late.
	const day = 24 * time.Hour
	due := authz.ReviewSchedule{Every: 91 * day, Due: 14 * day, First: s.clock.Now().Add(day)}
	require.ErrorIs(t, s.az.SetReviewSchedule(ctx, authz.By(ann), org.Tenant(), due), authz.ErrDenied)
	s.done(s.az.SetReviewSchedule(ctx, vendor, org.Tenant(), due))
	opened := func(after time.Duration, want int) {
		t.Helper()
		s.clock.Advance(after)
		n, err := s.az.OpenReviews(ctx)
		s.done(err)
		require.Equal(t, want, n)
	}
	opened(0, 0)
	s.post()
	opened(day, 1)
	s.post("ann@acme.example", "cas@acme.example")
	require.Equal(t, "Please check who has access at Acme Europe", s.box.Last(t, "ann@acme.example").Subject)
	opened(7*day, 0)
	s.post("ann@acme.example", "cas@acme.example")
	require.Equal(t, "Reminder: who has access at Acme Europe", s.box.Last(t, "ann@acme.example").Subject)
	opened(7*day, 0)
	s.post("ann@acme.example", "cas@acme.example")
	late, err := s.az.Overdue(ctx, model.TenantID{}, 100)
	s.done(err)
	require.Len(t, late, 1)
	require.Equal(t, org.Tenant(), late[0].Tenant)

	// Ann goes through the list: Dee keeps the incidents, Ben has left. What is Ann's own is for
	// Cas to confirm. With the last item the review is closed, and says who confirmed what when.
	review := late[0].ID
	found, err := s.az.Review(ctx, authz.By(ann), org.Tenant(), review)
	s.done(err)
	for _, item := range found.Items {
		by := ann
		switch item.Subject {
		case model.UserSubject(ben):
			if item.Profile == model.Member {
				s.done(s.az.RemoveReviewItem(ctx, authz.By(ann), org.Tenant(), review, item.Access))
			}
			continue // and with the membership goes all the rest
		case model.UserSubject(ann):
			require.ErrorIs(t, s.az.ConfirmReviewItem(ctx, authz.By(ann), org.Tenant(), review, item.Access), authz.ErrDenied)
			by = cas
		}
		s.done(s.az.ConfirmReviewItem(ctx, authz.By(by), org.Tenant(), review, item.Access))
	}
	s.cannot(ben, org, model.EditSelf, afas.RegisterCourse)
	found, err = s.az.Review(ctx, authz.By(cas), org.Tenant(), review)
	s.done(err)
	require.Equal(t, authz.ReviewClosed, found.State)
	require.Zero(t, found.Undecided)
	var report bytes.Buffer
	s.done(found.WriteCSV(&report))
	lines, err := csv.NewReader(&report).ReadAll()
	s.done(err)
	decided := make(map[[2]string]int)
	for _, line := range lines[1:] {
		require.NotEmpty(t, line[9], "when")
		decided[[2]string{line[6], line[8]}]++
	}
	require.Equal(t, map[[2]string]int{
		{"removed", "user:" + ann.String()}:   2, // Ben's membership, and the role
		{"confirmed", "user:" + ann.String()}: 6,
		{"confirmed", "user:" + cas.String()}: 2, // Ann's
	}, decided)
	late, err = s.az.Overdue(ctx, model.TenantID{}, 100)
	s.done(err)
	require.Empty(t, late)
	s.post()
	s.sealed(org, ann, ben, cas, dee)
}
