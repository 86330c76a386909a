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
// # Lists
//
// [Authz.Dossiers], [Authz.Subjects] and [Authz.Permissions] turn the question
// round, in pages where there may be many, and [Authz.Places] is what a chooser
// at sign-in shows. A list of the host's own records is selected in the database,
// so that its counts and pages are right:
//
//	scope, err := az.Scope(ctx, bob, accountancy.ViewDocument)
//	err = db.Scopes(scope.On("tenant", "dossier")).Order("id").Limit(20).Find(&files).Error
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
