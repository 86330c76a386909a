package world

import "math/rand/v2"

// PermissionsOf is what may be listed of a user on a dossier, in order.
func (w *World) PermissionsOf(c Check) (all []Permission) {
	for c.Permission = range Listed {
		if w.Allowed(c) {
			all = append(all, c.Permission)
		}
	}
	return all
}

// DossiersFor is the IDs of the dossiers of the office on which the user may do
// the permission.
func (w *World) DossiersFor(c Check) (all []string) {
	from, until := w.DossiersOf(c.Office)
	for c.Dossier = from; c.Dossier < until; c.Dossier++ {
		if w.Allowed(c) {
			all = append(all, w.Dossiers[c.Dossier].ID)
		}
	}
	return all
}

// Lone draws n places, each the only thing that its user has on the dossier, so
// that the user has nothing there without it. They differ, where there are as
// many.
func (w *World) Lone(n int, seed uint64) []Place {
	r := rand.New(rand.NewPCG(seed, 5))
	var all []Place
	for _, i := range r.Perm(len(w.Places)) {
		p := w.Places[i]
		if w.Users[p.User].Staff == 0 {
			all = append(all, p)
		}
		if len(all) == n {
			break
		}
	}
	return all
}

// Vacant draws n places that nobody has: a client of the office who has nothing
// on the dossier. Each user and each dossier comes once, where there are as many.
func (w *World) Vacant(n int, seed uint64) []Place {
	r := rand.New(rand.NewPCG(seed, 6))
	var all []Place
	for _, i := range r.Perm(len(w.Users)) {
		u := int32(i)
		from, until := w.DossiersOf(w.Users[u].Office)
		d := from + r.Int32N(until-from)
		if w.Users[u].Staff == 0 && w.holding(u, d) == (holding{}) {
			all = append(all, Place{u, d, FullAccess})
		}
		if len(all) == n {
			break
		}
	}
	return all
}
