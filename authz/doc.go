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
// permission. A change [By] a user is checked against the policy: whoever hands out
// a profile must be allowed to, no user grants one to themselves, and no user
// removes another who may do more. Several changes, and rows of the host's
// own, are made together in a [Authz.Transaction].
//
// # People come in
//
// A company can come into being with its first user: [Authz.Register]. Others
// are invited, to a tenant or to dossiers, with the profiles that the inviter
// may give: [Authz.Invite], or [Authz.InviteAll] for a file of them. A link is
// mailed; the page behind it shows [Authz.Invited], and its form calls
// [Authz.Accept] or [Authz.Decline]:
//
//	inv, err := az.Invite(ctx, authz.By(ann), office.ID, authz.NewInvitation{FirstName: "Bob", …})
//	offer, err := az.Invited(ctx, token)  // GET: shows who invites to what
//	inv, err = az.Accept(ctx, token, authz.Acceptance{SignedIn: user, …}) // POST
//
// Somebody who has an account already is linked to one more tenant or dossier by
// the same link, and must be signed in as the person whose address it is. A token
// works once, and for a limited time: see [InvitationTerms]. The database holds only
// its hash. What the inviter may no longer give is not given: the invitation then
// needs renewal, by [Authz.Resend]. No answer tells an inviter whether an address
// has an account, and none tells anybody why a link does not work: they all get
// [ErrExpired].
//
// # Contacts
//
// [Authz.AddContact] makes somebody a contact of a dossier, or of a tenant: a
// person with addresses, and for each address there three switches. Login invites
// it, Notify sends it messages, Sync has its mail fetched; [Authz.SetSwitch] turns
// one, and [Authz.Contacts] lists them. A contact without a login is known and
// reached, and has no access: a member who is [Invited].
//
// The tenant says what the addresses of its contacts are; the addresses of a
// [Person] are that person's own, and the verified ones identify who signs in:
// [Authz.PersonByAddress]. When an account accepts at one more address, that one is
// verified if the account says that the address is its own (OwnAddress of
// [Acceptance]), or later by the host, with [Authz.VerifyAddress]. Access belongs to
// the person, not to the address. So once a contact was moved to a new address
// ([Authz.MoveAddress]), a host that keeps credentials by address takes the old one
// away with [Authz.RemoveAddress].
//
// Somebody new gets a person that the tenant keeps, and edits with
// [Authz.EditContact]. If an account turns out to
// have the address, it takes that person's place when it accepts, with the switches,
// preferences, profiles, teams and assignments of that person, whose ID is then
// gone: the ledger's detail of that acceptance names it as "contact". A host that
// keeps IDs of contacts looks for it there.
//
// # Account requests
//
// A user who has "account_request submit" on a dossier asks for an account for
// somebody else, with [Authz.RequestAccount]. Whoever is responsible for the dossier
// gets a mail. A user who has "account_request decide" turns the request into an
// invitation of their own, with [Authz.ApproveRequest], or declines it; whoever
// asked is told. [Config.Requests] says how long a request stays open.
//
// # Reviews
//
// A review asks those who have "review conduct" to look at every access that
// there is when it is opened: each membership, profile, place in a team and link
// to a dossier. Each is confirmed, changed or removed; what anything else takes
// away meanwhile counts as removed, by whoever did that. When all are decided the
// review is closed, and [Authz.Review] with [Review.WriteCSV] says who decided
// what and when.
//
// The vendor sets how often, with [Authz.SetReviewSchedule], has
// [Authz.OpenReviews] called now and then, as [Authz.Work] does, and sees with
// [Authz.Overdue] who is late. Nobody confirms their own access as long as
// somebody else can.
//
// # Messages
//
// What is to be mailed is written with the change that it tells of, and sent
// by [Authz.Work], in this process or another: see [Mail]. A change that does
// not happen mails nothing, and no request waits for a mail server. A message
// whose reason is gone when its turn comes is not sent: a revoked invitation, a
// recipient who was removed. Tokens are made as a mail is sent, and are nowhere
// but in it. [Authz.Recipients] answers who gets the messages of a topic, and
// [Authz.Notify] sends them one.
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
// Asking for something that an actor may not know of is an [ErrNotFound], in the
// same words as for something that does not exist.
package authz
