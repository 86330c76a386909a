package engine

import "unsafe"

// A name is a text that rows mention, with the links of its entry in a table. A
// snapshot and those made from it have one first name for each text, by whose
// address places are compared; a change of the links makes another name of it.
//
// A first name that was loaded has the links that it was loaded with, for good.
// One that a change brings has none: else what is gone would be kept by what came
// after it.
type name struct {
	bytes *byte
	size  uint32 // of them
	count uint32 // of links
	first *name  // of this text: what links point to
	links *link
}

// text keeps n, and with it a part of the snapshot: what leaves the package is a
// copy.
func (n *name) text() string { return unsafe.String(n.bytes, n.size) }

func (n *name) each() []link { return unsafe.Slice(n.links, n.count) }

// The usual texts, those of a user and of a dossier with UUIDs, lie behind the
// name itself, and so do a few links: a check that compares the text and follows
// the links waits for one place of memory and not for three.
type (
	short struct {
		name
		buf [48]byte
		few [2]link
	}
	long struct {
		name
		buf [80]byte
		few [7]link
	}
	single struct { // with the text of the first name
		name
		few [1]link
	}
)

// makeName returns a name of a copy of text, and room for a few links.
func makeName(text string) (*name, []link) {
	var n *name
	var buf []byte
	var few []link
	switch {
	case len(text) <= len(short{}.buf):
		s := new(short)
		n, buf, few = &s.name, s.buf[:], s.few[:]
	case len(text) <= len(long{}.buf):
		l := new(long)
		n, buf, few = &l.name, l.buf[:], l.few[:]
	default:
		n, buf = new(name), make([]byte, len(text))
	}
	copy(buf, text)
	n.bytes, n.size = unsafe.SliceData(buf), uint32(len(text))
	return n, few
}

// newName returns a first name of a copy of text, and room for the links that it
// is loaded with.
func newName(text string) (*name, []link) {
	n, few := makeName(text)
	n.first = n
	return n, few
}

// bareName returns a first name of a copy of text that gets no links.
func bareName(text string) *name {
	n := &name{bytes: unsafe.SliceData([]byte(text)), size: uint32(len(text))}
	n.first = n
	return n
}

// with returns a name of the same text with other links.
func (n *name) with(links []link) *name {
	next, few := makeName(n.text())
	next.first = n.first
	next.fill(links, few)
	return next
}

// apart is with for the tables of links that are apart, where names are many and
// seldom looked up.
func (n *name) apart(links []link) *name {
	s := &single{name: name{bytes: n.first.bytes, size: n.size, first: n.first}}
	s.fill(links, s.few[:])
	return &s.name
}

// fill gives n links, into room when there is enough of it.
func (n *name) fill(links, room []link) {
	if len(links) > len(room) {
		room = make([]link, len(links))
	}
	n.count = uint32(copy(room, links))
	n.links = unsafe.SliceData(room)
}
