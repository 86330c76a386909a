package reach

import "math/bits"

// A token is a role, by its bit, that is held somewhere.
type token struct {
	bit   int
	where Where
}

// A crowd is the tokens of one person, or of many: a set of roles for each
// place.
type crowd [places]uint64

func (c *crowd) add(t token)       { c[t.where] |= 1 << t.bit }
func (c crowd) has(t token) bool   { return c[t.where]&(1<<t.bit) != 0 }
func (c crowd) with(t token) crowd { c.add(t); return c }
func (c crowd) less(o crowd) crowd { return crowd{c[0] &^ o[0], c[1] &^ o[1], c[2] &^ o[2]} }
func (c crowd) at(w Where) uint64  { return c[InTenant] | c[w] } // the tenant's count everywhere
func (c crowd) tokens() (all []token) {
	for where := range places {
		for set := c[where]; set != 0; set &= set - 1 {
			all = append(all, token{bits.TrailingZeros64(set), where})
		}
	}
	return all
}

// A person is somebody in a circle. The first one holds what it began with and
// at most one token besides, others hold at most two in all. That is enough for
// whatever a circle can do: a row that allows speaks of a profile and a link,
// and holding more only makes for more that is denied.
type person struct {
	holds crowd
	first bool
}

// A circle is who can come to be, in one world, from one who begins with own.
type circle struct {
	x     *explorer
	world int
	own   crowd

	direct crowd // what the first one gives by itself
	given  crowd // what anybody gives
	back   crowd // what others give to the first one

	directs []person // those with what the first one gives by itself
	all     []person // everybody, the first one and directs before the rest
	giver   map[token]person
	backer  map[token]person // to the first one
}

// explore lets everybody hand out what they can until there is no more.
func (x *explorer) explore(own crowd, world int) *circle {
	c := &circle{x: x, world: world, own: own, giver: map[token]person{}, backer: map[token]person{}}
	c.hand(person{own, true})
	c.direct, c.directs = c.given, people(c.given)
	for grown := true; grown; {
		given, back := c.given, c.back
		for _, p := range people(given) {
			c.hand(p)
		}
		for _, p := range c.firsts(back) {
			c.hand(p)
		}
		grown = c.given != given || c.back != back
	}
	c.all = append(append([]person{{own, true}}, c.directs...), c.firsts(c.back)...)
	if c.given != c.direct {
		c.all = append(c.all, people(c.given)...)
	}
	return c
}

// hand lets p hand out all that it can: to somebody new, and to the first one
// unless p is that.
func (c *circle) hand(p person) {
	for _, t := range c.x.gives(p.holds, c.world).tokens() {
		if !c.given.has(t) {
			c.given.add(t)
			c.giver[t] = p
		}
		if !p.first && !c.back.has(t) {
			c.back.add(t)
			c.backer[t] = p
		}
	}
}

// firsts returns the first one with each of the tokens that it can be given.
func (c *circle) firsts(back crowd) []person {
	var all []person
	for _, t := range back.less(c.own).tokens() {
		all = append(all, person{c.own.with(t), true})
	}
	return all
}

// people returns a plain member, and those who hold one or two of the tokens.
func people(given crowd) []person {
	tokens := given.tokens()
	one, two := []person{{}}, []person(nil)
	for i, t := range tokens {
		p := crowd{}.with(t)
		one = append(one, person{holds: p})
		for _, other := range tokens[i+1:] {
			two = append(two, person{holds: p.with(other)})
		}
	}
	return append(one, two...)
}
