package engine

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/volmacht/volmacht/model"
)

// A Policy is a model and the rows of a pack, compiled once for all tenants.
// It is safe for concurrent use.
//
// It has a bit for each p row. For every name that p rows ask a link to there
// is the set of rows that ask for it, and of those that ask for what the name
// leads to by the pack's own links. So a check is a union of a few such sets,
// and an intersection over the clauses of the matcher.
type Policy struct {
	model   *model.Model
	pack    []model.Rule
	graphs  []graph
	domains int  // graphs whose rows have a domain
	indexed bool // or Casbin answers
	whole   bool // all graphs that the matcher asks are

	rows    []model.Rule // the p rows
	words   int          // in a set of rows
	allow   []uint64
	deny    []uint64
	every   *mask
	ones    *mask // every, for each field that asks for links of a graph
	sources []source
	clauses []condition
	dynamic []int // sources that depend on the subject or the domain
	static  []int // and those that do not

	// paired says that the dynamic sources are links of the subject in the domain, of
	// the first graph, and then links of the domain, of the second.
	paired               bool
	whoGraph, whereGraph int

	masks masks
	memo  *memo // nil: nothing is remembered

	mu   sync.Mutex
	sets map[string]*set
}

// A graph is the links of one sort of row: g, g2 or another.
type graph struct {
	key    string
	fields int
	asked  []int // the fields of p rows that ask for a link
	names  map[string]*known
	sizes  [256]uint64 // by first byte, the lengths of the names
	links  map[string][]packLink

	// whole says that the sets of the names tell all that the pack's links
	// lead to: these hold in every domain, and in short chains.
	whole bool
}

// A known name is one that p rows or links of the pack mention. Its sets of
// rows are one for each field that asks, one after the other.
type known struct {
	direct []uint64 // rows that ask for the name
	closed *mask    // and for all that the pack's links lead to
}

type packLink struct {
	to, domain string
	row        model.Rule
}

// maxChain is how many links Casbin follows from a name before it gives up.
// What is closed may follow a link to a team, and one from there.
const maxChain, maxClosed = 10, 8

// A source yields the rows that one value of a request meets a condition of.
type source struct {
	atomKind
	graph, ask int
	text       string
	rows       map[string]*mask // by the row's field, for equal and matched
}

// A condition is a clause on sets of rows: always, or the union of the terms.
type condition struct {
	always []uint64
	terms  []term
	static bool // depends on the object and the action alone
}

type term struct {
	source, offset int
	dynamic        int // the position among the dynamic sources, or -1
}

// Compile returns the policy of a model and the rows of a pack. It refuses rows
// that the model has no room for. [Compiles] tells whether there is an index;
// without one, Casbin answers.
func Compile(m *model.Model, pack []model.Rule) (*Policy, error) {
	p := &Policy{model: m, pack: pack, sets: make(map[string]*set)}
	clauses, err := compileMatcher(m)
	p.indexed = err == nil
	links := map[string]int{"g": 3, "g2": 2, "g3": 2} // which authz writes: without a meaning they are kept
	maps.Copy(links, m.Links)
	for key, fields := range links {
		p.graphs = append(p.graphs, graph{key: key, fields: fields, names: make(map[string]*known), links: make(map[string][]packLink)})
		if fields > 2 {
			p.domains++
		}
	}
	slices.SortFunc(p.graphs, func(a, b graph) int { return model.NewRule(a.key).Compare(model.NewRule(b.key)) })
	for _, r := range pack {
		if err := p.add(r); err != nil {
			return nil, err
		}
	}
	if !p.indexed {
		rows := make([]Row, len(pack))
		for i, r := range pack {
			rows[i] = Row{Rule: r}
		}
		_, err := NewCasbin(m.Text, rows)
		return p, err
	}
	if len(p.rows) == 0 { // Casbin tries one row of empty fields then
		p.rows = append(p.rows, model.Rule{PType: "p"})
	}
	p.compile(clauses)
	return p, nil
}

