package engine

import (
	"hash/maphash"
	"slices"
)

// A link is what an entry has at one place: the rows of one sort with its name
// in their first field and the place in their third. In a sort of row without
// a domain the place is nil. In a link of holders the place is whoever has a
// row here.
type link struct {
	at  *name
	set *set
}

func (l link) isHolder() bool { return l.set.graph == holders }

// A table holds the entries of a snapshot by name. It is a hash table that
// never changes: a change copies one leaf and the way to it, and shares the
// rest. Leaves split one by one as they fill up, so that no change is made to
// wait for a larger table.
type table struct {
	chunks []chunk // each of up to chunkSize leaves, by the first bits of the hash
	bits   uint8
	size   int
}

type chunk []*leaf

// A leaf holds the entries whose hashes begin with the same depth bits. The
// links of entry i are links[entries[i-1].end:entries[i].end].
type leaf struct {
	depth   uint8
	entries []place
	links   []link

	// slots lead from the last bits of a hash to its entry: its position and
	// one, or in one of the next slots when that is another's.
	slots [slotCount]uint8
}

type place struct {
	hash, end uint32
	name      *name
}

const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
	leafSize  = 32
	slotCount = 64 // a leaf has free ones, or it is searched
	maxDepth  = 26 // names of one hash share a leaf, however full
)

var seed = maphash.MakeSeed()

// hashOf takes the end of a text alone: a dossier and a slash are no longer, and
// the tenant before it is the same throughout a snapshot.
func hashOf(text string) uint32 {
	const enough = 40
	return uint32(maphash.String(seed, text[max(0, len(text)-enough):]) >> 32)
}

func (t *table) leaf(h uint32) *leaf {
	if t.size == 0 {
		return &noLeaf
	}
	i := uint64(h) >> (32 - t.bits)
	return t.chunks[i>>chunkBits][i&(chunkSize-1)]
}

var noLeaf leaf

// find returns the name of an entry and its links, or nil.
func (t *table) find(h uint32, text string) (*name, []link) {
	l := t.leaf(h)
	if i := l.find(h, text); i >= 0 {
		return l.entries[i].name, l.of(i)
	}
	return nil, nil
}

func (l *leaf) find(h uint32, text string) int {
	if len(l.entries) >= slotCount {
		return slices.IndexFunc(l.entries, func(e place) bool { return e.hash == h && e.name.text == text })
	}
	for at := h; ; at++ {
		i := int(l.slots[at%slotCount]) - 1
		if i < 0 {
			return -1
		}
		if e := &l.entries[i]; e.hash == h && e.name.text == text {
			return i
		}
	}
}

func (l *leaf) of(i int) []link {
	start := uint32(0)
	if i > 0 {
		start = l.entries[i-1].end
	}
	end := l.entries[i].end
	return l.links[start:end:end]
}

// all yields every entry, in no order.
func (t *table) all(yield func(*name, []link) bool) {
	if t.size == 0 {
		return
	}
	var last *leaf
	for _, c := range t.chunks {
		for _, l := range c {
			if l == last { // one leaf stands for all hashes with its bits
				continue
			}
			last = l
			for i, e := range l.entries {
				if !yield(e.name, l.of(i)) {
					return
				}
			}
		}
	}
}

// An editor makes one table from another. What it has copied once it may
// change again.
type editor struct {
	table
	fresh bool         // chunks are the editor's own
	owned map[int]bool // and these of them
}

func edit(t table) *editor { return &editor{table: t, owned: make(map[int]bool)} }

func (e *editor) slot(i int) **leaf {
	if !e.fresh {
		e.chunks, e.fresh = slices.Clone(e.chunks), true
	}
	c := i >> chunkBits
	if !e.owned[c] {
		e.chunks[c], e.owned[c] = slices.Clone(e.chunks[c]), true
	}
	return &e.chunks[c][i&(chunkSize-1)]
}

// put gives an entry its links, and takes the entry away when there are none.
func (e *editor) put(n *name, links []link) {
	h := hashOf(n.text)
	if e.size == 0 {
		if len(links) == 0 {
			return
		}
		e.table = table{chunks: []chunk{{&leaf{}}}}
		e.fresh, e.owned = true, map[int]bool{0: true}
	}
	l := e.leaf(h)
	i := l.find(h, n.text)
	switch {
	case i < 0 && len(links) == 0:
		return
	case i < 0:
		e.size++
	case len(links) == 0:
		e.size--
	}
	l = l.with(i, h, n, links)
	e.place(h, l)
	for len(l.entries) > leafSize && l.depth < maxDepth {
		l = e.split(h, l)
	}
}

