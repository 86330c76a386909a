package world

import (
	"slices"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// Permissions returns what one can be asked in p, each part of an object
// after the whole: what the catalog lists, then the grants of profiles.
func Permissions(p *model.Pack) []model.Permission {
	var all []model.Permission
	for _, e := range p.Catalog.Permissions {
		all = append(all, e.Permission)
		for _, object := range parts(p.Rules, e.Permission.Object()) {
			part, err := model.ParsePermission(object, e.Permission.Action())
			if _, listed := p.Catalog.Permission(part); err == nil && listed && !slices.Contains(all, part) {
				all = append(all, part)
			}
		}
	}
	for _, e := range p.Catalog.Profiles {
		if e.Place != 0 {
			all = append(all, model.GrantOf(e.Profile))
		}
	}
	seen := map[model.Permission]bool{}
	return slices.DeleteFunc(all, func(perm model.Permission) bool {
		again := seen[perm]
		seen[perm] = true
		return again
	})
}

// parts returns the objects that g3 rows make parts of object.
func parts(rules []model.Rule, object string) []string {
	reached := closure(rules, "g3", 1, 0, object)
	return reached[1:]
}

// closure follows rows of ptype from the field from to the field to.
func closure(rules []model.Rule, ptype string, from, to int, start string) []string {
	all := []string{start}
	for i := 0; i < len(all); i++ {
		for _, r := range rules {
			if r.PType == ptype && r.V[from] == all[i] && !slices.Contains(all, r.V[to]) {
				all = append(all, r.V[to])
			}
		}
	}
	return all
}

// Standard reports whether the rows of p mean what those of the shipped packs
// do, so that one can tell which of them speak of what.
func Standard(p *model.Pack) bool { return engine.IsStandard(p.Model) }

// Objects returns the object of perm, and the wholes and groups that the pack says it is
// in.
func Objects(p *model.Pack, perm model.Permission) []string {
	return closure(p.Rules, "g3", 0, 1, perm.Object())
}

// Rows returns the positions in p.Rules of the p rows that speak of perm, and
// of all of them when another model than that of the shipped packs may make
// any do so.
func Rows(p *model.Pack, perm model.Permission) []int {
	every := !Standard(p)
	objects := Objects(p, perm)
	obj, act := p.Model.Field("obj"), p.Model.Field("act")
	var rows []int
	for i, r := range p.Rules {
		speaks := (r.V[obj] == model.Everything || slices.Contains(objects, r.V[obj])) &&
			(r.V[act] == model.Everything || r.V[act] == perm.Action())
		if r.PType == "p" && (every || speaks) {
			rows = append(rows, i)
		}
	}
	return rows
}

// Traits returns the traits that answers about perm can depend on, in the
// order of the rows. Under a model of its own that is every trait there is.
func Traits(p *model.Pack, perm model.Permission) []model.Trait {
	var traits []model.Trait
	add := func(t model.Trait) {
		if !slices.Contains(traits, t) {
			traits = append(traits, t)
		}
	}
	if dom := p.Model.Field("dom"); dom >= 0 {
		for _, i := range Rows(p, perm) {
			if t, err := model.ParseTrait(p.Rules[i].V[dom]); err == nil {
				add(t)
			}
		}
	}
	if Standard(p) {
		return traits
	}
	add(model.TraitPrivate)
	for _, e := range p.Catalog.Configurations {
		add(model.ConfigurationTrait(e.Configuration))
	}
	for _, e := range p.Catalog.Modules {
		add(model.ModuleTrait(e.Name))
	}
	for _, e := range p.Catalog.Settings {
		add(model.SettingTrait(e.Name))
	}
	for _, e := range p.Catalog.Flags {
		add(model.FlagTrait(e.Name))
	}
	return traits
}

// Unreleased leaves out of traits what only the rows of a pack can make true,
// for who asks what is and not what may come.
func Unreleased(traits []model.Trait) []model.Trait {
	return slices.DeleteFunc(slices.Clone(traits), func(t model.Trait) bool { return t.Kind() == model.KindReleased })
}
