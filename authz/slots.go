package authz

import (
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/volmacht/volmacht/model"
)

// slots are the tenants in memory. Looking one up takes no lock. The zero slots are
// empty and ready for use.
type slots struct {
	table atomic.Pointer[slotTable]
	size  atomic.Int64

	mu   sync.Mutex // for what follows, and to change the table
	used int        // places of the table that are not nil
}

// A slotTable is a hash table, at least half empty: a slot whose place is taken goes
// to the next one. A place is written once, and once more when its tenant is
// dropped; what needs more makes another table.
type slotTable []atomic.Pointer[slot]

// dropped is in the place of a slot that was: those behind it are found still.
var dropped slot

var slotSeed = maphash.MakeSeed()

func slotHash(t model.TenantID) uint64 { return maphash.String(slotSeed, t.String()) }

// place returns where the slot of a tenant is, or is to be put.
func (t slotTable) place(hash uint64, id model.TenantID) *atomic.Pointer[slot] {
	last := uint64(len(t) - 1)
	for i := hash & last; ; i = (i + 1) & last {
		if s := t[i].Load(); s == nil || s.hash == hash && s.tenant == id {
			return &t[i]
		}
	}
}

// find returns the tenant's slot, or nil.
func (s *slots) find(t model.TenantID) *slot {
	table := s.table.Load()
	if table == nil {
		return nil
	}
	return table.place(slotHash(t), t).Load()
}

// open returns the tenant's slot, empty when it is new.
func (s *slots) open(t model.TenantID) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.find(t); found != nil {
		return found
	}
	s.grow()
	opened := &slot{hash: slotHash(t), tenant: t, busy: make(chan struct{}, 1)}
	opened.used.Store(now())
	s.table.Load().place(opened.hash, t).Store(opened)
	s.used++
	s.size.Add(1)
	return opened
}

// grow makes room for one more. When more than half of the table would be used, it
// makes another one, without the places of dropped tenants.
func (s *slots) grow() {
	old := s.table.Load()
	if old != nil && 2*(s.used+1) <= len(*old) {
		return
	}
	size := 16
	for size < 3*int(s.size.Load()+1) {
		size *= 2
	}
	table := make(slotTable, size)
	s.used = 0
	for each := range s.all {
		table.place(each.hash, each.tenant).Store(each)
		s.used++
	}
	s.table.Store(&table)
}

// all yields the slots that are there, in no order.
func (s *slots) all(yield func(*slot) bool) { s.from(0, yield) }

// from is all, beginning at a place of the table.
func (s *slots) from(first int, yield func(*slot) bool) {
	table := s.table.Load()
	if table == nil {
		return
	}
	for i := range *table {
		each := (*table)[(first+i)&(len(*table)-1)].Load()
		if each != nil && each != &dropped && !yield(each) {
			return
		}
	}
}

func (s *slots) drop(t model.TenantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if table := s.table.Load(); table != nil {
		if p := table.place(slotHash(t), t); p.Load() != nil {
			p.Store(&dropped)
			s.size.Add(-1)
		}
	}
}

// clear drops every tenant.
func (s *slots) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table.Store(nil)
	s.used = 0
	s.size.Store(0)
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
	s.from(rand.Int(), func(each *slot) bool {
		if at := each.used.Load(); seen == 0 || at < used {
			oldest, used = each.tenant, at
		}
		seen++
		return seen < handful
	})
	return oldest
}
