// Package afas is the policy of a software vendor's customer portal, with a
// name for everything in it:
//
//	az, err := authz.Open(ctx, db, authz.Config{Pack: afas.Pack()})
//	ok, err := az.Enforce(ctx, user, organisation, afas.EnterUpdateCenter)
//	err = az.Require(ctx, user, organisation, afas.ViewIncident.Of(sender))
//
// The customer organisation is the tenant; there are no dossiers. A user is an
// [Employee], an [Administrator], who has all of an employee and manages the
// organisation, or neither. [IncidentManager] comes besides: it is dormant, so
// that nobody can grant it and holding it gives nothing, until the vendor gives
// the organisation the trait activated:incident_manager.
//
// Ask about an incident with its sender, as above: [SubmitIncident] is allowed
// for one's own only.
//
// What is about changes and messages rather than about who may do what, and so
// is not in the rows:
//
//   - AFA-05, the activation: in the library, for the vendor as the system.
//   - AFA-06, AFA-10, never without an administrator: in the library, since the
//     catalog declares [Administrator] as required.
//   - AFA-07, functions and topics that people tick, and who gets a message by
//     them: in the library. The catalog declares both as topics.
//   - AFA-08, the contact for digital invoices: in the library, as the function
//     [TopicInvoiceContact].
//   - AFA-09, the periodic check: in the library, as a review of access.
package afas

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
	return model.Must(model.ReadPack(files, "afas"))
})

// Pack returns the pack. It is read once and must not be changed.
func Pack() *model.Pack { return pack() }
