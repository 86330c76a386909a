package authz

import (
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/volmacht/volmacht/model"
)

// slots are the tenants in memory. Looking one up takes no lock: the tables are
// never changed, and whoever adds a tenant makes a new one of a small part.
type slots struct {
	parts [256]slotPart
	size  atomic.Int64
}

type slotPart struct {
	mu    sync.Mutex
	table atomic.Pointer[slotTable]
}

// A slotTable is a hash table, at least half empty: an entry whose place is taken
// goes to the next one.
type slotTable []struct {
	hash uint64
	slot *slot
}

var slotSeed = maphash.MakeSeed()

func slotHash(t model.TenantID) uint64 { return maphash.String(slotSeed, t.String()) }

func (s *slots) part(hash uint64) *slotPart { return &s.parts[hash>>56] }

func (p *slotPart) find(hash uint64, t model.TenantID) *slot {
	table := p.table.Load()
	if table == nil {
		return nil
	}
	last := uint64(len(*table) - 1)
	for i := hash & last; (*table)[i].slot != nil; i = (i + 1) & last {
		if e := &(*table)[i]; e.hash == hash && e.slot.tenant == t {
			return e.slot
		}
	}
	return nil
}

func (p *slotPart) all() []*slot {
	var all []*slot
	if table := p.table.Load(); table != nil {
		for _, e := range *table {
			if e.slot != nil {
				all = append(all, e.slot)
			}
		}
	}
	return all
}

// set makes a table of slots. The part is locked.
func (p *slotPart) set(all []*slot) {
	size := 1
	for size < 2*len(all) {
		size *= 2
	}
	table := make(slotTable, size)
	for _, s := range all {
		hash := slotHash(s.tenant)
		i := hash & uint64(size-1)
		for table[i].slot != nil {
			i = (i + 1) & uint64(size-1)
		}
		table[i].hash, table[i].slot = hash, s
	}
	p.table.Store(&table)
}

// find returns the tenant's slot, or nil.
func (s *slots) find(t model.TenantID) *slot {
	hash := slotHash(t)
	return s.part(hash).find(hash, t)
}

// open returns the tenant's slot, empty when it is new.
func (s *slots) open(t model.TenantID) *slot {
	hash := slotHash(t)
	p := s.part(hash)
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.find(hash, t)
	if found == nil {
		found = &slot{tenant: t, busy: make(chan struct{}, 1)}
		found.used.Store(now())
		p.set(append(p.all(), found))
		s.size.Add(1)
	}
	return found
}

func (s *slots) drop(t model.TenantID) {
	p := s.part(slotHash(t))
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.all()
	if i := slices.IndexFunc(all, func(s *slot) bool { return s.tenant == t }); i >= 0 {
		p.set(slices.Delete(all, i, i+1))
		s.size.Add(-1)
	}
}

// clear drops every tenant.
func (s *slots) clear() {
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.Lock()
		s.size.Add(-int64(len(p.all())))
		p.table.Store(nil)
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
		for _, slot := range s.parts[(first+i)%len(s.parts)].all() {
			if at := slot.used.Load(); seen == 0 || at < used {
				oldest, used = slot.tenant, at
			}
			if seen++; seen == handful {
				break
			}
		}
	}
	return oldest
}
