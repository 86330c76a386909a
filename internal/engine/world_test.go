package engine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// A law is a random model of those that the index takes.
type law struct {
	fields []string
	links  map[string]int
	effect string
	when   condition
	model  *model.Model
}

var asked = []string{"sub", "dom", "obj", "act"}

func (l *law) write(c condition) string {
	r := func(i int) string { return "r." + asked[i] }
	p := func(i int) string { return "p." + l.fields[i] }
	join := func(parts []condition, op string) string {
		var texts []string
		for _, part := range parts {
			texts = append(texts, l.write(part))
		}
		return "(" + strings.Join(texts, op) + ")"
	}
	switch c := c.(type) {
	case all:
		return join(c, " && ")
	case either:
		return join(c, " || ")
	case linked:
		if c.domain {
			return fmt.Sprintf("%s(%s, %s, r.dom)", c.key, r(c.asked), p(c.held))
		}
		return fmt.Sprintf("%s(%s, %s)", c.key, r(c.asked), p(c.held))
	case matches:
		return fmt.Sprintf("keyMatch(%s, %s)", r(c.asked), p(c.held))
	case same:
		if c.flipped {
			return p(c.held) + " == " + r(c.asked)
		}
		return r(c.asked) + " == " + p(c.held)
	case heldIs:
		return fmt.Sprintf("%s == %q", p(c.held), c.word)
	case askedIs:
		return fmt.Sprintf("%s == '%s'", r(c.asked), c.word)
	}
	panic("no such condition")
}

// newLaw draws a model. One in three is that of the shipped packs, and those of
// single worlds are.
func newLaw(t *testing.T, w *world) *law {
	t.Helper()
	l := &law{fields: []string{"sub", "via", "dom", "obj", "act", "eft"}, links: map[string]int{"g": 3, "g2": 2, "g3": 2}, effect: model.DenyOverride}
	standard := w.single || w.IntN(3) == 0
	if !standard {
		for _, f := range []string{"via", "dom", "eft"} {
			if w.IntN(3) == 0 {
				l.fields = slices.DeleteFunc(l.fields, func(g string) bool { return f == g })
			}
		}
		w.Shuffle(len(l.fields), func(i, j int) { l.fields[i], l.fields[j] = l.fields[j], l.fields[i] })
		l.links["g"], l.links["g2"], l.links["g3"] = 2+w.IntN(2), 2+w.IntN(2), 2+w.IntN(2)
		for _, key := range []string{"g3", "g2"} {
			if w.IntN(4) > 0 {
				break
			}
			delete(l.links, key)
		}
		l.effect = []string{model.AllowOverride, model.DenyOverride, engine.AllowUnlessDenied}[w.IntN(3)]
	}
	var parts all
	for ask, f := range asked {
		if i := slices.Index(l.fields, f); i >= 0 {
			parts = append(parts, l.about(w, ask, i, standard))
		}
		if i := slices.Index(l.fields, "via"); f == "sub" && i >= 0 {
			parts = append(parts, either{heldIs{i, "any"}, l.link("g", ask, i)})
		}
	}
	l.when = parts
	if !standard {
		l.when = l.shaken(w, parts)
	}
	text := "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = " + strings.Join(l.fields, ", ") + "\n[role_definition]\n"
	for _, key := range []string{"g", "g2", "g3"} {
		if n := l.links[key]; n > 0 {
			text += key + " = " + strings.TrimSuffix(strings.Repeat("_, ", n), ", ") + "\n"
		}
	}
	effect := l.effect
	if effect == engine.AllowUnlessDenied { // which no pack may have
		effect = model.DenyOverride
	}
	text += "[policy_effect]\ne = " + effect + "\n[matchers]\nm = " + l.write(l.when) + "\n"
	var err error
	l.model, err = model.ReadModel("model.conf", []byte(text))
	require.NoError(t, err)
	l.model.Effect = l.effect
	l.model.Text = strings.Replace(l.model.Text, "e = "+effect, "e = "+l.effect, 1)
	require.True(t, engine.Compiles(l.model), "%s", l.model.Text)
	return l
}

