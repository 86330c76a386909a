package engine

import "unsafe"

// A name is a text that rows mention, with the links of its entry in a table. A
// snapshot and those made from it have one first name for each text, by whose
// address places are compared; a change of the links makes another name of it.
type name struct {
	bytes *byte
	size  uint32 // of them
	count uint32 // of links
	first *name  // of this text: what links point to
	links *link
}

func (n *name) text() string { return unsafe.String(n.bytes, n.size) }

func (n *name) each() []link { return unsafe.Slice(n.links, n.count) }

// The usual texts, those of a user and of a dossier with UUIDs, lie behind the
// name itself, and so do a few links: a check that compares the text and follows
// the links waits for one place of memory and not for three.
type (
	user struct {
		name
		buf [48]byte
		few [2]link
	}
	dossier struct {
		name
		buf [80]byte
		few [7]link
	}
	apart struct { // has the text of the first name
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
	case len(text) <= len(user{}.buf):
		u := new(user)
		n, buf, few = &u.name, u.buf[:], u.few[:]
	case len(text) <= len(dossier{}.buf):
		d := new(dossier)
		n, buf, few = &d.name, d.buf[:], d.few[:]
	default:
		n, buf = new(name), make([]byte, len(text))
	}
	copy(buf, text)
	n.bytes, n.size = unsafe.SliceData(buf), uint32(len(text))
	return n, few
}

// newName returns a first name of a copy of text, and room for a few links.
func newName(text string) (*name, []link) {
	n, few := makeName(text)
	n.first = n
	return n, few
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
	a := &apart{name: name{bytes: n.bytes, size: n.size, first: n.first}}
	a.fill(links, a.few[:])
	return &a.name
}

// fill gives n links, into room when there is enough of it.
func (n *name) fill(links, room []link) {
	if len(links) > len(room) {
		room = make([]link, len(links))
	}
	n.count = uint32(copy(room, links))
	n.links = unsafe.SliceData(room)
}
