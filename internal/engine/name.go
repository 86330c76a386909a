package engine

import "unsafe"

// A name is a text that rows mention. A snapshot and those made from it have
// one for each text, so that names are compared by their address.
type name struct{ text string }

// newName returns the name of a copy of text. The usual lengths, of a user and
// of a dossier with UUIDs, lie behind the name itself: a check that compares the
// text waits for memory once and not twice, and nothing takes more room.
func newName(text string) *name {
	switch {
	case len(text) <= len(user{}.buf):
		n := new(user)
		n.text = inside(n.buf[:copy(n.buf[:], text)])
		return &n.name
	case len(text) <= len(dossier{}.buf):
		n := new(dossier)
		n.text = inside(n.buf[:copy(n.buf[:], text)])
		return &n.name
	}
	return &name{text}
}

type (
	user struct {
		name
		buf [48]byte
	}
	dossier struct {
		name
		buf [80]byte
	}
)

// inside returns bytes that nobody changes any more as a string, in place.
func inside(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
