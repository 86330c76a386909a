package authz

import (
	"maps"
	"slices"
	"time"

	"github.com/volmacht/volmacht/model"
)

// holdings are the rows by which a user holds something at one moment: those of
// the user, then those of the user's teams.
type holdings []model.Rule

// holdingsOf returns what u holds in the tenant at the given time.
func (s *state) holdingsOf(u model.UserID, at time.Time) holdings {
	all := s.inForce("g", at, model.UserSubject(u).String())
	var teams []string
	for _, r := range all {
		who, err := model.ParseSubject(r.V[1])
		if err == nil && r.V[2] == model.Everywhere(s.tenant) {
			teams = append(teams, who.String())
		}
	}
	if len(teams) == 0 {
		return all
	}
	return append(all, s.inForce("g", at, teams...)...)
}

// inForce returns the tenant's rows of one sort that begin with one of some
// names and hold at the given time.
func (s *state) inForce(ptype string, at time.Time, names ...string) []model.Rule {
	var all []model.Rule
	for _, name := range names {
		for _, r := range s.find(beginning(ptype, name)) {
			if !r.From.After(at) && (r.Until.IsZero() || at.Before(r.Until)) {
				all = append(all, r.Rule)
			}
		}
	}
	return all
}

// profiles returns the profiles that are held in d itself, in the catalog's
// order.
func (l holdings) profiles(catalog *model.Catalog, d model.Domain) []model.ProfileEntry {
	var held []model.ProfileEntry
	for _, entry := range catalog.Profiles {
		if entry.Profile != model.Member && slices.ContainsFunc(l, func(r model.Rule) bool {
			who, err := model.ParseSubject(r.V[0])
			return err == nil && r == model.GrantRule(who, entry.Profile, d)
		}) {
			held = append(held, entry)
		}
	}
	return held
}

// maxChain is how many links Casbin follows from a name.
const maxChain = 10

// reach returns the names that can be reached from those in start, each with
// the number of links to it, as far as Casbin follows them. next are the links
// from a name.
func reach(start map[string]int, next func(string) []string) map[string]int {
	reached := maps.Clone(start)
	for depth := range maxChain {
		for _, name := range slices.Sorted(maps.Keys(reached)) {
			if reached[name] != depth {
				continue
			}
			for _, to := range next(name) {
				if _, known := reached[to]; !known {
					reached[to] = depth + 1
				}
			}
		}
	}
	return reached
}

// linked returns the links of one sort among rules.
func linked(rules []model.Rule, ptype string) func(string) []string {
	to := make(map[string][]string)
	for _, r := range rules {
		if r.PType == ptype {
			to[r.V[0]] = append(to[r.V[0]], r.V[1])
		}
	}
	return func(name string) []string { return to[name] }
}
