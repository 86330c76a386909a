package authz

import (
	"slices"
	"sync/atomic"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A dossierList is the open dossiers of a state, in order. It is made when it is
// first asked for: from the rows, or from the list of a state before and what has
// come and gone since. States share it until a dossier comes or goes.
type dossierList struct {
	done  atomic.Pointer[[]model.Domain]
	from  *[]model.Domain // of a state before; nil is from the rows
	since []opening
}

// An opening is a dossier that came, or went.
type opening struct {
	domain model.Domain
	open   bool
}

// maxOpenings is how many are taken in one by one.
const maxOpenings = 1000

// after returns the list of the state after a change, which is l when no dossier
// came or went.
func (l *dossierList) after(added, removed []store.Row) *dossierList {
	since := append(openings(removed, false), openings(added, true)...)
	if len(since) == 0 {
		return l
	}
	if done := l.done.Load(); done != nil {
		return &dossierList{from: done, since: since}
	}
	if l.from != nil && len(l.since)+len(since) <= maxOpenings {
		return &dossierList{from: l.from, since: slices.Concat(l.since, since)}
	}
	return &dossierList{}
}

func openings(rows []store.Row, open bool) []opening {
	var found []opening
	for _, r := range rows {
		if r.Rule.PType != "g2" || r.Rule.V[1] != model.TraitDossier.String() {
			continue
		}
		if d, err := model.ParseDomain(r.Rule.V[0]); err == nil {
			found = append(found, opening{d, open})
		}
	}
	return found
}

// dossiers returns the open dossiers, in order. The slice is shared.
func (s *state) dossiers() []model.Domain {
	if done := s.listed.done.Load(); done != nil {
		return *done
	}
	var all []model.Domain
	if s.listed.from == nil {
		all = parseDomains(s.rows.Names("g2", model.TraitDossier.String(), ""))
	} else {
		all = slices.Clone(*s.listed.from)
		for _, o := range s.listed.since {
			switch i, there := slices.BinarySearchFunc(all, o.domain, compareDomains); {
			case o.open && !there:
				all = slices.Insert(all, i, o.domain)
			case !o.open && there:
				all = slices.Delete(all, i, i+1)
			}
		}
	}
	all = slices.Clip(all)
	s.listed.done.Store(&all)
	return all
}