func (l *law) link(key string, ask, held int) condition {
	return linked{key, l.links[key] == 3, ask, held}
}

// about draws the condition on one field.
func (l *law) about(w *world, ask, held int, standard bool) condition {
	key := [4]string{"g", "g2", "g3", ""}[ask]
	if standard {
		switch ask {
		case 0:
			return l.link(key, ask, held)
		case 1:
			return either{heldIs{held, "any"}, l.link(key, ask, held)}
		case 2:
			return either{heldIs{held, "*"}, l.link(key, ask, held)}
		}
		return either{heldIs{held, "*"}, same{ask, held, false}}
	}
	if w.IntN(12) == 0 { // any link on any field
		key = []string{"g", "g2", "g3"}[w.IntN(3)]
	}
	var c condition = same{ask, held, w.IntN(2) == 0}
	switch n := w.IntN(4); {
	case n < 2 && l.links[key] > 0:
		c = l.link(key, ask, held)
	case n == 2:
		c = matches{ask, held}
	}
	switch w.IntN(6) {
	case 0:
		c = either{c, heldIs{held, []string{"any", "*"}[w.IntN(2)]}}
	case 1:
		c = either{askedIs{ask, [4][]string{w.subjects, w.domains, w.objects, w.actions}[ask][0]}, c}
	}
	return c
}

// shaken puts parts together in another order, and now and then with "or".
func (l *law) shaken(w *world, parts all) condition {
	w.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	if len(parts) < 2 || w.IntN(3) > 0 {
		return parts
	}
	cut := 1 + w.IntN(len(parts)-1)
	if w.IntN(2) == 0 {
		return all{l.shaken(w, parts[:cut]), l.shaken(w, parts[cut:])}
	}
	return all{either{l.shaken(w, parts[:cut]), parts[len(parts)-1]}, l.shaken(w, parts[cut:])}
}

// row draws a row of the model. Timed is for links.
func (w *world) row(l *law, ptype string) engine.Row {
	if ptype == "p" {
		fields := make([]string, len(l.fields))
		for i, f := range l.fields {
			switch f {
			case "sub":
				fields[i] = w.role()
			case "via":
				fields[i] = w.pick([]string{"any", "any", "assigned"}, "client")
			case "dom":
				fields[i] = w.pick(w.traits, "any", "x/d", "x/*")
				if w.tidy {
					fields[i] = w.pick(w.traits[:4], "any")
				}
			case "obj":
				fields[i] = w.pick(w.objects, "*", "doc*")
			case "act":
				fields[i] = w.pick(w.actions, "*")
			case "eft":
				fields[i] = w.pick([]string{"allow", "allow", "allow"}, "deny")
			}
		}
		return engine.Row{Rule: model.NewRule("p", fields...)}
	}
	var fields []string
	switch ptype {
	case "g":
		fields = []string{w.pick(w.subjects, w.roles...), w.pick(w.roles)}
		if w.tidy || w.IntN(2) == 0 {
			fields[0] = w.pick(w.subjects)
		}
	case "g2":
		fields = []string{w.pick(w.domains, "x/*", "y/*", "shared"), w.pick(w.traits)}
		if w.tidy {
			switch w.IntN(3) {
			case 0:
				fields = []string{w.pick(w.domains[:3]), "x/*"}
			case 1:
				fields = []string{"x/*", w.pick(w.traits[:4])}
			}
			if fields[0] == "shared" {
				fields[0] = "x/*"
			}
		}
	default:
		fields = []string{w.pick(w.objects), w.pick(w.objects)}
	}
	if n, defined := l.links[ptype]; n == 3 || !defined && ptype == "g" {
		fields = append(fields, w.pick(w.patterns))
	}
	return w.timed(model.NewRule(ptype, fields...))
}

