package engine

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
)

// A link is what an entry has at one place: the rows of one sort with its name
// in their first field and the place in their third. In a sort of row without
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
	chunks []chunk // each of up to chunkSize leaves, by the first bits of the hash
	bits   uint8
	size   int
}

type chunk []*leaf

// A leaf holds the entries whose hashes begin with the same depth bits.
type leaf struct {
	tags    [tagWords * 8]uint8 // the last bits of the hashes of entries
	depth   uint8
	count   uint8 // of entries
	entries [leafSize]*name
	more    []*name // when too many have one hash
}

const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
	leafSize  = 28 // in a leaf of 288 bytes, which Go has a size for
	tagWords  = 4
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

func (t *table) leaf(h uint32) *leaf {
	if t.size == 0 {
		return &noLeaf
	}
	i := uint64(h) >> (32 - t.bits)
	return t.chunks[i>>chunkBits][i&(chunkSize-1)]
}

var noLeaf leaf

// find returns the first name of an entry's text, and its links, or nil.
func (t *table) find(h uint32, text string) (*name, []link) {
	if n := t.leaf(h).find(h, text); n != nil {
		return n.first, n.each()
	}
	return nil, nil
}

func (l *leaf) find(h uint32, text string) *name {
	for marks := l.marks(uint8(h)); marks != 0; marks &= marks - 1 {
		if i := bits.TrailingZeros32(marks); i < int(l.count) && l.entries[i].text() == text {
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

// marks returns a bit for each entry that may have a tag. It looks at all of
// them without a branch: a processor that does not have to guess goes on to the
// next look-up while it waits for this one.
func (l *leaf) marks(tag uint8) uint32 {
	const low, high = 0x0101010101010101, 0x8080808080808080
	var marks uint32
	for i := 0; i < tagWords*8; i += 8 {
		differ := binary.LittleEndian.Uint64(l.tags[i:i+8]) ^ uint64(tag)*low
		same := (differ - low) &^ differ & high // in bytes of zero, and maybe in some after one
		marks |= uint32(same>>7*0x0102040810204080>>56) << i
	}
	return marks
}

// names yields the entries.
func (l *leaf) names(yield func(*name) bool) {
	for _, n := range l.entries[:l.count] {
		if !yield(n) {
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
	}
	return &e.chunks[c][i&(chunkSize-1)]
}

// put puts n in the place of the entry of its text, or takes that away when n
// has no links.
func (e *editor) put(n *name) {
	h := hashOf(n.text())
	if e.size == 0 {
		if n.count == 0 {
			return
		}
		e.table = table{chunks: []chunk{{&leaf{}}}}
		e.fresh, e.owned = true, map[int]bool{0: true}
	}
	l := e.leaf(h)
	there := l.find(h, n.text()) != nil
	if !there && n.count == 0 {
		return
	}
	next := &leaf{depth: l.depth}
	for old := range l.names {
		if !there || old.first != n.first {
			next.add(old)
		}
	}
	if n.count > 0 {
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
	h := hashOf(l.entries[0].text())
	return slices.ContainsFunc(l.entries[1:], func(n *name) bool { return hashOf(n.text()) != h })
}

func (l *leaf) add(n *name) {
	if l.count == leafSize {
		l.more = append(l.more, n)
		return
	}
	l.tags[l.count], l.entries[l.count] = uint8(hashOf(n.text())), n
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
		if i&(chunkSize-1) == 0 {
			e.owned[len(e.chunks)] = true
			e.chunks = append(e.chunks, make(chunk, 0, min(chunkSize, 1<<e.bits)))
		}
		c := &e.chunks[len(e.chunks)-1]
		*c = append(*c, &leaf{depth: e.bits})
	}
	e.size = len(names)
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
