// Package sophia is the policy of a supplier's ordering portal, in which every
// company manages its own users, with a name for everything in it:
//
//	az, err := authz.Open(ctx, db, authz.Config{Pack: sophia.Pack()})
//	ok, err := az.Enforce(ctx, user, company, sophia.PlaceOrder)
//	err = az.Grant(ctx, by, authz.Grant{Subject: who, Profile: sophia.PlaceOrders, Domain: company})
//
// The company is the tenant; there are no dossiers. A user has any of three
// rights, which are profiles: [ChangeRights], [PlaceOrders] and [ViewInvoices].
// Who may change rights is an administrator: they manage the users, their
// rights and the company's details.
//
// [ViewInvoices] is withheld: nobody can grant it, and it gives nothing. The
// row "g2, *, released:view_invoices" in policy.csv releases it. A screen that
// shows the rights that its user may grant leaves it out until then.
//
// What is about changes rather than about who may do what, and so is not in
// the rows:
//
//   - SOP-01, the first user of a company: in the library. The host creates the
//     tenant and adds this user as the system in one transaction, with
//     [ChangeRights] and, because nobody gives themselves a right, [PlaceOrders].
//   - SOP-05, nobody changes their own rights: in the library.
//   - SOP-06, each right saved at once and without a message: in the library,
//     where a grant is one change of its own.
//   - SOP-07, the invitation: in the library.
//   - SOP-08, who was removed stays in the list and is denied at once: in the
//     library, where a member is deactivated.
//   - SOP-09, two sections saved separately: in the library, which has a method
//     for a person and one for a tenant.
//   - SOP-10, never without an administrator: in the library, since the catalog
//     declares [ChangeRights] as required.
package sophia

import (
	"embed"
	"io/fs"
	"sync"

	"github.com/volmacht/volmacht/model"
)

//go:generate go run ../policyctl names .

//go:embed model.conf policy.csv catalog.csv scenarios.csv
var files embed.FS

// Files returns the files of the pack, its scenarios included.
func Files() fs.FS { return files }

var pack = sync.OnceValue(func() *model.Pack {
	return model.Must(model.ReadPack(files, "sophia"))
})

// Pack returns the pack. It is read once and must not be changed.
func Pack() *model.Pack { return pack() }