func (w *world) role() string {
	if w.tidy {
		return w.pick(w.roles[:4])
	}
	return w.pick(w.roles, "user:a")
}

// chain returns links in a row, about as many as Casbin follows.
func (w *world) chain() []model.Rule {
	var rules []model.Rule
	from := w.pick(w.subjects)
	n := 9 + w.IntN(4)
	for i := range n {
		to := fmt.Sprintf("r%d", i)
		if i == n-1 {
			to = w.role()
		}
		rules = append(rules, model.NewRule("g", from, to, "*"))
		from = to
	}
	return rules
}

// wide returns links of somebody in many domains and of many in one domain, more
// than an entry keeps together. From here on w draws these names too.
func (w *world) wide(l *law) []model.Rule {
	var rules []model.Rule
	for i := range 40 {
		domain, user := fmt.Sprintf("x/w%d", i), fmt.Sprintf("user:w%d", i)
		rules = append(rules, model.NewRule("g", "user:a", w.pick(w.roles), domain), model.NewRule("g", user, w.pick(w.roles), "x/d"))
		if l.links["g2"] != 3 {
			rules = append(rules, model.NewRule("g2", domain, w.pick(w.traits[:4])))
		}
		w.domains, w.patterns, w.subjects = append(w.domains, domain), append(w.patterns, domain), append(w.subjects, user)
	}
	// Half of what is drawn is still of the few.
	for len(w.domains) < 80 {
		w.domains, w.patterns, w.subjects = append(w.domains, "x/d"), append(w.patterns, "x/d"), append(w.subjects, "user:a")
	}
	return rules
}

// A scene is a pack and a tenant whose rows change.
type scene struct {
	law   *law
	pack  []model.Rule
	steps []step // the first makes the tenant

	recalls bool // all that can be remembered is, before it is asked again
}

type step struct{ added, removed []engine.Row }

func newScene(t *testing.T, w *world, changes int) *scene {
	w.tidy = w.IntN(2) == 0
	if w.single = w.tidy && w.IntN(2) == 0; w.single {
		w.subjects = []string{"user:a", "user:b", "user:c", "team:t"}
		w.roles = []string{"admin", "clerk", "client", "assigned", "admin", "clerk", "client", "assigned", "team:t"}
		w.domains = []string{"x/", "x/d", "x/e", "x/d", "x/e", "y/d"}
		w.patterns = []string{"x/", "x/d", "x/e", "y/d", "x/*", "x/*", "x/*"}
	}
	s := &scene{law: newLaw(t, w), recalls: w.single}
	add := func(ptype string, n int) {
		for range n {
			if r := w.row(s.law, ptype).Rule; !slices.Contains(s.pack, r) {
				s.pack = append(s.pack, r)
			}
		}
	}
	if w.IntN(50) > 0 {
		add("p", 1+w.IntN(10))
	}
	if w.IntN(4) == 0 {
		add("p", 70) // more than a word of bits holds
	}
	if w.single {
		add("p", 10) // so that most names are known
	}
	for ptype := range s.law.links {
		if w.IntN(2) == 0 && !w.tidy {
			add(ptype, w.IntN(4))
		}
	}
	if w.tidy && s.law.links["g"] == 3 {
		for range w.IntN(3) {
			if r := model.NewRule("g", w.role(), w.role(), "*"); !slices.Contains(s.pack, r) {
				s.pack = append(s.pack, r)
			}
		}
	}
	var chain []model.Rule
	if s.law.links["g"] == 3 && w.IntN(6) == 0 {
		chain = w.chain()
		if cut := w.IntN(3); cut < 2 { // its end, or most of it, in the pack
			at := []int{1, len(chain) / 2}[cut]
			s.pack, chain = append(s.pack, chain[at:]...), chain[:at]
			slices.SortFunc(s.pack, model.Rule.Compare)
			s.pack = slices.Compact(s.pack)
		}
	}
	if s.law.links["g"] == 3 && w.IntN(2) == 0 { // as packs have them, everywhere
		for i, r := range s.pack {
			if r.PType == "g" {
				s.pack[i].V[2] = "*"
			}
		}
		slices.SortFunc(s.pack, model.Rule.Compare)
		s.pack = slices.Compact(s.pack)
	}
	var wide []model.Rule
	if s.law.links["g"] == 3 && w.IntN(20) == 0 {
		wide = w.wide(s.law)
	}
	rows := make(map[model.Rule]engine.Row)
	for i := range 1 + changes {
		var st step
		n := 1 + w.IntN(3)
		if i == 0 {
			n = 5 + w.IntN(25)
			if w.single {
				n += 20
			}
			for _, r := range append(chain, wide...) {
				if !slices.Contains(s.pack, r) {
					st.added = append(st.added, engine.Row{Rule: r})
				}
			}
		}
		for range n {
			sorts := 6
			if w.tidy {
				sorts = 5 // authz writes no g3 rows for a tenant
			}
			r := w.row(s.law, []string{"g", "g", "g", "g2", "g2", "g3"}[w.IntN(sorts)])
			if !w.tidy && w.IntN(16) == 0 {
				r = w.row(s.law, "p")
			}
			if _, there := rows[r.Rule]; slices.Contains(s.pack, r.Rule) ||
				slices.ContainsFunc(st.added, func(o engine.Row) bool { return o.Rule == r.Rule }) || there && i == 0 {
				continue
			}
			st.added = append(st.added, r)
		}
		if i > 0 {
			for r, row := range rows {
				if len(st.removed) < 3 && w.IntN(len(rows)) < 2 {
					st.removed = append(st.removed, row)
					delete(rows, r)
				}
			}
		}
		for _, r := range st.added {
			rows[r.Rule] = r
		}
		s.steps = append(s.steps, st)
	}
	return s
}

