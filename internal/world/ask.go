package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// An Engine makes what answers by a model and rules.
type Engine func(m *model.Model, rules []model.Rule) (engine.Engine, error)

// Ours is the engine that answers a host's checks.
func Ours(m *model.Model, rules []model.Rule) (engine.Engine, error) {
	return engine.New(m, rules, nil)
}

// A Holder is what an active member holds, besides that: profiles, and
// [model.Assigned]. A profile that only a dossier has for it is held on the
// dossiers, another one throughout the tenant; assigned is on dossiers alone.
type Holder []string

// Ask returns for every holder whether perm is allowed in each of domains.
func Ask(with Engine, p *model.Pack, perm model.Permission, domains []Domain, holders []Holder) ([][]bool, error) {
	rules := slices.Clone(p.Rules)
	names := make([]string, len(domains))
	for i, d := range domains {
		at := domainOf(i, d.Place)
		names[i] = at.String()
		rules = append(rules, domainRules(at, d.Traits)...)
	}
	for i, h := range holders {
		rules = append(rules, h.rules(p.Catalog, subject(i))...)
	}
	e, err := with(p.Model, rules)
	if err != nil {
		return nil, err
	}
	answers := make([][]bool, len(holders))
	for i := range holders {
		answers[i] = make([]bool, len(domains))
		for j, name := range names {
			q := engine.Request{Subject: subject(i), Domain: name, Object: perm.Object(), Action: perm.Action()}
			if answers[i][j], err = e.Enforce(q, time.Time{}); err != nil {
				return nil, err
			}
		}
	}
	return answers, nil
}

func subject(i int) string { return fmt.Sprintf("user:%d", i) }

// The tenants of dossiers begin with a letter of their own, so that one
// pattern holds on all dossiers.
const dossiers = "d"

func domainOf(i int, place model.Place) model.Domain {
	if place == model.AtTenant {
		return model.TenantDomain(model.Must(model.ParseTenantID(fmt.Sprintf("t%d", i))))
	}
	t := model.Must(model.ParseTenantID(fmt.Sprintf("%s%d", dossiers, i)))
	return model.DossierDomain(t, model.Must(model.ParseDossierID("d")))
}

// domainRules are the rows of a domain with traits.
func domainRules(at model.Domain, traits []model.Trait) []model.Rule {
	tenant := model.TenantDomain(at.Tenant())
	rules := model.TenantRules(at.Tenant())
	if at.IsDossier() {
		rules = append(rules, model.DossierRules(at)...)
	}
	for _, t := range traits {
		switch {
		case t == model.TraitTenant, t == model.TraitDossier:
		case OfTenant(t):
			rules = append(rules, model.TraitRule(tenant, t))
		default:
			rules = append(rules, model.TraitRule(at, t))
		}
	}
	return rules
}

// rules are the rows of a holder named who, in all domains at once.
func (h Holder) rules(c *model.Catalog, who string) []model.Rule {
	rules := []model.Rule{model.NewRule("g", who, model.Member.String(), model.Everything)}
	for _, role := range h {
		in := model.Everything
		if profile, err := model.ParseProfile(role); err != nil { // assigned
			in = dossiers + model.Everything
		} else if e, _ := c.Profile(profile); e.Place == model.AtDossier {
			in = dossiers + model.Everything
		}
		if role != model.Member.String() {
			rules = append(rules, model.NewRule("g", who, role, in))
		}
	}
	return rules
}