func (p *Policy) add(r model.Rule) error {
	if r.PType == "p" {
		if n := len(r.Fields()); n != len(p.model.Fields) {
			return fmt.Errorf("engine: %v: %d fields: want %d", r, n, len(p.model.Fields))
		}
		if i := p.model.Field("eft"); i >= 0 && r.V[i] != "allow" && r.V[i] != "deny" {
			return fmt.Errorf("engine: %v: effect %q: want allow or deny", r, r.V[i])
		}
		p.rows = append(p.rows, r)
		return nil
	}
	i, err := p.sort(r)
	if err == nil {
		l := packLink{r.V[1], r.V[2], r}
		p.graphs[i].links[r.V[0]] = append(p.graphs[i].links[r.V[0]], l)
	}
	return err
}

// slot returns where in a snapshot r is.
func (p *Policy) slot(r model.Rule) (slot, error) {
	g, err := p.sort(r)
	if err != nil {
		return slot{}, err
	}
	return slot{p.kind(g, r.V[1]), r.V[0], r.V[2]}, nil
}

// kind returns the kind of the rows of a graph that link to a name.
func (p *Policy) kind(graph int, name string) kind {
	return kind{graph, p.graphs[graph].names[name] == nil}
}

// sort returns the graph that r is a link of.
func (p *Policy) sort(r model.Rule) (int, error) {
	i := p.graph(r.PType)
	if i < 0 {
		return 0, fmt.Errorf("engine: %v: the model has no rows of that type", r)
	}
	n := p.graphs[i].fields
	for j, v := range r.V {
		if (v == "") != (j >= n) {
			return 0, fmt.Errorf("engine: %v: want %d fields", r, n)
		}
	}
	return i, nil
}

// graph returns the number of the graph of a sort of row, or -1. slices.IndexFunc would
// copy each of them, 2 kB.
func (p *Policy) graph(key string) int {
	for i := range p.graphs {
		if p.graphs[i].key == key {
			return i
		}
	}
	return -1
}

func (p *Policy) compile(clauses []clause) {
	p.words = (len(p.rows) + 63) / 64
	p.allow, p.deny = p.none(1), p.none(1)
	eft := p.model.Field("eft")
	for i, r := range p.rows {
		if eft >= 0 && r.V[eft] == "deny" {
			set1(p.deny, i)
		} else {
			set1(p.allow, i)
		}
	}
	every := slices.Clone(p.allow)
	union(every, p.deny)
	p.every = p.masks.of(every)
	for _, c := range clauses {
		p.clauses = append(p.clauses, p.condition(c))
	}
	for i := range p.graphs {
		p.close(&p.graphs[i])
	}
	most := 1
	for i := range p.graphs {
		most = max(most, len(p.graphs[i].asked))
	}
	p.ones = p.masks.of(slices.Repeat(every, most))
	p.whole = true
	for i, s := range p.sources {
		if s.ask < askObj {
			p.dynamic = append(p.dynamic, i)
		} else {
			p.static = append(p.static, i)
		}
		p.whole = p.whole && (s.graph < 0 || p.graphs[s.graph].whole)
	}
	p.whole = p.whole && len(p.dynamic) <= maxDynamic
	p.shape()
	for _, c := range p.clauses {
		for i := range c.terms {
			c.terms[i].dynamic = slices.Index(p.dynamic, c.terms[i].source)
		}
	}
}

// shape tells whether the dynamic sources are paired.
func (p *Policy) shape() {
	if len(p.dynamic) != 2 {
		return
	}
	who, where := &p.sources[p.dynamic[0]], &p.sources[p.dynamic[1]]
	p.paired = who.atomKind == linked && who.ask == askSub && p.graphs[who.graph].fields == 3 &&
		where.atomKind == linked && where.ask == askDom && p.graphs[where.graph].fields == 2
	p.whoGraph, p.whereGraph = who.graph, where.graph
}