// with returns l with an entry changed, removed, or, when i is -1, added.
func (l *leaf) with(i int, h uint32, n *name, links []link) *leaf {
	size, room := len(l.entries), len(l.links)+len(links)
	if i < 0 {
		i, size = size, size+1
	} else {
		room -= len(l.of(i))
		if len(links) == 0 {
			size--
		}
	}
	next := newLeaf(l.depth, size, room)
	for j, e := range l.entries {
		if j != i {
			next.add(e.hash, e.name, l.of(j))
		} else if len(links) > 0 {
			next.add(h, n, links)
		}
	}
	if i == len(l.entries) {
		next.add(h, n, links)
	}
	return next
}

func newLeaf(depth uint8, entries, links int) *leaf {
	return &leaf{depth: depth, entries: make([]place, 0, entries), links: make([]link, 0, links)}
}

func (l *leaf) add(h uint32, n *name, links []link) {
	l.links = append(l.links, links...)
	l.entries = append(l.entries, place{h, uint32(len(l.links)), n})
	if len(l.entries) >= slotCount {
		return
	}
	at := h
	for l.slots[at%slotCount] != 0 {
		at++
	}
	l.slots[at%slotCount] = uint8(len(l.entries))
}

// place puts a leaf wherever hashes with its bits are looked up.
func (e *editor) place(h uint32, l *leaf) {
	spread := e.bits - l.depth
	first := int(uint64(h)>>(32-l.depth)) << spread
	for i := range 1 << spread {
		*e.slot(first + i) = l
	}
}

// split puts two leaves in the place of l, and returns the one for h.
func (e *editor) split(h uint32, l *leaf) *leaf {
	if l.depth == e.bits {
		e.double()
	}
	var entries, links [2]int
	side := func(h uint32) uint32 { return h >> (31 - l.depth) & 1 }
	for i, e := range l.entries {
		entries[side(e.hash)]++
		links[side(e.hash)] += len(l.of(i))
	}
	var half [2]*leaf
	for i := range half {
		half[i] = newLeaf(l.depth+1, entries[i], links[i])
	}
	for i, n := range l.entries {
		half[side(n.hash)].add(n.hash, n.name, l.of(i))
	}
	base := uint32(uint64(h) >> (32 - l.depth) << (32 - l.depth))
	for i, half := range half {
		e.place(base|uint32(i)<<(31-l.depth), half)
	}
	return half[side(h)]
}

func (e *editor) double() {
	size := 2 << e.bits
	var chunks []chunk
	for i := range size {
		if i&(chunkSize-1) == 0 {
			chunks = append(chunks, make(chunk, 0, min(size, chunkSize)))
		}
		c := &chunks[len(chunks)-1]
		*c = append(*c, e.chunks[i>>1>>chunkBits][i>>1&(chunkSize-1)])
	}
	e.chunks, e.fresh = chunks, true
	for i := range chunks {
		e.owned[i] = true
	}
	e.bits++
}

// An entry is what goes into a new table.
type entry struct {
	name  *name
	links []link
}

// newTable returns the table of entries, each of its own name and with a link
// at least. It does not keep the slices.
func newTable(entries []entry) table {
	if len(entries) == 0 {
		return table{}
	}
	const usual = leafSize * 3 / 4
	bits := uint8(0)
	for len(entries)>>bits > usual {
		bits++
	}
	hashes := make([]uint32, len(entries))
	counts := make([]struct{ names, links int }, 1<<bits)
	for i, e := range entries {
		hashes[i] = hashOf(e.name.text)
		c := &counts[uint64(hashes[i])>>(32-bits)]
		c.names++
		c.links += len(e.links)
	}
	t := table{bits: bits, size: len(entries)}
	for i, n := range counts {
		if i&(chunkSize-1) == 0 {
			t.chunks = append(t.chunks, make(chunk, 0, min(chunkSize, len(counts))))
		}
		c := &t.chunks[len(t.chunks)-1]
		*c = append(*c, newLeaf(bits, n.names, n.links))
	}
	for i, e := range entries {
		t.leaf(hashes[i]).add(hashes[i], e.name, e.links)
	}
	return t
}
