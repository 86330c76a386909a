package authz_test

import (
	"fmt"
	"os"
	"time"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

func ExampleAuthz_RequestAccount() {
	az, done := open()
	defer done()
	r := must(az.RequestAccount(ctx, authz.By(bob), bakery, authz.NewRequest{
		FirstName: "Mia", LastName: "Miller", Email: "mia@bakery.example", Profile: accountancy.DocumentDelivery,
	}))
	fmt.Println(r.State, r.Mailed)
	_, err := az.ApproveRequest(ctx, authz.By(ann), bakery, r.ID, accountancy.FullFeedback)
	fmt.Println(err)
	for _, r := range must(az.AccountRequests(ctx, authz.By(bob), bakery, "", model.RequestID{}, 100)) {
		fmt.Println(r.FirstName, r.State, r.DecidedBy)
	}
	// Output:
	// open true
	// <nil>
	// Mia approved user:ann
}

func ExampleAuthz_OpenReview() {
	az, done := open()
	defer done()
	r := must(az.OpenReview(ctx, authz.By(ann), acme))
	fmt.Println(r.State, r.Undecided, "undecided, due", r.Due.Format("2 January"))

	// Bob may go on looking, but no longer enter anything; Emma has left.
	of := func(u model.UserID, d model.Domain, p model.Profile) authz.Access {
		return authz.Access{Subject: model.UserSubject(u), Domain: d, Profile: p}
	}
	check(az.ConfirmReviewItem(ctx, authz.By(ann), acme, r.ID, of(bob, office.Domain(), model.Member)))
	check(az.ChangeReviewItem(ctx, authz.By(ann), acme, r.ID, of(bob, bakery, accountancy.FullAccess), accountancy.FullFeedback))
	check(az.RemoveReviewItem(ctx, authz.By(ann), acme, r.ID, of(emma, office.Domain(), model.Member)))
	check(must(az.Review(ctx, authz.By(ann), acme, r.ID)).WriteCSV(os.Stdout))
	// Output:
	// open 6 undecided, due 4 February
	// subject,name,domain,access,of,state,decision,became,by,at
	// user:ann,Ann Peeters,acme/,profile,admin,,,,,
	// user:ann,Ann Peeters,acme/,membership,,active,,,,
	// user:bob,Bob Baker,acme/,membership,,active,confirmed,,user:ann,2026-01-05T12:00:00Z
	// user:bob,Bob Baker,acme/bakery,profile,full_access,,changed,full_feedback,user:ann,2026-01-05T12:00:00Z
	// user:emma,Emma Peeters,acme/,profile,employee,,removed,,user:ann,2026-01-05T12:00:00Z
	// user:emma,Emma Peeters,acme/,membership,,active,removed,,user:ann,2026-01-05T12:00:00Z
}

func ExampleAuthz_Overdue() {
	az, done := open()
	defer done()
	// Four times a year, from January on; the vendor calls OpenReviews every hour or so.
	const day = 24 * time.Hour
	start := time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)
	check(az.SetReviewSchedule(ctx, authz.System, acme, authz.ReviewSchedule{Every: 91 * day, Due: 14 * day, First: start}))
	fmt.Println(az.OpenReviews(ctx))
	fmt.Println(az.Overdue(ctx, model.TenantID{}, 100))
	// Output:
	// 1 <nil>
	// [] <nil>
}

func ExampleAuthz_PersonLedger() {
	az, done := open()
	defer done()
	check(az.AddAddress(ctx, authz.By(bob), bob, "bob@bakery.example"))
	for _, e := range must(az.PersonLedger(ctx, authz.By(bob), bob, 0, 100)) {
		fmt.Println(e.Revision, e.Actor, e.Action)
	}
	fmt.Println(az.VerifyPersonLedger(ctx, bob))
	// Output:
	// 1 system add person
	// 2 user:bob add address
	// <nil>
}
