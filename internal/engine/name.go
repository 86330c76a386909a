package engine

import (
	"slices"
	"unsafe"
)

// A name is a text that rows mention, with the links of its entry in a table. A
// snapshot and those made from it have one first name for each text, by whose
// address places are compared; a change of the links makes another name of it.
//
// A first name that was loaded has the links that it was loaded with, for good.
// One that a change brings has none: else what is gone would be kept by what came
// after it.
type name struct {
	first *name   // of this text: what links point to
	bytes *byte   // of the text, unless they lie behind the name
	size  uint32  // of them
	front uint32  // how many links there are before those of holders
	all   *[]link // the links, when they are more than are near
	near  [2]link // the first ones
}

// text keeps n, and with it a part of the snapshot: what leaves the package is a
// copy.
func (n *name) text() string {
	if n.bytes == nil {
		return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(n), unsafe.Sizeof(*n))), n.size)
	}
	return unsafe.String(n.bytes, n.size)
}

func (n *name) each() []link {
	if n.all != nil {
		return *n.all
	}
	few := 0
	for few < len(n.near) && n.near[few].set != nil {
		few++
	}
	return n.near[:few]
}

// link returns the link of a number, of those that are near without a look at the
// others.
func (n *name) link(i uint32) *link {
	if i < uint32(len(n.near)) {
		return &n.near[i]
	}
	return &(*n.all)[i]
}

// isA reports whether n, which may be nil, is linked to text by rows of a kind that has
// no domain.
func (n *name) isA(of kind, text string) bool {
	if n == nil {
		return false
	}
	for i := range n.front {
		if l := n.link(i); l.at == nil && l.set.kind == of {
			_, found := l.set.link(text)
			return found
		}
	}
	return false
}

// isBare reports whether n has no links.
func (n *name) isBare() bool { return n.near[0].set == nil }

// The usual texts, those of a user and of a dossier with UUIDs, lie behind the
// name itself: a check that compares the text and follows the first links waits for
// one place of memory and not for three, one after the other.
type (
	short struct {
		name
		buf [48]byte
	}
	long struct {
		name
		buf [80]byte
	}
)

// newName returns a first name of a copy of text, without links.
func newName(text string) *name {
	var n *name
	switch {
	case len(text) <= len(short{}.buf):
		s := new(short)
		copy(s.buf[:], text)
		n = &s.name
	case len(text) <= len(long{}.buf):
		l := new(long)
		copy(l.buf[:], text)
		n = &l.name
	default:
		n = &name{bytes: unsafe.SliceData([]byte(text))}
	}
	n.first, n.size = n, uint32(len(text))
	return n
}

// with returns a name of the same text with other links.
func (n *name) with(links []link) *name {
	next := newName(n.text())
	next.first = n.first
	next.fill(links)
	return next
}

// apart is with for the tables of links that are apart, where names are many and
// seldom looked up: it has the text of the first name.
func (n *name) apart(links []link) *name {
	next := &name{first: n.first, bytes: unsafe.StringData(n.first.text()), size: n.size}
	next.fill(links)
	return next
}

// fill gives n its links, which are copied.
func (n *name) fill(links []link) {
	if copy(n.near[:], links) < len(links) {
		all := slices.Clone(links)
		n.all = &all
	}
	first := slices.IndexFunc(links, link.isHolder)
	if first < 0 {
		first = len(links)
	}
	n.front = uint32(first)
}
