package engine

import (
	"hash/maphash"
	"slices"
)

// A name is a text that rows mention. A snapshot and those made from it have
// one for each text, so that names are compared by their address.
type name struct{ text string }

// A link is what an entry has at one place: the rows of one sort with its name
// in their first field and the place in their third. In a sort of row without
// a domain the place is nil. In a link of holders the place is whoever has a
// row here.
type link struct {
	at  *name
	set *set
}

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
// links of entry i are links[ends[i-1]:ends[i]].
type leaf struct {
	depth  uint8
	hashes []uint32
	names  []*name
	ends   []uint32
	links  []link
}

const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
	leafSize  = 32
	maxDepth  = 26 // names of one hash share a leaf, however full
)

var seed = maphash.MakeSeed()

func hashOf(text string) uint32 { return uint32(maphash.String(seed, text) >> 32) }

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
	for i, other := range l.hashes {
		if other == h && l.names[i].text == text {
			return l.names[i], l.of(i)
		}
	}
	return nil, nil
}

func (l *leaf) of(i int) []link {
	start := uint32(0)
	if i > 0 {
		start = l.ends[i-1]
	}
	return l.links[start:l.ends[i]:l.ends[i]]
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
			for i, n := range l.names {
				if !yield(n, l.of(i)) {
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
	i := slices.Index(l.names, n)
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
	for len(l.names) > leafSize && l.depth < maxDepth {
		l = e.split(h, l)
	}
}

// with returns l with an entry changed, removed, or, when i is -1, added.
func (l *leaf) with(i int, h uint32, n *name, links []link) *leaf {
	size, room := len(l.names), len(l.links)+len(links)
	if i < 0 {
		i, size = size, size+1
	} else {
		room -= len(l.of(i))
		if len(links) == 0 {
			size--
		}
	}
	next := &leaf{
		depth: l.depth, hashes: make([]uint32, 0, size), names: make([]*name, 0, size),
		ends: make([]uint32, 0, size), links: make([]link, 0, room),
	}
	for j := range l.names {
		if j != i {
			next.add(l.hashes[j], l.names[j], l.of(j))
		} else if len(links) > 0 {
			next.add(h, n, links)
		}
	}
	if i == len(l.names) {
		next.add(h, n, links)
	}
	return next
}

func (l *leaf) add(h uint32, n *name, links []link) {
	l.hashes = append(l.hashes, h)
	l.names = append(l.names, n)
	l.links = append(l.links, links...)
	l.ends = append(l.ends, uint32(len(l.links)))
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
	var half [2]*leaf
	for i := range half {
		half[i] = &leaf{depth: l.depth + 1}
	}
	for i, n := range l.names {
		half[l.hashes[i]>>(31-l.depth)&1].add(l.hashes[i], n, l.of(i))
	}
	base := uint32(uint64(h) >> (32 - l.depth) << (32 - l.depth))
	for i, l := range half {
		l.fit()
		e.place(base|uint32(i)<<(32-l.depth), l)
	}
	return half[h>>(31-l.depth)&1]
}

// fit gives room back that appending took in advance.
func (l *leaf) fit() {
	l.hashes, l.names = slices.Clip(slices.Clone(l.hashes)), slices.Clip(slices.Clone(l.names))
	l.ends, l.links = slices.Clip(slices.Clone(l.ends)), slices.Clip(slices.Clone(l.links))
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
	leaves := make([]leaf, 1<<bits)
	counts := make([]struct{ names, links int }, 1<<bits)
	for i, e := range entries {
		hashes[i] = hashOf(e.name.text)
		c := &counts[uint64(hashes[i])>>(32-bits)]
		c.names++
		c.links += len(e.links)
	}
	t := table{bits: bits, size: len(entries)}
	for i, n := range counts {
		leaves[i] = leaf{
			depth: bits, hashes: make([]uint32, 0, n.names), names: make([]*name, 0, n.names),
			ends: make([]uint32, 0, n.names), links: make([]link, 0, n.links),
		}
		if i&(chunkSize-1) == 0 {
			t.chunks = append(t.chunks, make(chunk, 0, min(chunkSize, len(leaves))))
		}
		c := &t.chunks[len(t.chunks)-1]
		*c = append(*c, &leaves[i])
	}
	for i, e := range entries {
		leaves[uint64(hashes[i])>>(32-bits)].add(hashes[i], e.name, e.links)
	}
	return t
}
