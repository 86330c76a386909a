package engine

import (
	"hash/maphash"
	"slices"
)

// A link is what an entry has at one place: the rows of one kind with its name
// in their first field and the place in their third. In a kind of row without
// a domain the place is nil. In a link of holders the place is whoever has a
// row here; these are the last of an entry, for a check is about the others and
// stops there.
type link struct {
	at  *name
	set *set
}

func (l link) isHolder() bool { return l.set.graph == holders }

// A table holds the entries of a snapshot, which are names with links. It is a
// hash table that never changes: a change copies one leaf and the way to it, and
// shares the rest. Leaves split one by one as they fill up, so that no change is
// made to wait for a larger table.
type table struct {
	first  chunk // of chunks: the only one of most tables, at one step less
	bits   uint8
	size   int
	chunks []chunk // each of up to chunkSize leaves, by the first bits of the hash
}

type chunk []*leaf

// A leaf holds the entries whose hashes begin with the same depth bits. It is a
// small hash table: an entry whose place is taken goes to the next one. Where an
// entry is most likely to be is known before the leaf is read, and a processor that
// guesses so reads its tag and its address at once.
type leaf struct {
	tags    [leafSlots]uint8 // of the hashes of entries; 0 where there is none
	depth   uint8
	count   uint8 // of entries
	entries [leafSlots]*name
	more    []*name // when too many have one hash
}

const (
	chunkBits = 8
	chunkSize = 1 << chunkBits
	leafSlots = 64
	leafSize  = 48 // of them are used
	maxDepth  = 26
)

var seed = maphash.MakeSeed()

// hashOf takes the end of a text alone. The IDs of authz are no longer, and the
// tenant before that of a dossier is the same throughout a snapshot. Texts of other
// hosts with one end share a leaf, however many they are.
func hashOf(text string) uint32 {
	const enough = 40
	return uint32(maphash.String(seed, text[max(0, len(text)-enough):]) >> 32)
}

// tagOf is never 0.
func tagOf(h uint32) uint8 { return uint8(h>>8) | 1 }

func (t *table) leaf(h uint32) *leaf {
	if t.size == 0 {
		return &noLeaf
	}
	i := uint64(h) >> (32 - t.bits)
	if t.bits <= chunkBits {
		return t.first[i]
	}
	return t.chunks[i>>chunkBits][i%chunkSize]
}

var noLeaf leaf

// find returns the first name of an entry's text, and its links, or nil.
func (t *table) find(h uint32, text string) (*name, []link) {
	if n := t.entry(h, text); n != nil {
		return n.first, n.each()
	}
	return nil, nil
}

// entry returns the name that is the entry of a text, or nil.
func (t *table) entry(h uint32, text string) *name { return t.leaf(h).find(h, text) }

// pair returns two entries. Both are under way in memory before a text of either is
// compared.
func (t *table) pair(a, b Key) (*name, *name) {
	in, of := t.leaf(a.hash), t.leaf(b.hash)
	i, j := a.hash%leafSlots, b.hash%leafSlots
	m, n := in.entries[i], of.entries[j]
	if in.tags[i] != tagOf(a.hash) || m.text() != a.text {
		m = in.find(a.hash, a.text)
	}
	if of.tags[j] != tagOf(b.hash) || n.text() != b.text {
		n = of.find(b.hash, b.text)
	}
	return m, n
}

func (l *leaf) find(h uint32, text string) *name {
	tag := tagOf(h)
	for i := h % leafSlots; l.tags[i] != 0; i = (i + 1) % leafSlots {
		if l.tags[i] == tag && l.entries[i].text() == text {
			return l.entries[i]
		}
	}
	for _, n := range l.more {
		if n.text() == text {
			return n
		}
	}
	return nil
}

// names yields the entries.
func (l *leaf) names(yield func(*name) bool) {
	for i, tag := range l.tags {
		if tag != 0 && !yield(l.entries[i]) {
			return
		}
	}
	for _, n := range l.more {
		if !yield(n) {
			return
		}
	}
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
			for n := range l.names {
				if !yield(n.first, n.each()) {
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
		e.first = e.chunks[0]
	}
	return &e.chunks[c][i%chunkSize]
}

// put puts n in the place of the entry of its text, or takes that away when n
// has no links.
func (e *editor) put(n *name) {
	h := hashOf(n.text())
	if e.size == 0 {
		if n.isBare() {
			return
		}
		only := chunk{&leaf{}}
		e.table = table{chunks: []chunk{only}, first: only}
		e.fresh, e.owned = true, map[int]bool{0: true}
	}
	l := e.leaf(h)
	there := l.find(h, n.text()) != nil
	if !there && n.isBare() {
		return
	}
	next := &leaf{depth: l.depth}
	for old := range l.names {
		if !there || old.first != n.first {
			next.add(old)
		}
	}
	if !n.isBare() {
		next.add(n)
		e.size++
	}
	if there {
		e.size--
	}
	e.place(h, next)
	for next.isFull() {
		next = e.split(h, next)
	}
}

// isFull reports whether l is to be split. It is not when that would not part
// its entries.
func (l *leaf) isFull() bool {
	if l.count < leafSize || l.depth == maxDepth {
		return false
	}
	var hash uint32
	some := false
	for n := range l.names {
		h := hashOf(n.text())
		if some && h != hash {
			return true
		}
		hash, some = h, true
	}
	return false
}

func (l *leaf) add(n *name) {
	if l.count == leafSize {
		l.more = append(l.more, n)
		return
	}
	h := hashOf(n.text())
	i := h % leafSlots
	for l.tags[i] != 0 {
		i = (i + 1) % leafSlots
	}
	l.tags[i], l.entries[i] = tagOf(h), n
	l.count++
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
	half := [2]*leaf{{depth: l.depth + 1}, {depth: l.depth + 1}}
	side := func(h uint32) uint32 { return h >> (31 - l.depth) & 1 }
	for n := range l.names {
		half[side(hashOf(n.text()))].add(n)
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
		if i%chunkSize == 0 {
			chunks = append(chunks, make(chunk, 0, min(size, chunkSize)))
		}
		c := &chunks[len(chunks)-1]
		*c = append(*c, e.chunks[i>>1>>chunkBits][i>>1%chunkSize])
	}
	e.chunks, e.first, e.fresh = chunks, chunks[0], true
	for i := range chunks {
		e.owned[i] = true
	}
	e.bits++
}

// newTable returns the table of names, each of another text and with a link at
// least.
func newTable(names []*name) table {
	e := editor{fresh: true, owned: make(map[int]bool)}
	if len(names) == 0 {
		return e.table
	}
	const usual = leafSize * 5 / 6
	for len(names)>>e.bits > usual {
		e.bits++
	}
	for i := range 1 << e.bits {
		if i%chunkSize == 0 {
			e.owned[len(e.chunks)] = true
			e.chunks = append(e.chunks, make(chunk, 0, min(chunkSize, 1<<e.bits)))
		}
		c := &e.chunks[len(e.chunks)-1]
		*c = append(*c, &leaf{depth: e.bits})
	}
	e.first, e.size = e.chunks[0], len(names)
	for _, n := range names {
		h := hashOf(n.text())
		l := e.leaf(h)
		l.add(n)
		for l.isFull() {
			l = e.split(h, l)
		}
	}
	return e.table
}
