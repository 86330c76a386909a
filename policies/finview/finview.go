// Package finview is the policy of a collection agency's platform for its
// clients, with a name for everything in it:
//
//	az, err := authz.Open(ctx, db, authz.Config{Pack: finview.Pack()})
//	ok, err := az.Enforce(ctx, contact, caseFile, finview.ViewCase)
//	for contact := range az.Subjects(ctx, client.Domain(), finview.ReceiveInvoice, model.UserID{}) {...}
//
// The client company is the tenant, a case file is a dossier, and a portfolio
// is a team that is assigned to case files. A contact of the client is
// [Commercial], [Operational], both, or an [Employee]. Whether they have access
// to the platform is a profile beside these, [PlatformUser]: without it nothing
// on the platform is open to them, and their messages still arrive.
//
// The people of the agency are in no tenant. What they change at a client, the
// host changes as the system, with who it was as the reason.
//
// What is about changes and messages rather than about who may do what, and so
// is not in the rows:
//
//   - FIN-02, an employee is neither commercial nor operational: the form for
//     contacts gives [Employee] when both answers are no. Rows cannot keep
//     profiles apart; who held it beside the others would get messages from the
//     inbox of assigned case files besides.
//   - FIN-03, the new contact and the mail that asks to open the account: in the
//     library. The mail goes out when [PlatformUser] is among the profiles. The
//     phone number is the host's to check and to keep.
//   - FIN-04, linking a person who has access already: in the library, where a
//     person can be a member of several tenants.
//   - FIN-06, the lists of those who receive: in the library, which lists who
//     may [ReceiveInvoice] of a client and [ReceiveCaseMessage] or
//     [ReceiveInboxMessage] of a case file.
package finview

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
	return model.Must(model.ReadPack(files, "finview"))
})

// Pack returns the pack. It is read once and must not be changed.
func Pack() *model.Pack { return pack() }
