// Package world makes the offices, dossiers and people that every engine
// decides about, and the stream of checks that they are asked.
//
//	w := world.New(world.S, 1)
//	checks := w.Checks(100_000, world.Uniform, 2)
//	w.Allowed(checks[0]) // what the accountancy pack says
//
// The same size and seed give the same world, on every machine.
package world

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A Size is how large a world is: Offices × Dossiers in each × Clients on each
// dossier.
type Size struct {
	Name                       string
	Offices, Dossiers, Clients int
}

// The sizes of the workload. XS is for tests.
var (
	XS = Size{"XS", 3, 6, 3}
	S  = Size{"S", 10, 20, 3}
	M  = Size{"M", 100, 100, 3}
	L  = Size{"L", 1000, 200, 5}
)

// Assignments is how many client places there are: the number that memory is
// divided by.
func (s Size) Assignments() int { return s.Offices * s.Dossiers * s.Clients }

// ParseSize reads the name of a size.
func ParseSize(name string) (Size, error) {
	for _, s := range []Size{XS, S, M, L} {
		if s.Name == name {
			return s, nil
		}
	}
	return Size{}, fmt.Errorf("size %q: want XS, S, M or L", name)
}

// Staff is the profile that somebody holds in an office; the zero Staff is
// none.
type Staff uint8

// The profiles of the office.
const (
	Admin Staff = 1 + iota
	Employee
	Support
)

// Name is the profile as the pack writes it, "" for none.
func (s Staff) Name() string { return [...]string{"", "admin", "employee", "support"}[s] }

// A Profile is one of the six that a client user holds on a dossier.
type Profile uint8

// The profiles of a dossier.
const (
	Administrator Profile = iota
	FullAccess
	DocumentProcessing
	DocumentProcessingArchive
	FullFeedback
	DocumentDelivery
	Profiles // how many
)

// Name is the profile as the pack writes it.
func (p Profile) Name() string {
	return [...]string{"administrator", "full_access", "document_processing",
		"document_processing_archive", "full_feedback", "document_delivery"}[p]
}

// An Office is a tenant.
type Office struct {
	ID          string
	SelfService bool // setting self_service_users
	AdminOnly   bool // setting admin_only_clients
}

// A Dossier is a client file of the office with that index.
type Dossier struct {
	ID            string
	Office        int32
	Configuration byte // 'B', 'C' or 'D'
	Private       bool
	Worklist      bool
	Payment       bool // module
	Financial     bool // module
}

// A User is a member of one office, with a profile there when it is staff.
type User struct {
	ID     string
	Office int32
	Staff  Staff
}

// A Place is a profile that a user holds on a dossier.
type Place struct {
	User, Dossier int32
	Profile       Profile
}

// A Link says that a member of staff is assigned to a dossier. The Manager of
// a dossier is one, and there is one at most.
type Link struct {
	User, Dossier int32
	Manager       bool
}

// A World is all that a decision depends on. Dossiers are in the order of
// their offices, Size.Dossiers each; the lists never change.
type World struct {
	Size     Size
	Offices  []Office
	Dossiers []Dossier
	Users    []User
	Places   []Place
	Links    []Link

	held [][]holding // by user
}

// holding is what one user has on one dossier.
type holding struct {
	dossier  int32
	profiles uint8 // one bit for each
	assigned bool
}

// New makes the world of a size. Each office has five members of staff: an
// admin, three employees, one of support. An employee manages each dossier but
// every eighth; every tenth is private, and the admin is assigned to half of
// those. Every tenth client place is held by somebody who has one elsewhere in
// the office already, and one employee of an office is a client user, too, on a
// dossier whose configuration closes something.
func New(size Size, seed uint64) *World {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &World{Size: size}
	for o := range size.Offices {
		w.addOffice(r, int32(o))
	}
	w.index()
	return w
}

