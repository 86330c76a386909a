package world

import (
	"math/rand/v2"
)

// A Check is one question, in indexes of the world. Dossier is negative for
// one about the office itself.
type Check struct {
	User, Office, Dossier int32
	Permission            Permission
}

// A Skew is how often the stream asks about which user.
type Skew string

// Uniform asks about every user as often; Zipf mostly about a few, with an
// exponent of 1.1.
const (
	Uniform Skew = "uniform"
	Zipf    Skew = "zipf"
)

// Checks makes a stream of n checks, exactly half of which (rounded down) are
// allowed. Half of them are about a dossier on which the user holds something,
// where there is one, and of the rest most are about another of the office;
// some are about the office itself, or about one that the user is not in.
func (w *World) Checks(n int, skew Skew, seed uint64) []Check {
	r := rand.New(rand.NewPCG(seed, 2))
	user := func() int32 { return r.Int32N(int32(len(w.Users))) }
	if skew == Zipf {
		// The rank of a user must say nothing of its office or its profile.
		order := r.Perm(len(w.Users))
		zipf := rand.NewZipf(r, 1.1, 1, uint64(len(w.Users)-1))
		user = func() int32 { return int32(order[zipf.Uint64()]) }
	}
	checks := make([]Check, n)
	for i := range checks {
		checks[i] = w.check(r, user(), i < n/2)
	}
	r.Shuffle(n, func(i, j int) { checks[i], checks[j] = checks[j], checks[i] })
	return checks
}

// check draws questions about u until one has the wanted answer. Everybody is
// allowed something and denied something.
func (w *World) check(r *rand.Rand, u int32, allowed bool) Check {
	for {
		if c := w.draw(r, u); w.Allowed(c) == allowed {
			return c
		}
	}
}

func (w *World) draw(r *rand.Rand, u int32) Check {
	c := Check{User: u, Office: w.Users[u].Office, Dossier: -1}
	switch n := r.IntN(100); {
	case n < 8:
		c.Permission = OnDossier + Permission(r.IntN(int(InOffice)))
		return c
	case n < 16:
		c.Office = r.Int32N(int32(len(w.Offices)))
	case n < 50 && len(w.held[u]) > 0:
		c.Dossier = w.held[u][r.IntN(len(w.held[u]))].dossier
	}
	if c.Dossier < 0 {
		from, until := w.DossiersOf(c.Office)
		c.Dossier = from + r.Int32N(until-from)
	}
	c.Permission = Permission(r.IntN(int(OnDossier)))
	return c
}

// Of draws checks for the lists: who is asked about is of
// that staff, or a client user, and the permission is one they may well have.
func (w *World) Of(staff Staff, n int, seed uint64) []Check {
	r := rand.New(rand.NewPCG(seed, 3))
	checks := make([]Check, 0, n)
	for len(checks) < n {
		u := r.Int32N(int32(len(w.Users)))
		if staff != 0 {
			o := r.IntN(len(w.Offices))
			u = w.First(int32(o), staff)
		}
		if w.Users[u].Staff != staff || len(w.held[u]) == 0 && staff == 0 {
			continue
		}
		c := w.draw(r, u)
		c.Office = w.Users[u].Office
		if from, until := w.DossiersOf(c.Office); c.Dossier < from || c.Dossier >= until {
			c.Dossier = from + r.Int32N(until-from)
		}
		if staff == 0 {
			c.Dossier = w.held[u][0].dossier
		}
		c.Permission = []Permission{SeeDossier, ViewFigure, ViewDocument}[len(checks)%3]
		checks = append(checks, c)
	}
	return checks
}

// First returns the first user of office with a staff profile. Staff come
// before the clients of their office.
func (w *World) First(office int32, staff Staff) int32 {
	lo, hi := 0, len(w.Users)
	for lo < hi {
		if mid := (lo + hi) / 2; w.Users[mid].Office < office {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for w.Users[lo].Staff != staff {
		lo++
	}
	return int32(lo)
}
