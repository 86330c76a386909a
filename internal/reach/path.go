package reach

import (
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/model"
)

// A Step is one person handing something out to another.
type Step struct {
	By, To string // names of people; the first one is ann
	Role   string // a profile, or [model.Assigned]
	Where  Where
	Invite bool // By may invite To, and need not find a member
}

func (s Step) String() string {
	switch {
	case s.Role == model.Assigned:
		return fmt.Sprintf("%s assigns %s %s", s.By, s.To, s.Where)
	case s.Invite:
		return fmt.Sprintf("%s invites %s as %s %s", s.By, s.To, s.Role, s.Where)
	}
	return fmt.Sprintf("%s gives %s the profile %s %s", s.By, s.To, s.Role, s.Where)
}

// A path is steps in which every person has a number, 0 for the first one.
type path struct {
	*circle
	steps  []numbered
	people int
}

type numbered struct {
	Step
	by, to int
}

// path returns how somebody comes to be p, and the name of that person.
func (c *circle) path(p person) ([]Step, string) {
	w := &path{circle: c, people: 1}
	who := 0
	if p.first {
		for _, t := range p.holds.less(c.own).tokens() {
			w.give(c.backer[t], t, who)
		}
	} else {
		who = w.person(p)
	}
	return w.named(who)
}

// named gives people their names, in the order in which they come up.
func (w *path) named(who int) ([]Step, string) {
	all := [...]string{"ann", "ben", "carl", "dora", "emil", "fay", "gus", "hal", "ida", "jan"}
	names := map[int]string{0: all[0]}
	name := func(n int) string {
		if names[n] == "" {
			names[n] = all[len(names)%len(all)]
			if round := len(names) / len(all); round > 0 {
				names[n] += fmt.Sprint(round + 1)
			}
		}
		return names[n]
	}
	var steps []Step
	for _, s := range w.steps {
		s.By, s.To = name(s.by), name(s.to)
		steps = append(steps, s.Step)
	}
	return steps, name(who)
}

// person returns somebody new who is given what p holds.
func (w *path) person(p person) int {
	n := w.people
	w.people++
	for _, t := range p.holds.tokens() {
		w.give(w.giver[t], t, n)
	}
	return n
}

// give adds what it takes for by to be there, and then the giving.
func (w *path) give(by person, t token, to int) {
	n := 0
	if by.first {
		for _, extra := range by.holds.less(w.own).tokens() {
			w.give(w.backer[extra], extra, n)
		}
	} else {
		n = w.person(by)
	}
	s := numbered{Step{Role: w.x.roles[t.bit], Where: t.where}, n, to}
	known := to == 0 || slices.ContainsFunc(w.steps, func(s numbered) bool { return s.to == to })
	s.Invite = s.Role != model.Assigned && !known && w.x.invite.allowed(by.holds, t.where, w.world)
	w.steps = append(w.steps, s)
}