// rows returns all rows after some of the steps, those of the pack first.
func (s *scene) rows(steps int) []engine.Row {
	var rows []engine.Row
	for _, r := range s.pack {
		rows = append(rows, engine.Row{Rule: r})
	}
	for _, st := range s.steps[:steps] {
		for _, gone := range append(slices.Clone(st.removed), st.added...) {
			rows = slices.DeleteFunc(rows, func(r engine.Row) bool { return r.Rule == gone.Rule })
		}
		rows = append(rows, st.added...)
	}
	return slices.DeleteFunc(rows, func(r engine.Row) bool { // what the model gives no meaning
		_, link := s.law.links[r.PType]
		return !link && r.PType != "p"
	})
}

// snapshots returns the snapshot after each step.
func (s *scene) snapshots() ([]*engine.Snapshot, error) {
	p, err := engine.Compile(s.law.model, s.pack)
	if err != nil {
		return nil, err
	}
	bits := uint8(4) // soon full
	if s.recalls {
		bits = 9
	}
	p.RememberFew(questions(p, newWorld(nil)), bits)
	snapshot, err := p.Snapshot(slices.Values(s.steps[0].added))
	made := []*engine.Snapshot{snapshot}
	for _, st := range s.steps[1:] {
		if err != nil {
			return nil, err
		}
		snapshot, err = snapshot.With(st.added, st.removed)
		made = append(made, snapshot)
	}
	return made, err
}

// questions returns one for each thing that w asks about.
func questions(p *engine.Policy, w *world) []*engine.Question {
	var qs []*engine.Question
	for _, object := range w.objects {
		for _, action := range w.actions {
			qs = append(qs, p.Question(object, action))
		}
	}
	return qs
}

func (s *scene) naive(steps int, at time.Time) *naive {
	return newNaive(s.law, s.rows(steps), at)
}

func newSeeded(seed uint64, stream uint64) *world {
	return newWorld(rand.New(rand.NewPCG(seed, stream)))
}
