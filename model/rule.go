package model

import (
	"cmp"
	"slices"
	"strings"
)

// A Rule is one row of a Casbin policy: p, g, g2 or g3 and its fields, in
// the order of casbin_rule. Unused fields are empty and come last. Rules are
// compared with ==. A Rule is raw: it holds what it is given, and whoever reads
// it checks it.
type Rule struct {
	PType string
	V     [6]string
}

// NewRule returns the row "ptype, fields…". It panics with more than six
// fields, which casbin_rule has no columns for.
func NewRule(ptype string, fields ...string) Rule {
	r := Rule{PType: ptype}
	if copy(r.V[:], fields) != len(fields) {
		panic("model: a rule has at most six fields")
	}
	return r
}

// Fields returns the fields up to the last one in use.
func (r Rule) Fields() []string {
	n := len(r.V)
	for n > 0 && r.V[n-1] == "" {
		n--
	}
	return append([]string(nil), r.V[:n]...)
}

// String returns the row as a policy file writes it: "g, user:ann, admin, acme/*".
func (r Rule) String() string {
	return strings.Join(append([]string{r.PType}, r.Fields()...), ", ")
}

// Compare orders rules by their type and then field by field: negative when r
// comes before o.
func (r Rule) Compare(o Rule) int {
	return cmp.Or(cmp.Compare(r.PType, o.PType), slices.Compare(r.V[:], o.V[:]))
}

// holds is the row that gives who the profile or link role in domain.
func holds(who Subject, role, domain string) Rule { return NewRule("g", who.s, role, domain) }

// GrantRule is the row that gives who the profile p: in a dossier, or, when d
// is a tenant, throughout that tenant.
func GrantRule(who Subject, p Profile, d Domain) Rule { return holds(who, p.s, reach(d)) }

// AssignedRule is the row that links who to dossier d.
func AssignedRule(who Subject, d Domain) Rule { return holds(who, Assigned, d.String()) }

// TeamRule is the row that makes u one of team in tenant t.
func TeamRule(u UserID, team TeamID, t TenantID) Rule {
	return holds(UserSubject(u), TeamSubject(team).s, Everywhere(t))
}

// TraitRule is the row that gives d the trait: a dossier by itself, a tenant
// for all of its dossiers too.
func TraitRule(d Domain, t Trait) Rule { return NewRule("g2", reach(d), t.s) }

// TenantRules are the rows that a new tenant brings.
func TenantRules(t TenantID) []Rule {
	own, all := TenantDomain(t).String(), Everywhere(t)
	return []Rule{
		NewRule("g2", own, TraitTenant.s),
		NewRule("g2", own, all),
		NewRule("g2", all, "*"),
	}
}

// DossierRules are the rows that a new dossier brings, besides its traits.
func DossierRules(d Domain) []Rule {
	return []Rule{
		NewRule("g2", d.String(), TraitDossier.s),
		NewRule("g2", d.String(), Everywhere(d.Tenant())),
	}
}

// reach is the domain field of what holds in d: all of a tenant, or one dossier.
func reach(d Domain) string {
	if d.IsDossier() {
		return d.String()
	}
	return Everywhere(d.Tenant())
}
