package authz

import (
	"iter"
	"math/bits"
	"slices"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// asked is a permission that the pack declares.
type asked struct {
	key      model.PermissionKey
	number   uint
	place    model.Place
	question *engine.Question
	own      *asked // for something of one's own; nil when that is not declared
}

// An askedTable finds what a pack declares: a hash table, at least half empty, in
// which an entry whose place is taken goes to the next one.
type askedTable []*asked

func newAskedTable(all []*asked) askedTable {
	size := 1
	for size < 2*len(all)+1 {
		size *= 2
	}
	t := make(askedTable, size)
	for _, a := range all {
		*t.place(a.key) = a
	}
	return t
}

// place returns where the entry of a key is, or is to be put.
func (t askedTable) place(key model.PermissionKey) **asked {
	last := len(t) - 1
	i := int(key.Hash()) & last
	for t[i] != nil && t[i].key != key {
		i = (i + 1) & last
	}
	return &t[i]
}

// find returns the entry of a key, or nil.
func (t askedTable) find(key model.PermissionKey) *asked { return *t.place(key) }

// show returns the permissions that lists have: those of the catalog, and then handing
// out its profiles.
func show(c *model.Catalog) []model.Permission {
	var all []model.Permission
	for _, e := range c.Permissions {
		all = append(all, e.Permission)
	}
	for _, e := range c.Profiles {
		if p := model.GrantOf(e.Profile); e.Place != 0 && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// permissions yields those that are shown, whose bit is set in allowed and which can be
// asked in d.
func (c *pack) permissions(d model.Domain, allowed []uint64) iter.Seq[model.Permission] {
	at := c.asksIn(d)
	return func(yield func(model.Permission) bool) {
		for w := range allowed {
			for word := allowed[w] & at[w]; word != 0; word &= word - 1 {
				i := 64*w + bits.TrailingZeros64(word)
				if i >= len(c.shown) || !yield(c.shown[i]) {
					return
				}
			}
		}
	}
}

// numbers returns a bit for each of those that can be asked in a place.
func numbers(all []*asked, at model.Place) []uint64 {
	bits := make([]uint64, (len(all)+63)/64)
	for _, a := range all {
		if a.place&at != 0 {
			bits[a.number/64] |= 1 << (a.number % 64)
		}
	}
	return bits
}

// asksIn returns a bit for each permission that can be asked in d.
func (c *pack) asksIn(d model.Domain) []uint64 {
	if d.IsDossier() {
		return c.inDossier
	}
	return c.inTenant
}

func placeOf(d model.Domain) model.Place {
	if d.IsDossier() {
		return model.AtDossier
	}
	return model.AtTenant
}

// permission returns what u asks with p, or nil when the pack does not declare it.
func (c *pack) permission(u model.UserID, p model.Permission) *asked {
	entry := c.asked.find(p.Key())
	if entry != nil && p.OwnedBy(u) {
		return entry.own
	}
	return entry
}

// question is what u asks with p, declared or not.
func (c *pack) question(u model.UserID, p model.Permission) *engine.Question {
	if entry := c.permission(u, p); entry != nil {
		return entry.question
	}
	p = p.For(u)
	return c.policy.Question(p.Object(), p.Action())
}
