// Package taxdome is the policy of a tax practice and its clients' accounts,
// with a name for everything in it:
//
//	az, err := authz.Open(ctx, db, authz.Config{Pack: taxdome.Pack()})
//	ok, err := az.Enforce(ctx, user, account, taxdome.SignDocument)
//	for account := range az.Dossiers(ctx, user, taxdome.EnterPortal, model.Domain{}) {...}
//
// The firm is the tenant. Its people are [Owner], [Admin] or [Employee]; an
// employee works on assigned accounts, and one who also holds [ManageAccounts]
// manages their users. Each client, be it a person, a family or a business, has
// an account, which is a dossier. Who can sign in to it holds [Client] there.
//
// An owner has all that an admin has, and an admin all that an employee has;
// only an owner makes or unmakes an owner. What is done in the client's name,
// signing, approving and paying, the firm cannot do.
//
// What is about addresses, messages and changes rather than about who may do
// what, and so is not in the rows:
//
//   - TAX-02, a contact with several e-mail addresses: in the library, where a
//     person has any number of them.
//   - TAX-04, the switches LOGIN, NOTIFY and E-MAIL SYNC of an address on an
//     account: in the library. Of these only LOGIN gives access: it stands for
//     [Client].
//   - TAX-05, TAX-06, TAX-07, the invitation, its link and the next one: in the
//     library.
//   - TAX-08, which addresses are synchronised: in the library; fetching the
//     mail is the host's. Who of the firm reads it is in the rows.
//   - TAX-09, which messages a person gets: in the library, by the topics of the
//     catalog.
//   - TAX-10, messages before activation, with a banner: in the library.
//   - TAX-11, LOGIN off: in the library, which takes [Client] away.
//   - TAX-12, the old address until the new one is accepted: in the library.
//   - TAX-13, choosing an account: in the library, which lists the accounts of a
//     person; the one being worked in is part of every question.
//   - TAX-14, copies of messages for the firm: in the library.
package taxdome

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
	return model.Must(model.ReadPack(files, "taxdome"))
})

// Pack returns the pack. It is read once and must not be changed.
func Pack() *model.Pack { return pack() }
