package main

import (
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// Two who hold nothing in any case, one of whom is assigned to every dossier.
// No ID has a question mark.
const (
	nobody         = "user:?"
	assignedNobody = "user:??"
)

// A missing is one thing that stands between somebody and a permission.
type missing struct {
	What string `json:"what"`
	// By are the users of the case who could see to it, and Profiles are the
	// profiles whose holders could.
	By       []string `json:"by"`
	Profiles []string `json:"profiles"`
	Note     string   `json:"note,omitempty"` // who else could
}

func (m missing) String() string {
	var who []string
	if len(m.By) > 0 {
		who = append(who, "here "+strings.Join(m.By, ", "))
	}
	if len(m.Profiles) > 0 {
		who = append(who, "whoever is "+strings.Join(m.Profiles, " or "))
	}
	if m.Note != "" {
		who = append(who, m.Note)
	}
	if len(who) == 0 {
		return m.What + ": nobody can give it here"
	}
	return m.What + ": from " + strings.Join(who, "; ")
}

// lifts returns what would turn a denial of q into the opposite: what the rows
// that come nearest are short of, and the profiles that would do.
func (e *explainer) lifts(q engine.Request, x engine.Explanation) ([][]missing, error) {
	d := model.Must(model.ParseDomain(q.Domain))
	sort := model.TraitTenant
	if d.IsDossier() {
		sort = model.TraitDossier
	}
	if !slices.Contains(e.world.Rules, model.NewRule("g2", q.Domain, sort.String())) {
		return [][]missing{{{What: "the " + sort.String() + " " + q.Domain + ", which is not in the case"}}}, nil
	}
	var all [][]missing
	fewest := 0
	for _, g := range x.Gaps {
		if g.Role != "" {
			continue // a profile, of which more below
		}
		lacks, err := e.gap(q, g, d)
		if err != nil {
			return nil, err
		}
		if all == nil || len(lacks) < fewest {
			all, fewest = nil, len(lacks)
		}
		if len(lacks) == fewest {
			all = append(all, lacks)
		}
	}
	if len(x.Rows) > 0 {
		m, err := e.lifted(q, x.Rows[0], d)
		if err != nil {
			return nil, err
		}
		all = append(all, m...)
	}
	for _, entry := range e.pack.Catalog.Profiles {
		at := d
		if entry.Place&placeOf(d) == 0 {
			if at = model.TenantDomain(d.Tenant()); entry.Place&model.AtTenant == 0 {
				continue
			}
		}
		ok, err := e.engine.EnforceAs(q, entry.Profile.String(), time.Time{})
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		m, err := e.missing(q, "the profile "+entry.Profile.String()+" in "+at.String(), model.GrantOf(entry.Profile), at)
		if err != nil {
			return nil, err
		}
		all = append(all, []missing{m})
	}
	if len(all) == 0 {
		for _, g := range x.Gaps {
			m, err := e.gap(q, g, d)
			if err != nil {
				return nil, err
			}
			all = append(all, append([]missing{{What: "the profile " + g.Role, Note: "those who may give it, or one that contains it"}}, m...))
		}
	}
	who, _ := model.ParseSubject(q.Subject)
	if slices.Contains(e.world.Rules, model.GrantRule(who, model.Member, model.TenantDomain(d.Tenant()))) {
		return all, nil
	}
	m, err := e.missing(q, "being a member of "+d.Tenant().String(), model.InviteMember, d)
	for i := range all {
		all[i] = append([]missing{m}, all[i]...)
	}
	return all, err
}

// gap returns what a row is short of, besides a profile.
func (e *explainer) gap(q engine.Request, g engine.Gap, d model.Domain) ([]missing, error) {
	var lacks []missing
	if g.Via != "" {
		m, err := e.missing(q, "being "+g.Via, model.AssignDossier, d)
		if err != nil {
			return nil, err
		}
		lacks = append(lacks, m)
	}
	if g.Trait != "" {
		m, err := e.missingTrait(q, g.Trait, d)
		if err != nil {
			return nil, err
		}
		lacks = append(lacks, m)
	}
	return lacks, nil
}

func placeOf(d model.Domain) model.Place {
	if d.IsDossier() {
		return model.AtDossier
	}
	return model.AtTenant
}

// lifted returns what would keep the row r from denying: that the domain had
// not the trait it asks for, if that is all that stands in the way.
func (e *explainer) lifted(q engine.Request, r model.Rule, d model.Domain) ([][]missing, error) {
	i := e.pack.Model.Field("dom")
	if i < 0 {
		return nil, nil
	}
	switch t, err := model.ParseTrait(r.V[i]); {
	case err != nil, t == model.TraitTenant, t == model.TraitDossier:
		return nil, nil
	}
	rest := slices.DeleteFunc(slices.Clone(e.world.Rules), func(w model.Rule) bool { return w.PType == "g2" && w.V[1] == r.V[i] })
	without, err := engine.New(e.pack.Model, slices.Concat(e.pack.Rules, rest), nil)
	if err != nil {
		return nil, err
	}
	if ok, err := without.Enforce(q, time.Time{}); err != nil || !ok {
		return nil, err
	}
	m, err := e.missingTrait(q, r.V[i], d)
	m.What += " gone"
	return [][]missing{{m}}, err
}

// missingTrait says who can make a trait true, or no longer so.
func (e *explainer) missingTrait(q engine.Request, name string, d model.Domain) (missing, error) {
	t, err := model.ParseTrait(name)
	if err != nil {
		return missing{What: name}, nil
	}
	what := "the trait " + name
	switch t.Kind() {
	case model.KindSetting:
		return e.missing(q, what, model.EditTenant, model.TenantDomain(d.Tenant()))
	case model.KindActivated:
		return missing{What: what, Note: "the vendor, for the tenant"}, nil
	case model.KindReleased:
		return missing{What: what, Note: "a row of the pack: g2, *, " + name}, nil
	}
	if t == model.TraitTenant || t == model.TraitDossier {
		return missing{What: "asking in a " + name}, nil
	}
	return e.missing(q, what, model.ConfigureDossier, d)
}

// missing says who may do what is needed in d: users of the case other than
// who asks, and profiles.
func (e *explainer) missing(q engine.Request, what string, needed model.Permission, d model.Domain) (missing, error) {
	m := missing{What: what}
	ask := engine.Request{Domain: d.String(), Object: needed.Object(), Action: needed.Action()}
	for _, r := range e.world.Rules {
		if ask.Subject = r.V[0]; r.PType != "g" || ask.Subject == q.Subject || !strings.HasPrefix(ask.Subject, "user:") || slices.Contains(m.By, ask.Subject) {
			continue
		}
		ok, err := e.engine.Enforce(ask, time.Time{})
		if err != nil {
			return m, err
		}
		if ok {
			m.By = append(m.By, ask.Subject)
		}
	}
	for _, entry := range e.pack.Catalog.Profiles {
		if entry.Place&(placeOf(d)|model.AtTenant) == 0 {
			continue
		}
		for _, ask.Subject = range []string{nobody, assignedNobody} {
			ok, err := e.engine.EnforceAs(ask, entry.Profile.String(), time.Time{})
			if err != nil {
				return m, err
			}
			if ok {
				name := entry.Profile.String()
				if ask.Subject == assignedNobody {
					name += " and assigned"
				}
				m.Profiles = append(m.Profiles, name)
				break
			}
		}
	}
	return m, nil
}
