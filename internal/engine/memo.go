package engine

import (
	"encoding/binary"
	"strings"
	"sync"
	"sync/atomic"
)

// A mask is a set of rows that never changes. A policy has one for each
// content, so that what follows from masks alone is found by their numbers.
type mask struct {
	bits   []uint64
	number uint16 // from 1, given once; 0 when the policy has too many to number
}

// masks are the masks of one policy. They are safe for concurrent use.
type masks struct {
	mu    sync.Mutex
	known map[string]*mask
}

const maxMasks = 1<<16 - 1

// of returns the mask of bits, which the caller gives away.
func (m *masks) of(bits []uint64) *mask {
	key := make([]byte, 0, 8*len(bits))
	for _, w := range bits {
		key = binary.LittleEndian.AppendUint64(key, w)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if found := m.known[string(key)]; found != nil {
		return found
	}
	made := &mask{bits: bits}
	if len(m.known) < maxMasks {
		if m.known == nil {
			m.known = make(map[string]*mask)
		}
		made.number = uint16(len(m.known) + 1)
		m.known[string(key)] = made
	}
	return made
}

// A verdict has the answers to all questions that a policy remembers, by their
// numbers.
type verdict [4]uint64

func (v *verdict) allows(number uint16) bool { return v[number/64]>>(number%64)&1 != 0 }

// A memo remembers verdicts by the masks that they follow from. They depend on
// nothing else, no row of a tenant and no clock, so none is ever out of date. It
// has a fixed number of slots and forgets nothing: what finds no slot is worked out
// each time, and so is what meets masks that came too late for a number. It is safe
// for concurrent use, and finding takes no lock.
type memo struct {
	questions []*Question
	slots     []memoSlot
	shift     uint8 // of a product, which leaves the number of a slot
}

type memoSlot struct {
	key     atomic.Uint64 // 0 is free
	verdict atomic.Pointer[verdict]
}

const (
	memoBits  = 14
	memoReach = 4 // slots in which a key may be: those of one cache line
)

func newMemo(questions []*Question, bits uint8) *memo {
	return &memo{questions, make([]memoSlot, 1<<bits), 64 - bits}
}

// near returns the slots in which key may be.
func (m *memo) near(key uint64) []memoSlot {
	i := key * 0x9E3779B97F4A7C15 >> m.shift &^ (memoReach - 1)
	return m.slots[i : i+memoReach]
}

// find returns the verdict of a key, or a slot in which it can be put, or neither.
func (m *memo) find(key uint64) (*verdict, *memoSlot) {
	near := m.near(key)
	for i := range near {
		switch near[i].key.Load() {
		case key:
			return near[i].verdict.Load(), nil // nil until it is stored
		case 0:
			return nil, &near[i]
		}
	}
	return nil, nil
}

// Remember has p keep the answers to qs, questions of its own, for each
// combination of rows that a subject and a domain are found to meet. It is called
// once, before p has snapshots; with more than 256 questions it does nothing. A
// memo takes a quarter of a megabyte, and three times that when it is full.
func (p *Policy) Remember(qs []*Question) { p.remember(qs, memoBits) }

func (p *Policy) remember(qs []*Question, bits uint8) {
	if !p.whole || len(qs) > 64*len(verdict{}) {
		return
	}
	for i, q := range qs {
		q.number, q.remembered = uint16(i), true
	}
	p.memo = newMemo(qs, bits)
}

// remembers reports whether qs are the questions that verdicts answer.
func (p *Policy) remembers(qs []*Question) bool {
	return p.memo != nil && len(qs) == len(p.memo.questions) && len(qs) > 0 && &qs[0] == &p.memo.questions[0]
}

// recall returns the verdict on what is gathered, or nil when there is none: it
// cannot be remembered, or somebody is just about to store it.
func (p *Policy) recall(a *answer) *verdict {
	if p.memo == nil {
		return nil
	}
	key := a.key(len(p.dynamic))
	if key == 0 {
		return nil
	}
	v, free := p.memo.find(key)
	if free == nil {
		return v
	}
	v = new(verdict)
	for i, q := range p.memo.questions {
		if p.decide(a, q) {
			v[i/64] |= 1 << (i % 64)
		}
	}
	if free.key.CompareAndSwap(0, key) {
		free.verdict.Store(v)
	}
	return v
}

// recallAtOnce returns what meet and then recall come to, for names whose links are
// near and whose rows here hold for good: the usual ones. It is nil when there may be
// more to it, or nothing is remembered yet.
//
// The key must be the one that meet and key would make. What a name with rows of these
// graphs meets is in its links alone, for the pack does not speak of it: see isPlain. A
// half of the key that stays 0 has no such rows, and proves nothing. No half has more
// than two numbers: a subject has one set of names of the pack at each of two places,
// and a domain has one, and a hub.
func (s *Snapshot) recallAtOnce(who, where *name, domain string) *verdict {
	p, wide := s.policy, &s.only
	if wide.at == nil || who == nil || where == nil || !strings.HasPrefix(domain, wide.prefix) {
		return nil
	}
	var subjects, domains uint64
	for i := range who.front {
		l := who.link(i)
		switch {
		case l.at == where.first || l.at == wide.at:
			if l.set.alone == 0 || l.set.graph != p.whoGraph {
				return nil
			}
			subjects = subjects<<16 | uint64(l.set.alone)
		case l.at == nil: // others may be apart
			return nil
		}
	}
	for i := range where.front {
		set := where.link(i).set
		var graph int
		var number uint16
		if h := s.hub(set); h != nil { // whose set need not be read
			graph, number = h.graph, h.meets.number
		} else if graph, number = set.graph, set.alone; graph == spilled {
			continue // what is apart has a place
		}
		if number == 0 || graph != p.whereGraph {
			return nil
		}
		domains = domains<<16 | uint64(number)
	}
	if subjects == 0 || domains == 0 {
		return nil
	}
	v, _ := p.memo.find(domains<<32 | subjects)
	return v
}

// key makes one number of the masks that are gathered: of at most two sources with
// at most two masks each, 16 bits a mask. It is 0 when there are more, or none.
func (a *answer) key(sources int) (key uint64) {
	if sources > 2 {
		return 0
	}
	first := uint8(0)
	for k := range sources {
		end := a.ends[k]
		if end-first > 2 {
			return 0
		}
		var part uint64
		for _, m := range a.parts[first:end] {
			if m.number == 0 {
				return 0
			}
			part = part<<16 | uint64(m.number)
		}
		key |= part << (32 * k)
		first = end
	}
	return key
}
