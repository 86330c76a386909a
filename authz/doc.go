// Package authz decides who may do what in whose dossier, and lets customers
// run that themselves.
//
// A host opens it on its own database with a pack, the policy of its portal:
//
//	db, err := authz.OpenSQLite("portal.db")
//	az, err := authz.Open(ctx, db, authz.Config{Pack: accountancy.Pack()})
//	office, err := az.CreateTenant(ctx, authz.System, authz.Tenant{Name: "Acme"})
//	err = az.AddMember(ctx, authz.System, office.Domain(), authz.NewMember{User: ann, Profiles: …})
//	dossier, err := az.CreateDossier(ctx, authz.By(ann), office.ID, authz.Dossier{Name: "Bakery"})
//	ok, err := az.Enforce(ctx, bob, dossier.Domain, accountancy.ViewFigure)
//	why, err := az.Explain(ctx, bob, dossier.Domain, accountancy.ViewFigure)
//
// # Changes
//
// Every change names its actor. [System], the host itself, needs no
// permission; [By] a user is checked against the policy: whoever hands out a
// profile must be allowed to, nobody hands one to themselves, and nobody
// removes somebody who may do more. Several changes, and rows of the host's
// own, are made together in a [Authz.Transaction].
//
// # Account requests
//
// Who has "account_request submit" on a dossier asks for an account for somebody
// else, with [Authz.RequestAccount]. The responsible of the dossier gets a mail,
// and who has "account_request decide" makes the request an invitation of their
// own, with [Authz.ApproveRequest], or declines it. [Config.Requests] says how
// long that can be done.
//
// # Reviews
//
// A review asks those who have "review conduct" to look at every access that
// there is when it is opened: each membership, profile, place in a team and link
// to a dossier. Each is confirmed, changed or removed; what anything else takes
// away meanwhile counts as removed, by who did that. When all are decided the
// review is closed, and [Authz.Review] with [Review.WriteCSV] says who decided
// what and when.
//
// The vendor sets how often, with [Authz.SetReviewSchedule], has
// [Authz.OpenReviews] called now and then, as [Authz.Work] does, and sees with
// [Authz.Overdue] who is late. Nobody confirms what they have themselves while
// somebody else can.
//
// # What may be relied on
//
// No answer is a yes on an error. A change is in the database as a whole, with
// its row in the ledger, or not at all; when the method returns it counts in
// every later check through the same Authz, and in those of other processes
// within [Config.Staleness]. A decision depends on the rows of the table
// casbin_rule and on the clock, and on nothing else: model.conf and these rows
// mean what casbin/v2 says they mean.
//
// What an actor may not know of is [ErrNotFound], in the words used for what
// does not exist.
package authz
