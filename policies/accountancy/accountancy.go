// Package accountancy is the policy of an accounting office and its clients'
// dossiers, with a name for everything in it:
//
//	az, err := authz.Open(ctx, db, authz.Config{Pack: accountancy.Pack()})
//	ok, err := az.Enforce(ctx, user, dossier, accountancy.ViewFigure)
//	err = az.Require(ctx, user, dossier, accountancy.ViewDocument.Of(uploader))
//
// The office is the tenant. Its staff hold one profile each: [Admin],
// [Employee] or [Support]. Each client is a dossier, to which staff and teams
// of staff are assigned and on which client users hold one of six profiles.
// The dossier's configuration caps all six: under [ConfigurationB] nothing
// comes back from the bookkeeping, under [ConfigurationD] nothing goes in.
//
// A cap beats every profile. Somebody who is staff and also a client user of
// the same dossier is capped there as a client user.
package accountancy

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
	return model.Must(model.ReadPack(files, "accountancy"))
})

// Pack returns the pack. It is read once and must not be changed.
func Pack() *model.Pack { return pack() }
