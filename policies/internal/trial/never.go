package trial

import (
	"fmt"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// maxTraits bounds the combinations to try: with one more there are twice as many.
const maxTraits = 14

// runNevers tries the never rows of scenarios in every sort of domain there is.
func (ask Asker) runNevers(p *model.Pack, file string, scenarios []model.Scenario) (model.Faults, error) {
	var nevers []model.Never
	for _, s := range scenarios {
		nevers = append(nevers, s.Nevers...)
	}
	if len(nevers) == 0 {
		return nil, nil
	}
	worlds, err := combinations(p, nevers)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", file, nevers[0].Line, err)
	}
	permissions := everyPermission(p)
	var profiles []model.Profile
	for _, n := range nevers {
		if !slices.Contains(profiles, n.Profile) {
			profiles = append(profiles, n.Profile)
		}
	}
	broken := make([]string, len(nevers))
	for _, w := range worlds {
		allowed, err := ask.answers(p.Model, slices.Concat(p.Rules, w.rules, holderRules(p.Catalog, profiles)))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, nevers[0].Line, err)
		}
		for i, n := range nevers {
			if broken[i] == "" {
				if broken[i], err = w.breaks(n, permissions, profiles, allowed); err != nil {
					return nil, err
				}
			}
		}
	}
	var faults model.Faults
	for i, n := range nevers {
		if broken[i] != "" {
			faults = append(faults, model.Fault{File: file, Line: n.Line, Message: broken[i]})
		}
	}
	return faults, nil
}

var (
	tenant  = model.TenantDomain(model.Must(model.ParseTenantID("t")))
	dossier = model.DossierDomain(tenant.Tenant(), model.Must(model.ParseDossierID("d")))
)

// A world is one tenant with one dossier.
type world struct {
	rules []model.Rule
	// traits are those of the domains to ask in. The tenant is only asked in
	// one world of those that differ in the dossier.
	traits map[model.Domain][]model.Trait
}

// breaks returns how a holder of the profile of n is allowed what n rules out,
// or "".
func (w world) breaks(n model.Never, permissions []model.Permission, profiles []model.Profile, allowed answers) (string, error) {
	for _, d := range []model.Domain{tenant, dossier} {
		traits, here := w.traits[d]
		if !here || !n.Trait.IsZero() && !slices.Contains(traits, n.Trait) {
			continue
		}
		for _, assigned := range []bool{false, true} {
			who := holder{n.Profile, assigned}.subject(profiles).String()
			for _, p := range permissions {
				if !n.Covers(p) {
					continue
				}
				ok, err := allowed(who, d, p)
				if err != nil {
					return "", err
				}
				if ok {
					link := "not assigned"
					if assigned {
						link = "assigned"
					}
					return fmt.Sprintf("%s, %s, in a domain that is %s: %q is allowed, want never",
						n.Profile, link, names(traits), p), nil
				}
			}
		}
	}
	return "", nil
}

func names(traits []model.Trait) string {
	words := make([]string, len(traits))
	for i, t := range traits {
		words[i] = t.String()
	}
	return strings.Join(words, ", ")
}

// A holder holds one profile and no other.
type holder struct {
	profile  model.Profile
	assigned bool
}

// subject returns who h is, in a world that was made for profiles.
func (h holder) subject(profiles []model.Profile) model.Subject {
	id := fmt.Sprintf("%d-%t", slices.Index(profiles, h.profile), h.assigned)
	return model.UserSubject(model.Must(model.ParseUserID(id)))
}

// holderRules are the rows of all holders of profiles, who hold them in the
// tenant, or on the dossier when that is the only place for it.
func holderRules(c *model.Catalog, profiles []model.Profile) []model.Rule {
	var rules []model.Rule
	for _, p := range profiles {
		at := tenant
		if e, _ := c.Profile(p); e.Place == model.AtDossier {
			at = dossier
		}
		for _, assigned := range []bool{false, true} {
			who := holder{p, assigned}.subject(profiles)
			rules = append(rules, model.GrantRule(who, p, at))
			if p != model.Member {
				rules = append(rules, model.GrantRule(who, model.Member, tenant))
			}
			if assigned {
				rules = append(rules, model.AssignedRule(who, dossier))
			}
		}
	}
	return rules
}

