// Package policies lists the packs that come with Volmacht, for tools that
// take one by name. A host imports the folder of its pack instead, which has
// Go names for what is in it.
package policies

import (
	"io/fs"
	"slices"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/afas"
	"github.com/volmacht/volmacht/policies/finview"
	"github.com/volmacht/volmacht/policies/sophia"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// A shipped is a pack of this module.
type shipped struct {
	name  string
	pack  func() *model.Pack
	files func() fs.FS
}

var all = []shipped{
	{"accountancy", accountancy.Pack, accountancy.Files},
	{"afas", afas.Pack, afas.Files},
	{"finview", finview.Pack, finview.Files},
	{"sophia", sophia.Pack, sophia.Files},
	{"taxdome", taxdome.Pack, taxdome.Files},
}

// Names returns the names of all packs, in order.
func Names() []string {
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.name
	}
	return names
}

// Pack returns the named pack.
func Pack(name string) (*model.Pack, bool) {
	if s, found := find(name); found {
		return s.pack(), true
	}
	return nil, false
}

// Files returns the files of the named pack.
func Files(name string) (fs.FS, bool) {
	if s, found := find(name); found {
		return s.files(), true
	}
	return nil, false
}

func find(name string) (shipped, bool) {
	i := slices.IndexFunc(all, func(s shipped) bool { return s.name == name })
	if i < 0 {
		return shipped{}, false
	}
	return all[i], true
}
