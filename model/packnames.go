package model

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// checkNames adds a fault for every name in rows that the catalog lacks.
func (p *Pack) checkNames(rows []policyRow, c *collector) {
	objects := objectsOf(p.Catalog, p.Rules)
	for _, r := range rows {
		if c.full() {
			return
		}
		v := r.rule.V
		at := func(i int, err string) {
			if err != "" {
				c.addAs(CheckUndeclared, r.line, r.columns[i+1], "%s", err)
			}
		}
		switch r.rule.PType {
		case "p":
			p.checkRule(r, objects, at)
		case "g":
			at(0, p.Catalog.lacksProfile(v[0]))
			at(1, p.Catalog.lacksProfile(v[1]))
		case "g3":
			if name, found := strings.CutPrefix(v[0], "profile:"); found {
				at(0, p.Catalog.lacksProfile(name))
			} else if !objects.known(v[0], Everything) {
				at(0, objects.lacksObject(v[0]))
			}
		}
	}
}

func (p *Pack) checkRule(r policyRow, objects objects, at func(int, string)) {
	sub, via, dom := p.Model.Field("sub"), p.Model.Field("via"), p.Model.Field("dom")
	obj, act := p.Model.Field("obj"), p.Model.Field("act")
	v := r.rule.V
	if sub >= 0 && v[sub] != Assigned {
		at(sub, p.Catalog.lacksProfile(v[sub]))
	}
	if via >= 0 && v[via] != Any && v[via] != Assigned {
		at(via, p.Catalog.lacksProfile(v[via]))
	}
	if dom >= 0 && v[dom] != Any && v[dom] != Everything {
		at(dom, p.Catalog.lacksTrait(Trait{v[dom]}))
	}
	if !objects.known(v[obj], Everything) {
		at(obj, objects.lacksObject(v[obj]))
	} else if !objects.known(v[obj], v[act]) {
		at(act, objects.lacksPermission(v[obj], v[act]))
	}
}

// lacks says that name is not declared, and which of the names that are it may
// be meant to be.
func lacks(kind, name string, declared iter.Seq[string]) string {
	fault := kind + ` "` + name + `": not declared in ` + CatalogFile
	if declared == nil {
		return fault
	}
	return fault + didYouMean(name, declared)
}

// texts returns the keys of a map as they are written.
func texts[K interface {
	comparable
	fmt.Stringer
}, V any](m map[K]V, more ...string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k.String()) {
				return
			}
		}
		for _, word := range more {
			if !yield(word) {
				return
			}
		}
	}
}

func (c *Catalog) lacksProfile(name string) string {
	if _, found := c.profiles[Profile{name}]; found {
		return ""
	}
	return lacks("profile", name, texts(c.profiles, Assigned, Any))
}

// lacksTrait checks the traits whose names a catalog declares. What the vendor
// activates or releases needs no declaration.
func (c *Catalog) lacksTrait(t Trait) string {
	name := t.Name()
	found, declared := true, iter.Seq[string](nil)
	switch t.Kind() {
	case KindConfiguration:
		_, found = c.configurations[Configuration{name}]
		declared = texts(c.configurations)
	case KindModule:
		found, declared = c.modules[Module{name}], texts(c.modules)
	case KindSetting:
		found, declared = c.settings[Setting{name}], texts(c.settings)
	case KindPlain:
		switch t {
		case TraitTenant, TraitDossier, TraitShared, TraitPrivate:
		default:
			found = c.flags[Flag{name}]
			declared = texts(c.flags, TraitTenant.s, TraitDossier.s, TraitShared.s, TraitPrivate.s)
		}
	}
	if found {
		return ""
	}
	return lacks(cmp.Or(string(t.Kind()), "flag"), name, declared)
}

// objects are the actions of every object that a rule can name: declared ones,
// their parts, and groups of either.
type objects map[string]map[string]bool

func objectsOf(c *Catalog, rules []Rule) objects {
	all := objects{Everything: {Everything: true}}
	for p := range c.permissions {
		all.add(p.Object(), p.Action())
		all.add(Everything, p.Action())
	}
	// A group takes the actions of what is in it; groups can be in groups.
	for grown := true; grown; {
		grown = false
		for _, r := range rules {
			if r.PType != "g3" {
				continue
			}
			for action := range all[r.V[0]] {
				grown = all.add(r.V[1], action) || grown
			}
		}
	}
	return all
}

func (o objects) add(object, action string) bool {
	actions := o[object]
	if actions == nil {
		actions = map[string]bool{Everything: true}
		o[object] = actions
	}
	if actions[action] {
		return false
	}
	actions[action] = true
	return true
}

func (o objects) known(object, action string) bool { return o[object][action] }

func (o objects) lacksObject(name string) string { return lacks("object", name, maps.Keys(o)) }

// lacksPermission compares the actions of object, or the objects when there is
// no such: together they would look like more than they do apart.
func (o objects) lacksPermission(object, action string) string {
	name := object + " " + action
	if actions, found := o[object]; found {
		return lacks("permission", name, nil) + didYouMean(action, maps.Keys(actions))
	}
	return lacks("permission", name, nil) + didYouMean(object, maps.Keys(o))
}

// addParts makes the parts of objects known, as the g3 rows say them.
func (c *Catalog) addParts(rules []Rule) {
	wholes := map[string][]string{}
	for _, r := range rules {
		if r.PType == "g3" {
			wholes[r.V[0]] = append(wholes[r.V[0]], r.V[1])
		}
	}
	for part := range wholes {
		all := []string{part}
		for i := 0; i < len(all); i++ {
			for _, whole := range wholes[all[i]] {
				if !slices.Contains(all, whole) {
					all = append(all, whole)
				}
			}
		}
		for _, e := range c.Permissions {
			p := permission(part, e.Permission.Action())
			if _, listed := c.permissions[p]; !listed && slices.Contains(all, e.Permission.Object()) {
				c.permissions[p] = PermissionEntry{p, e.Place, ownLabels(p, e.Labels)}
			}
		}
	}
}

func ownLabels(p Permission, l Labels) Labels {
	if strings.HasSuffix(p.Object(), ownPart) {
		return Labels{EN: l.EN + " (one’s own)", NL: l.NL + " (eigen)", DE: l.DE + " (eigene)"}
	}
	return l
}
