package engine_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

var noon = time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)

func standard(t *testing.T) *model.Model {
	t.Helper()
	m, err := model.ReadModel("model.conf", []byte(engine.Standard))
	require.NoError(t, err)
	return m
}

// A world draws rows and requests from few enough words that they meet.
type world struct {
	*rand.Rand
	subjects, roles, domains, patterns, traits, objects, actions []string

	// tidy worlds are as authz makes them: nothing but people and teams holds
	// profiles, and no row of a pack speaks of a tenant's names.
	tidy bool

	// single ones are tidy, and have one pattern and most rows for good, as a tenant
	// has.
	single bool
}

func newWorld(r *rand.Rand) *world {
	return &world{
		Rand:     r,
		subjects: []string{"user:a", "user:b", "user:c", "team:t", "team:u"},
		roles:    []string{"admin", "clerk", "client", "assigned", "team:t", "team:u"},
		domains:  []string{"x/", "x/d", "x/e", "y/", "y/d"},
		patterns: []string{"x/", "x/d", "x/e", "y/d", "x/*", "y/*", "*"},
		traits:   []string{"tenant", "dossier", "shared", "module:m", "x/*", "y/*", "*"},
		objects:  []string{"figure", "document", "document:own", "all"},
		actions:  []string{"view", "edit"},
	}
}

func (w *world) pick(words []string, more ...string) string {
	n := w.IntN(len(words) + len(more))
	if n < len(words) {
		return words[n]
	}
	return more[n-len(words)]
}

func (w *world) rows() []engine.Row {
	seen := make(map[model.Rule]bool)
	var rows []engine.Row
	add := func(r engine.Row) {
		if !seen[r.Rule] {
			seen[r.Rule] = true
			rows = append(rows, r)
		}
	}
	for range 2 + w.IntN(12) {
		effect := "allow"
		if w.IntN(6) == 0 {
			effect = "deny"
		}
		add(engine.Row{Rule: model.NewRule("p", w.pick(w.roles, "user:a"), w.pick([]string{"any", "any", "assigned"}, "client"),
			w.pick(w.traits, "any", "x/d"), w.pick(w.objects, "*"), w.pick(w.actions, "*"), effect)})
	}
	for range 4 + w.IntN(16) {
		add(w.timed(model.NewRule("g", w.pick(w.subjects, w.roles...), w.pick(w.roles), w.pick(w.patterns))))
	}
	for range 4 + w.IntN(10) {
		add(engine.Row{Rule: model.NewRule("g2", w.pick(w.domains, "x/*", "y/*", "shared"), w.pick(w.traits))})
	}
	for range w.IntN(4) {
		add(engine.Row{Rule: model.NewRule("g3", w.pick(w.objects), w.pick(w.objects))})
	}
	return rows
}

func (w *world) timed(r model.Rule) engine.Row {
	row := engine.Row{Rule: r}
	if w.single && w.IntN(4) > 0 {
		return row
	}
	if w.IntN(4) == 0 {
		row.From = noon.Add(time.Duration(w.IntN(5)-2) * time.Hour)
	}
	if w.IntN(4) == 0 {
		row.Until = noon.Add(time.Duration(w.IntN(5)-2) * time.Hour)
	}
	return row
}

func (w *world) request() engine.Request {
	return engine.Request{
		Subject: w.pick(w.subjects, "admin"), Domain: w.pick(w.domains), Object: w.pick(w.objects), Action: w.pick(w.actions),
	}
}

// The index answers what Casbin answers, whatever the rows and the time.
func TestIndexEqualsCasbin(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(rand.New(rand.NewPCG(seed, 0)))
	m := standard(t)
	require.True(t, engine.Compiles(m))
	states, allowed := 500, 0
	if testing.Short() {
		states = 200
	}
	for range states {
		rows := w.rows()
		index, err := engine.New(m, nil, rows)
		require.NoError(t, err)
		casbin, err := engine.NewCasbin(m.Text, rows)
		require.NoError(t, err)
		at := noon.Add(time.Duration(w.IntN(9)-4) * 30 * time.Minute)
		for range 20 {
			q := w.request()
			want, err := casbin.Enforce(q, at)
			require.NoError(t, err)
			got, err := index.Enforce(q, at)
			require.NoError(t, err)
			explained, err := index.Explain(q, at)
			require.NoError(t, err)
			role := w.pick(w.roles)
			wantAs, err := casbin.EnforceAs(q, role, at)
			require.NoError(t, err)
			gotAs, err := index.EnforceAs(q, role, at)
			require.NoError(t, err)
			if want != got || want != explained.Allowed || wantAs != gotAs {
				t.Fatalf("%v at %v: Casbin says %v, the index %v, its explanation %v; also being %s: %v and %v, with\n%s",
					q, at, want, got, explained.Allowed, role, wantAs, gotAs, printed(rows))
			}
			if got {
				allowed++
			}
		}
	}
	// Rows that never allow would make a test that never fails.
	require.Greater(t, allowed, states/2)
}

func printed(rows []engine.Row) string {
	var text string
	for _, r := range rows {
		text += fmt.Sprintf("%v    (%v – %v)\n", r.Rule, r.From, r.Until)
	}
	return text
}

