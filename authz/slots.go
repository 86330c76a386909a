package authz

import (
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/volmacht/volmacht/model"
)

// slots are the tenants in memory. Looking one up takes no lock: the maps are
// never changed, and whoever adds a tenant makes a new one of a small part.
type slots struct {
	parts [256]slotPart
	size  atomic.Int64
}

type slotPart struct {
	mu    sync.Mutex
	slots atomic.Pointer[map[model.TenantID]*slot]
}

// part goes by the end of the ID, which is random in those that we make.
func (s *slots) part(t model.TenantID) *slotPart {
	h := uint8(0)
	text := t.String()
	for i := max(0, len(text)-4); i < len(text); i++ {
		h = h*37 + text[i]
	}
	return &s.parts[h]
}

func (p *slotPart) all() map[model.TenantID]*slot {
	if m := p.slots.Load(); m != nil {
		return *m
	}
	return nil
}

// find returns the tenant's slot, or nil.
func (s *slots) find(t model.TenantID) *slot { return s.part(t).all()[t] }

// open returns the tenant's slot, empty when it is new.
func (s *slots) open(t model.TenantID) *slot {
	p := s.part(t)
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.all()[t]
	if found == nil {
		found = &slot{busy: make(chan struct{}, 1)}
		found.used.Store(now())
		next := maps.Clone(p.all())
		if next == nil {
			next = make(map[model.TenantID]*slot)
		}
		next[t] = found
		p.slots.Store(&next)
		s.size.Add(1)
	}
	return found
}

func (s *slots) drop(t model.TenantID) {
	p := s.part(t)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all()[t] == nil {
		return
	}
	next := maps.Clone(p.all())
	delete(next, t)
	p.slots.Store(&next)
	s.size.Add(-1)
}

// clear drops every tenant.
func (s *slots) clear() {
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.Lock()
		s.size.Add(-int64(len(p.all())))
		p.slots.Store(nil)
		p.mu.Unlock()
	}
}

// trim drops tenants while there are more than limit: each time the one that
// was not asked about for the longest time, out of a handful. That is the least
// recently used, nearly, at a cost that does not grow with their number.
func (s *slots) trim(limit int) {
	for s.size.Load() > int64(limit) {
		s.drop(s.oldest())
	}
}

func (s *slots) oldest() model.TenantID {
	const handful = 16
	var oldest model.TenantID
	var used int64
	seen := 0
	for i, first := 0, rand.IntN(len(s.parts)); i < len(s.parts) && seen < handful; i++ {
		for t, slot := range s.parts[(first+i)%len(s.parts)].all() {
			if at := slot.used.Load(); seen == 0 || at < used {
				oldest, used = t, at
			}
			if seen++; seen == handful {
				break
			}
		}
	}
	return oldest
}