// Roles returns the positions in p rows of the names that the matcher asks the
// subject to be linked to. It reports false when Casbin decides, and nobody
// knows.
func (p *Policy) Roles() (fields []int, known bool) {
	for _, s := range p.sources {
		if s.atomKind == linked && s.ask == askSub {
			fields = append(fields, p.graphs[s.graph].asked...)
		}
	}
	return fields, p.indexed
}

// none returns n empty sets of rows.
func (p *Policy) none(n int) []uint64 { return make([]uint64, n*p.words) }

func set1(bits []uint64, i int) { bits[i/64] |= 1 << (i % 64) }

func has1(bits []uint64, i int) bool { return bits[i/64]>>(i%64)&1 != 0 }

func union(into, bits []uint64) {
	for i, w := range bits {
		into[i] |= w
	}
}

func (p *Policy) condition(c clause) condition {
	made := condition{always: p.none(1), static: true}
	for _, a := range c {
		if a.kind == rowText {
			for i, r := range p.rows {
				if r.V[a.row] == a.text {
					set1(made.always, i)
				}
			}
			continue
		}
		made.terms = append(made.terms, p.term(a))
		made.static = made.static && a.ask >= askObj
	}
	return made
}

func (p *Policy) term(a atom) term {
	s := source{atomKind: a.kind, graph: -1, ask: a.ask, text: a.text}
	offset := 0
	if a.kind == linked {
		s.graph = p.graph(a.link)
		g := &p.graphs[s.graph]
		if !slices.Contains(g.asked, a.row) {
			g.asked = append(g.asked, a.row)
		}
		offset = slices.Index(g.asked, a.row) * p.words
	} else if a.kind != asksText {
		rows := make(map[string][]uint64)
		for i, r := range p.rows {
			if rows[r.V[a.row]] == nil {
				rows[r.V[a.row]] = p.none(1)
			}
			set1(rows[r.V[a.row]], i)
		}
		s.rows = make(map[string]*mask, len(rows))
		for text, bits := range rows {
			s.rows[text] = p.masks.of(bits)
		}
	}
	for i, o := range p.sources {
		if a.kind == linked && o.atomKind == linked && o.graph == s.graph && o.ask == s.ask {
			return term{i, offset, -1}
		}
	}
	p.sources = append(p.sources, s)
	return term{len(p.sources) - 1, offset, -1}
}

// close makes the sets of the names of a graph.
func (p *Policy) close(g *graph) {
	g.whole = true
	add := func(text string) *known {
		k := g.names[text]
		if k == nil {
			k = &known{direct: p.none(len(g.asked))}
			g.names[text] = k
			if text != "" {
				g.sizes[text[0]] |= 1 << (len(text) & 63)
			}
		}
		return k
	}
	for j, field := range g.asked {
		for i, r := range p.rows {
			set1(add(r.V[field]).direct[j*p.words:], i)
		}
	}
	for from, links := range g.links {
		add(from)
		for _, l := range links {
			add(l.to)
			g.whole = g.whole && (g.fields == 2 || l.domain[0] == '*')
		}
	}
	for text, k := range g.names {
		closed := slices.Clone(k.direct)
		reached := []string{text}
		for depth, done := 0, 0; done < len(reached); depth++ {
			g.whole = g.whole && depth <= maxClosed
			for level := len(reached); done < level; done++ {
				for _, l := range g.links[reached[done]] {
					if !slices.Contains(reached, l.to) {
						reached = append(reached, l.to)
						union(closed, g.names[l.to].direct)
					}
				}
			}
		}
		k.closed = p.masks.of(closed)
	}
}

// known returns the known name of that text, or nil. Most subjects and domains
// are told by their length.
func (g *graph) known(text string) *known {
	if text == "" || g.sizes[text[0]]>>(len(text)&63)&1 == 0 {
		return nil
	}
	return g.names[text]
}