// combinations returns a world for every set of the traits that p or nevers
// tell apart. A dossier has one of shared and private, and any of the others:
// more than there can be, for it may have several configurations here.
func combinations(p *model.Pack, nevers []model.Never) ([]world, error) {
	ofTenant, ofDossier := varying(p, nevers)
	n := len(ofTenant) + len(ofDossier)
	if n > maxTraits {
		return nil, fmt.Errorf("the rules tell %d traits apart, want at most %d to try all combinations for never", n, maxTraits)
	}
	var worlds []world
	for set := range 1 << n {
		inTenant, onDossier := chosen(ofTenant, set), chosen(ofDossier, set>>len(ofTenant))
		for _, open := range []model.Trait{model.TraitShared, model.TraitPrivate} {
			w := world{
				rules: slices.Concat(model.TenantRules(tenant.Tenant()), model.DossierRules(dossier),
					[]model.Rule{model.TraitRule(dossier, open)}),
				traits: map[model.Domain][]model.Trait{
					dossier: slices.Concat([]model.Trait{model.TraitDossier, open}, onDossier, inTenant),
				},
			}
			if len(onDossier) == 0 && open == model.TraitShared {
				w.traits[tenant] = slices.Concat([]model.Trait{model.TraitTenant}, inTenant)
			}
			for _, t := range inTenant {
				w.rules = append(w.rules, model.TraitRule(tenant, t))
			}
			for _, t := range onDossier {
				w.rules = append(w.rules, model.TraitRule(dossier, t))
			}
			worlds = append(worlds, w)
		}
	}
	return worlds, nil
}

// varying returns the traits that a tenant or a dossier may have or not have.
func varying(p *model.Pack, nevers []model.Never) (ofTenant, ofDossier []model.Trait) {
	var traits []model.Trait
	for _, r := range p.Rules {
		if i := p.Model.Field("dom"); r.PType == "p" && i >= 0 {
			if t, err := model.ParseTrait(r.V[i]); err == nil {
				traits = append(traits, t)
			}
		}
	}
	for _, n := range nevers {
		traits = append(traits, n.Trait)
	}
	seen := map[model.Trait]bool{
		{}: true, model.TraitTenant: true, model.TraitDossier: true, model.TraitShared: true, model.TraitPrivate: true,
	}
	for _, t := range traits {
		if seen[t] {
			continue
		}
		seen[t] = true
		switch t.Kind() {
		case model.KindSetting, model.KindActivated, model.KindReleased:
			ofTenant = append(ofTenant, t)
		default:
			ofDossier = append(ofDossier, t)
		}
	}
	return ofTenant, ofDossier
}

func chosen(traits []model.Trait, set int) []model.Trait {
	var in []model.Trait
	for i, t := range traits {
		if set&(1<<i) != 0 {
			in = append(in, t)
		}
	}
	return in
}

// everyPermission returns what one can be asked in p: what the catalog lists,
// the grants of profiles, and parts of objects.
func everyPermission(p *model.Pack) []model.Permission {
	var all []model.Permission
	for _, e := range p.Catalog.Permissions {
		all = append(all, e.Permission)
	}
	for _, e := range p.Catalog.Profiles {
		if e.Place != 0 {
			all = append(all, model.GrantOf(e.Profile))
		}
	}
	for _, r := range p.Rules {
		if r.PType != "g3" {
			continue
		}
		for _, e := range p.Catalog.Permissions {
			part, err := model.ParsePermission(r.V[0], e.Permission.Action())
			if _, found := p.Catalog.Permission(part); err == nil && found && !slices.Contains(all, part) {
				all = append(all, part)
			}
		}
	}
	return all
}