// The rows that an explanation names are enough for the answer, and a deny row
// among them for the deny.
func TestExplanationSuffices(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(rand.New(rand.NewPCG(seed, 1)))
	m := standard(t)
	explained := 0
	for range 500 {
		rows := w.rows()
		index, err := engine.New(m, nil, rows)
		require.NoError(t, err)
		for range 20 {
			q := w.request()
			x, err := index.Explain(q, noon)
			require.NoError(t, err)
			if len(x.Rows) == 0 {
				require.False(t, x.Allowed)
				continue
			}
			explained++
			var enough []engine.Row
			for _, r := range x.Rows {
				enough = append(enough, engine.Row{Rule: r})
			}
			if x.Rows[0].V[5] == "deny" { // denies even what everything else allows
				require.False(t, x.Allowed)
				enough = append(enough, engine.Row{Rule: model.NewRule("p", q.Subject, "any", "any", "*", "*", "allow")})
			}
			alone, err := engine.NewCasbin(m.Text, enough)
			require.NoError(t, err)
			ok, err := alone.Enforce(q, noon)
			require.NoError(t, err)
			require.Equal(t, x.Allowed, ok, "%v by\n%s", q, printed(enough))
		}
	}
	require.Greater(t, explained, 100)
}

// Casbin follows ten links and no more.
func TestChains(t *testing.T) {
	t.Parallel()
	for _, links := range []int{1, 9, 10, 11} {
		rows := []engine.Row{
			{Rule: model.NewRule("p", fmt.Sprintf("r%d", links), "any", "any", "figure", "view", "allow")},
			{Rule: model.NewRule("g", "user:a", "r1", "x/*")},
		}
		for i := 1; i < links; i++ {
			rows = append(rows, engine.Row{Rule: model.NewRule("g", fmt.Sprintf("r%d", i), fmt.Sprintf("r%d", i+1), "x/*")})
		}
		q := engine.Request{Subject: "user:a", Domain: "x/d", Object: "figure", Action: "view"}
		index, err := engine.New(standard(t), nil, rows)
		require.NoError(t, err)
		casbin, err := engine.NewCasbin(engine.Standard, rows)
		require.NoError(t, err)
		for _, e := range []engine.Engine{index, casbin} {
			ok, err := e.Enforce(q, noon)
			require.NoError(t, err)
			require.Equal(t, links <= 10, ok, "%T, %d links", e, links)
		}
	}
}

// A request with an empty field is refused: an empty policy of Casbin's would
// allow it.
func TestEmptyFields(t *testing.T) {
	t.Parallel()
	rows := []engine.Row{{Rule: model.NewRule("p", "user:a", "any", "any", "*", "*", "allow")}}
	index, err := engine.New(standard(t), nil, rows)
	require.NoError(t, err)
	casbin, err := engine.NewCasbin(engine.Standard, nil)
	require.NoError(t, err)
	for _, e := range []engine.Engine{index, casbin} {
		for _, q := range []engine.Request{
			{}, {"", "x/", "figure", "view"}, {"user:a", "", "figure", "view"}, {"user:a", "x/", "", "view"}, {"user:a", "x/", "figure", ""},
		} {
			ok, err := e.Enforce(q, noon)
			require.Error(t, err, "%T %v", e, q)
			require.False(t, ok)
			_, err = e.Explain(q, noon)
			require.Error(t, err, "%T %v", e, q)
			ok, err = e.EnforceAs(q, "admin", noon)
			require.Error(t, err, "%T %v", e, q)
			require.False(t, ok)
		}
	}
}

// A model of another shape is answered all the same.
func TestOtherModel(t *testing.T) {
	t.Parallel()
	text := `
[request_definition]
r = sub, dom, obj, act

[policy_definition]
p = sub, dom, obj, act

[role_definition]
g = _, _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act
`
	m, err := model.ReadModel("model.conf", []byte(text))
	require.NoError(t, err)
	e, err := engine.New(m,
		[]model.Rule{model.NewRule("p", "admin", "x/", "figure", "view")},
		[]engine.Row{{Rule: model.NewRule("g", "user:a", "admin", "x/*"), Until: noon.Add(time.Hour)}})
	require.NoError(t, err)
	q := engine.Request{Subject: "user:a", Domain: "x/", Object: "figure", Action: "view"}
	for _, at := range []struct {
		time time.Time
		want bool
	}{{noon, true}, {noon.Add(time.Hour), false}, {noon.Add(59 * time.Minute), true}} {
		ok, err := e.Enforce(q, at.time)
		require.NoError(t, err)
		require.Equal(t, at.want, ok, "%v", at.time)
	}
	x, err := e.Explain(q, noon)
	require.NoError(t, err)
	require.Equal(t, []model.Rule{
		model.NewRule("p", "admin", "x/", "figure", "view"), model.NewRule("g", "user:a", "admin", "x/*"),
	}, x.Rows)
}

// What the engine cannot read it refuses when it is made, not when it is asked.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]engine.Row{
		"effect":      {Rule: model.NewRule("p", "admin", "any", "any", "*", "*", "Deny")},
		"no effect":   {Rule: model.NewRule("p", "admin", "any", "any", "*", "*")},
		"other ptype": {Rule: model.NewRule("p2", "admin", "any", "any", "*", "*", "allow")},
		"timed p row": {Rule: model.NewRule("p", "admin", "any", "any", "*", "*", "allow"), Until: noon},
	} {
		_, err := engine.New(standard(t), nil, []engine.Row{row})
		require.Error(t, err, name)
	}
}
