package authz

import (
	"context"
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/model"
)

// isOpen reports whether d is an open tenant or dossier.
func (s *state) isOpen(d model.Domain) bool {
	what := model.TraitTenant
	if d.IsDossier() {
		what = model.TraitDossier
	}
	return s.has(model.NewRule("g2", d.String(), what.String()))
}

// An Advice is something that ought to be otherwise and is no error.
type Advice struct {
	Domain model.Domain
	Kind   AdviceKind
	// Profile is what nobody holds, for [NoHolder].
	Profile model.Profile
}

// An AdviceKind says what ought to be otherwise.
type AdviceKind string

// The kinds of advice.
const (
	// NoHolder: nobody holds a profile that the pack advises to be held.
	NoHolder AdviceKind = "no holder"
	// NotSynchronised: the last change of configuration failed.
	NotSynchronised AdviceKind = "not synchronised"
	// NobodyAssigned: the dossier is private, which opens it to the assigned
	// only, and no active member is, directly or through a team.
	NobodyAssigned AdviceKind = "private, and nobody is assigned"
	// CopiesStopped: whoever set where copies of messages go may not do so any
	// more, so that none are sent. See [Authz.SetCopies].
	CopiesStopped AdviceKind = "no copies of messages are sent: set the address again"
)

func (a Advice) String() string {
	if a.Kind == NoHolder {
		return fmt.Sprintf("%v: nobody holds the profile %v", a.Domain, a.Profile)
	}
	return fmt.Sprintf("%v: %s", a.Domain, a.Kind)
}

// Advice tells what ought to be otherwise in an open tenant or dossier, such
// as a dossier without an Administrator. It takes "tenant view" or "dossier
// see".
func (az *Authz) Advice(ctx context.Context, by Actor, d model.Domain) ([]Advice, error) {
	permission := model.ViewTenant
	if d.IsDossier() {
		permission = model.SeeDossier
	}
	return read(ctx, az, by, d, permission, "advice", func(q *query) ([]Advice, error) {
		if !q.state.isOpen(d) {
			return nil, unknown(d)
		}
		var all []Advice
		for _, entry := range q.state.pack.Catalog.Profiles {
			if entry.Advised && entry.Place&placeOf(d) != 0 && !q.state.held(entry.Profile, d) {
				all = append(all, Advice{Domain: d, Kind: NoHolder, Profile: entry.Profile})
			}
		}
		if !d.IsDossier() {
			stopped, err := q.copiesStopped(az.now())
			if stopped {
				all = append(all, Advice{Domain: d, Kind: CopiesStopped})
			}
			return all, err
		}
		row, err := loadDossier(q.db, d)
		if err != nil {
			return nil, err
		}
		if row.Failure != "" {
			all = append(all, Advice{Domain: d, Kind: NotSynchronised})
		}
		if row.Private && !q.state.anyAssigned(d) {
			all = append(all, Advice{Domain: d, Kind: NobodyAssigned})
		}
		return all, nil
	})
}

// held reports whether any active member holds p in d.
func (s *state) held(p model.Profile, d model.Domain) bool {
	for _, u := range s.users() {
		if s.has(model.GrantRule(model.UserSubject(u), p, d)) {
			return true
		}
		for _, t := range s.teamsOf(u) {
			if s.has(model.GrantRule(t, p, d)) {
				return true
			}
		}
	}
	return false
}

// anyAssigned reports whether an active member is assigned to d.
func (s *state) anyAssigned(d model.Domain) bool {
	for name := range s.rows.Names("g", model.Assigned, d.String()) {
		who, err := model.ParseSubject(name)
		if err == nil && slices.ContainsFunc(s.usersOf(who), s.active) {
			return true
		}
	}
	return false
}
