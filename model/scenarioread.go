package model

import (
	"slices"
	"strings"
)

// A scenarioReader reads the rows of one file.
type scenarioReader struct {
	*collector
	row       row
	scenarios []Scenario
}

// ReadScenarios reads a scenarios.csv. Its rows are
//
//	case, TEXT
//	tenant, acme, TRAIT…
//	dossier, acme/d1, TRAIT…
//	g, user:ID or team:ID, PROFILE or assigned or team:ID, acme/* or acme/d1
//	allow or deny, user:ID, acme/ or acme/d1, OBJECT, ACTION
//	never, PROFILE, TRAIT or *, OBJECT or *, ACTION or *
//
// where a case begins with an empty world, and a tenant or dossier comes before
// what is said of it. Every user with a row in a tenant is an active member of
// it. The error is [Faults]; names are checked against a catalog by
// [Pack.CheckScenarios].
func ReadScenarios(file string, text []byte) ([]Scenario, error) {
	r := &scenarioReader{collector: &collector{file: file}}
	for r.row = range readRows(text, r.collector) {
		r.read()
	}
	for _, s := range r.scenarios {
		if len(s.Checks)+len(s.Nevers) == 0 {
			r.add(s.Line, 0, "the case asks nothing: want an allow, deny or never row")
		}
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return r.scenarios, nil
}

// scenarioRows are the fields after each verb.
var scenarioRows = map[string]string{
	"case":    "TEXT",
	"tenant":  "TENANT, TRAIT…",
	"dossier": "TENANT/DOSSIER, TRAIT…",
	"g":       "WHO, ROLE, DOMAIN",
	"allow":   "WHO, DOMAIN, OBJECT, ACTION",
	"deny":    "WHO, DOMAIN, OBJECT, ACTION",
	"never":   "PROFILE, TRAIT, OBJECT, ACTION",
}

func (r *scenarioReader) read() {
	verb := r.row.fields[0]
	want := scenarioRows[verb]
	n := len(r.row.fields) - 1
	switch exact := strings.Count(want, ",") + 1; {
	case want == "":
		r.fault(0, "%.80q: want case, tenant, dossier, g, allow, deny or never first", verb)
		return
	case n != exact && !strings.HasSuffix(want, "…"), n < 1:
		r.addAs(CheckArity, r.row.line, 0, "%s has %d fields, want %d: %s", verb, n, exact, want)
		return
	}
	for i, v := range r.row.fields {
		if v == "" {
			r.addAs(CheckEmpty, r.row.line, r.row.columns[i], "field %d is empty", i)
			return
		}
	}
	if verb == "case" {
		r.scenarios = append(r.scenarios, Scenario{
			Text: r.row.fields[1], Line: r.row.line,
			rules: map[Rule]bool{}, tenants: map[TenantID]bool{}, dossiers: map[Domain]bool{},
		})
		return
	}
	if r.scenarios == nil {
		r.add(r.row.line, 0, "%s stands before the first case", verb)
		return
	}
	s := &r.scenarios[len(r.scenarios)-1]
	switch verb {
	case "tenant":
		r.tenant(s)
	case "dossier":
		r.dossier(s)
	case "g":
		r.link(s)
	case "never":
		r.never(s)
	default:
		r.check(s)
	}
}

func (r *scenarioReader) fault(i int, format string, args ...any) {
	r.add(r.row.line, r.row.columns[i], format, args...)
}

// refused adds err as a fault of field i, if there is one.
func (r *scenarioReader) refused(i int, err error) bool {
	return r.invalid(r.row.line, r.row.columns[i], err)
}

// name notes a name of field i, for CheckScenarios.
func (r *scenarioReader) name(s *Scenario, i int, n named) {
	n.line, n.column = r.row.line, r.row.columns[i]
	s.named = append(s.named, n)
}

func (r *scenarioReader) tenant(s *Scenario) {
	t, err := ParseTenantID(r.row.fields[1])
	if r.refused(1, err) {
		return
	}
	if s.tenants[t] {
		r.fault(1, "tenant %s is there already", t)
		return
	}
	s.tenants[t] = true
	s.Rules = append(s.Rules, TenantRules(t)...)
	for _, trait := range r.traits(s, KindSetting, KindActivated, KindReleased) {
		s.Rules = append(s.Rules, TraitRule(TenantDomain(t), trait))
	}
}

func (r *scenarioReader) dossier(s *Scenario) {
	d, err := ParseDomain(r.row.fields[1])
	if r.refused(1, err) {
		return
	}
	switch {
	case !d.IsDossier():
		r.fault(1, "domain %q: want TENANT/DOSSIER", d)
		return
	case !s.tenants[d.Tenant()]:
		r.fault(1, "tenant %s is not there: it wants a row above", d.Tenant())
		return
	case s.dossiers[d]:
		r.fault(1, "dossier %s is there already", d)
		return
	}
	s.dossiers[d] = true
	traits := r.traits(s, KindPlain, KindConfiguration, KindModule)
	shared, private := slices.Contains(traits, TraitShared), slices.Contains(traits, TraitPrivate)
	switch {
	case shared && private:
		r.fault(1, "dossier %s is shared and private: want one", d)
	case !shared && !private:
		traits = append([]Trait{TraitShared}, traits...)
	}
	s.Rules = append(s.Rules, DossierRules(d)...)
	configured := false
	for _, t := range traits {
		if t.Kind() == KindConfiguration && configured {
			r.fault(1, "dossier %s has two configurations: want one", d)
		}
		configured = configured || t.Kind() == KindConfiguration
		s.Rules = append(s.Rules, TraitRule(d, t))
	}
}

// traits reads the fields from the third on as traits of the given kinds.
func (r *scenarioReader) traits(s *Scenario, kinds ...TraitKind) []Trait {
	var traits []Trait
	for i := 2; i < len(r.row.fields); i++ {
		t, err := ParseTrait(r.row.fields[i])
		switch {
		case r.refused(i, err):
		case !slices.Contains(kinds, t.Kind()), t == TraitTenant, t == TraitDossier:
			r.fault(i, "trait %q: no %s row can give it", t, r.row.fields[0])
		case slices.Contains(traits, t):
			r.fault(i, "trait %q is given twice", t)
		default:
			traits = append(traits, t)
			r.name(s, i, named{trait: t})
		}
	}
	return traits
}

// link reads a g row, and makes a user who has one a member.
func (r *scenarioReader) link(s *Scenario) {
	f := r.row.fields
	who, err := ParseSubject(f[1])
	if r.refused(1, err) {
		return
	}
	tenant, all := strings.CutSuffix(f[3], "/*")
	place := tenant + "/"
	if !all {
		place = f[3]
	}
	d, err := ParseDomain(place)
	switch {
	case r.refused(3, err):
		return
	case !all && !d.IsDossier():
		r.fault(3, "domain %q: want %q for all of the tenant, or a dossier", d, Everywhere(d.Tenant()))
		return
	case !r.there(s, 3, d):
		return
	}
	role := f[2]
	switch {
	case strings.HasPrefix(role, teamPrefix):
		team, err := ParseSubject(role)
		if r.refused(2, err) {
			return
		}
		if _, user := who.User(); !user || !all {
			r.fault(2, "%s: want a user in a team throughout the tenant", team)
			return
		}
	case role == Assigned:
	default:
		p, err := ParseProfile(role)
		if r.refused(2, err) {
			return
		}
		r.name(s, 2, named{profile: p.s})
	}
	rules := []Rule{holds(who, role, f[3])}
	if _, user := who.User(); user {
		rules = append(rules, GrantRule(who, Member, TenantDomain(d.Tenant())))
	}
	for i, rule := range rules {
		if !s.rules[rule] {
			s.rules[rule] = true
			s.Rules = append(s.Rules, rule)
		} else if i == 0 && role != Member.s {
			r.add(r.row.line, 0, "%q is there already", rule)
		}
	}
}

// there reports whether the case has the domain d of field i.
func (r *scenarioReader) there(s *Scenario, i int, d Domain) bool {
	if d.IsDossier() && s.dossiers[d] || !d.IsDossier() && s.tenants[d.Tenant()] {
		return true
	}
	r.fault(i, "%s is not there: it wants a row above", d)
	return false
}

func (r *scenarioReader) check(s *Scenario) {
	f := r.row.fields
	who, err := ParseSubject(f[1])
	d, derr := ParseDomain(f[2])
	p, perr := ParsePermission(f[3], f[4])
	_, user := who.User()
	switch {
	case r.refused(1, err), r.refused(2, derr), r.refused(3, perr), !r.there(s, 2, d):
	case !user:
		r.fault(1, "%s: only a user asks", who)
	default:
		s.Checks = append(s.Checks, Check{r.row.line, f[0] == "allow", who.s, d, p})
		r.name(s, 3, named{permission: p})
	}
}

func (r *scenarioReader) never(s *Scenario) {
	f := r.row.fields
	n := Never{Line: r.row.line, Object: f[3], Action: f[4]}
	var err error
	if n.Profile, err = ParseProfile(f[1]); r.refused(1, err) {
		return
	}
	if f[2] != Everything {
		if n.Trait, err = ParseTrait(f[2]); r.refused(2, err) {
			return
		}
		r.name(s, 2, named{trait: n.Trait})
	}
	// A star stands for a name, so one that is a name stands in for it.
	object, action := f[3], f[4]
	if object == Everything {
		object = "object"
	}
	if action == Everything {
		action = "action"
	}
	if _, err = ParsePermission(object, action); r.refused(3, err) {
		return
	}
	r.name(s, 1, named{profile: n.Profile.s})
	s.Nevers = append(s.Nevers, n)
}