func (w *World) addOffice(r *rand.Rand, o int32) {
	w.Offices = append(w.Offices, Office{ID: newID(r), SelfService: r.IntN(2) == 0, AdminOnly: r.IntN(4) == 0})
	staff := int32(len(w.Users))
	for _, s := range []Staff{Admin, Employee, Employee, Employee, Support} {
		w.Users = append(w.Users, User{newID(r), o, s})
	}
	firstClient := len(w.Users)
	firstDossier := int32(len(w.Dossiers))
	for range w.Size.Dossiers {
		d := int32(len(w.Dossiers))
		w.Dossiers = append(w.Dossiers, Dossier{
			ID: newID(r), Office: o, Configuration: "BCCD"[r.IntN(4)], Private: r.IntN(10) == 0,
			Worklist: r.IntN(3) == 0, Payment: r.IntN(2) == 0, Financial: r.IntN(3) == 0,
		})
		w.link(r, staff, d)
		var here []int32
		for range w.Size.Clients {
			u := int32(len(w.Users))
			if r.IntN(10) == 0 && len(w.Users) > firstClient {
				u = int32(firstClient + r.IntN(len(w.Users)-firstClient))
			}
			if slices.Contains(here, u) {
				u = int32(len(w.Users))
			}
			if int(u) == len(w.Users) {
				w.Users = append(w.Users, User{ID: newID(r), Office: o})
			}
			here = append(here, u)
			w.Places = append(w.Places, Place{u, d, Profile(r.IntN(int(Profiles)))})
		}
	}
	// Staff and client at once: only there does the ceiling of a configuration
	// meet an allow of another profile.
	for _, l := range w.Links {
		if l.Dossier >= firstDossier && w.Users[l.User].Staff == Employee && w.Dossiers[l.Dossier].Configuration != 'C' {
			w.Places = append(w.Places, Place{l.User, l.Dossier, FullAccess})
			break
		}
	}
}

func (w *World) link(r *rand.Rand, staff, d int32) {
	if r.IntN(8) > 0 {
		w.Links = append(w.Links, Link{staff + 1 + r.Int32N(3), d, true})
	}
	if r.IntN(4) == 0 {
		w.Links = append(w.Links, Link{staff + 4, d, false})
	}
	if w.Dossiers[d].Private && r.IntN(2) == 0 {
		w.Links = append(w.Links, Link{staff, d, false})
	}
}

// newID makes an ID of the form of a UUID of version 7, which is what an ID
// looks like by default.
func newID(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-7%03x-%04x-%012x",
		0x0190_0000+uint32(a>>48), uint16(a>>32), uint16(a>>16)&0xfff, uint16(b>>48)&0x3fff|0x8000, b&0xffff_ffff_ffff)
}

func (w *World) index() {
	w.held = make([][]holding, len(w.Users))
	at := func(u, d int32) *holding {
		i, ok := slices.BinarySearchFunc(w.held[u], d, func(h holding, d int32) int { return cmp.Compare(h.dossier, d) })
		if !ok {
			w.held[u] = slices.Insert(w.held[u], i, holding{dossier: d})
		}
		return &w.held[u][i]
	}
	for _, p := range w.Places {
		at(p.User, p.Dossier).profiles |= 1 << p.Profile
	}
	for _, l := range w.Links {
		at(l.User, l.Dossier).assigned = true
	}
}

// DossiersOf are the indexes of the dossiers of an office: from, until before.
func (w *World) DossiersOf(office int32) (from, until int32) {
	n := int32(w.Size.Dossiers)
	return office * n, (office + 1) * n
}

// Copy returns w with IDs of its own, so that an engine that keeps them pays
// for them as if it had read them from a database.
func (w *World) Copy() *World {
	c := *w
	c.Offices, c.Dossiers, c.Users = slices.Clone(w.Offices), slices.Clone(w.Dossiers), slices.Clone(w.Users)
	for i := range c.Offices {
		c.Offices[i].ID = strings.Clone(c.Offices[i].ID)
	}
	for i := range c.Dossiers {
		c.Dossiers[i].ID = strings.Clone(c.Dossiers[i].ID)
	}
	for i := range c.Users {
		c.Users[i].ID = strings.Clone(c.Users[i].ID)
	}
	return &c
}
