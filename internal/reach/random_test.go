package reach_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/reach"
	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

const catalog = `pack, office, , 1, a, b, c
profile, boss, tenant, , a, b, c
profile, clerk, tenant, , a, b, c
profile, client, dossier, , a, b, c
profile, member, none, , a, b, c
permission, report view, tenant dossier, , a, b, c
permission, report edit, dossier, , a, b, c
permission, dossier assign, dossier, , a, b, c
permission, member invite, tenant dossier, , a, b, c
module, extra, , , a, b, c
setting, open, , , a, b, c
`

func read(t *testing.T, policy string) *model.Pack {
	t.Helper()
	pack, err := model.ReadPack(fstest.MapFS{
		model.ModelFile:   {Data: []byte(engine.Standard)},
		model.PolicyFile:  {Data: []byte(policy)},
		model.CatalogFile: {Data: []byte(catalog)},
	}, "office")
	require.NoError(t, err, policy)
	return pack
}

func randomPolicy(r *rand.Rand) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	rows := map[string]bool{"p, boss, any, any, report, view, allow\n": true}
	for range 2 { // that lead somewhere
		rows[fmt.Sprintf("p, %s, any, any, profile:%s, grant, allow\n", pick("boss", "clerk", "client"), pick("boss", "clerk", "client"))] = true
	}
	for range 3 + r.IntN(7) {
		rows[fmt.Sprintf("p, %s, %s, %s, %s, %s\n",
			pick("boss", "clerk", "client", "client", "member", "assigned"), pick("any", "any", "any", "assigned"),
			pick("any", "any", "tenant", "dossier", "shared", "private", "module:extra", "setting:open"),
			pick("profile:boss, grant", "profile:clerk, grant", "profile:client, grant", "profile:client, grant", "dossier, assign", "report, view", "report, edit", "member, invite"),
			pick("allow", "allow", "allow", "allow", "deny"))] = true
	}
	var all []string
	for row := range rows {
		all = append(all, row)
	}
	slices.Sort(all)
	return strings.Join(all, "")
}

// The small world: who can be given what, and what can be asked.
var (
	people = []string{"ann", "ben", "carl"}
	things = []struct{ role, domain string }{
		{"boss", "a/*"}, {"clerk", "a/*"}, {"client", "a/d1"}, {"client", "a/d2"}, {"assigned", "a/d1"}, {"assigned", "a/d2"},
	}
	questions = []struct {
		object, action, domain string
		where                  reach.Where
	}{
		{"report", "view", "a/", reach.InTenant}, {"report", "view", "a/d1", reach.Here}, {"report", "view", "a/d2", reach.Elsewhere},
		{"report", "edit", "a/d1", reach.Here}, {"report", "edit", "a/d2", reach.Elsewhere},
	}
)

func whereOf(domain string) reach.Where {
	return map[string]reach.Where{"a/*": reach.InTenant, "a/": reach.InTenant, "a/d1": reach.Here, "a/d2": reach.Elsewhere}[domain]
}

// A smallWorld knows what plain Casbin allows to who holds a set of things.
type smallWorld struct {
	gives [1 << 6]int // by set: the things that may be handed out
	may   [1 << 6]int // by set: the questions answered with yes
}

func newSmallWorld(t *testing.T, p *model.Pack, dossier world.Domain) *smallWorld {
	t.Helper()
	var rows []engine.Row
	add := func(ptype string, fields ...string) {
		rows = append(rows, engine.Row{Rule: model.NewRule(ptype, fields...)})
	}
	for _, r := range p.Rules {
		add(r.PType, r.Fields()...)
	}
	add("g2", "a/", "tenant")
	for _, trait := range dossier.Traits {
		add("g2", "a/d1", trait.String())
		add("g2", "a/d2", trait.String())
		if strings.HasPrefix(trait.String(), "setting:") {
			add("g2", "a/", trait.String())
		}
	}
	for set := range 1 << len(things) {
		add("g", fmt.Sprint("user:", set), "member", "a/*")
		for i, thing := range things {
			if set&(1<<i) != 0 {
				add("g", fmt.Sprint("user:", set), thing.role, thing.domain)
			}
		}
	}
	e, err := engine.NewCasbin(engine.Standard, rows)
	require.NoError(t, err)
	allowed := func(set int, domain, object, action string) bool {
		ok, err := e.Enforce(engine.Request{Subject: fmt.Sprint("user:", set), Domain: domain, Object: object, Action: action}, time.Time{})
		require.NoError(t, err)
		return ok
	}
	w := &smallWorld{}
	for set := range 1 << len(things) {
		for i, thing := range things {
			object, action := "profile:"+thing.role, "grant"
			if thing.role == "assigned" {
				object, action = "dossier", "assign"
			}
			if allowed(set, strings.TrimSuffix(thing.domain, "*"), object, action) {
				w.gives[set] |= 1 << i
			}
		}
		for i, q := range questions {
			if allowed(set, q.domain, q.object, q.action) {
				w.may[set] |= 1 << i
			}
		}
	}
	return w
}

// play goes through everything that can happen from the time when only ann
// holds something, and returns what anybody may at some time, and what ann
// holds at some time. With alone, ann does all the handing out.
func (w *smallWorld) play(own int, alone bool) (may, held int) {
	const size = 6
	seen := make([]bool, 1<<(size*len(people)))
	queue := []int{own}
	seen[own] = true
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		of := func(person int) int { return state >> (size * person) & (1<<size - 1) }
		held |= of(0)
		for by := range people {
			may |= w.may[of(by)]
			if alone && by > 0 {
				continue
			}
			for to := range people {
				for i := range things {
					next := state | 1<<(size*to+i)
					if to != by && w.gives[of(by)]&(1<<i) != 0 && !seen[next] {
						seen[next] = true
						queue = append(queue, next)
					}
				}
			}
		}
	}
	return may, held
}

// replay does the steps one by one, and returns what somebody may after them.
func (w *smallWorld) replay(t *testing.T, own int, steps []reach.Step, who string) int {
	t.Helper()
	holds := map[string]int{"ann": own}
	for _, s := range steps {
		i := slices.IndexFunc(things, func(x struct{ role, domain string }) bool { return x.role == s.Role && whereOf(x.domain) == s.Where })
		require.NotEqual(t, s.By, s.To)
		require.NotZero(t, w.gives[holds[s.By]]&(1<<i), "%v is not permitted", s)
		holds[s.To] |= 1 << i
	}
	return w.may[holds[who]]
}

// What Pack says is what three people find out who try everything, on plain
// Casbin; and its paths can be gone.
func TestPackEqualsBruteForce(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	traits := []model.Trait{model.TraitPrivate, model.Must(model.ParseTrait("module:extra")), model.Must(model.ParseTrait("setting:open"))}
	domains, err := world.Domains(model.AtDossier, traits)
	require.NoError(t, err)
	rounds, beyond, escalations := 30, 0, 0
	if testing.Short() {
		rounds = 6
	}
	// At least that many, and on until somebody got somewhere: packs in which
	// nobody does would make a test that never fails.
	for round := 0; round < rounds || beyond+escalations <= rounds/3; round++ {
		require.Less(t, round, 10*rounds)
		policy := randomPolicy(r)
		all, err := reach.Pack(read(t, policy))
		require.NoError(t, err)
		for _, d := range []world.Domain{domains[0], domains[r.IntN(len(domains))]} {
			w := newSmallWorld(t, read(t, policy), d)
			for i, profile := range []string{"boss", "clerk", "client"} {
				require.Equal(t, profile, all[i].Profile.String())
				plain := w.found(1 << i)
				w.check(t, all[i], d, false, plain, untold(profile), policy)
				if profile != "client" { // another dossier is told of as far as being assigned matters
					w.check(t, all[i], d, true, w.found(1<<i|1<<4), plain, policy)
				}
			}
		}
		for i := range all {
			beyond, escalations = beyond+len(all[i].Beyond), escalations+len(all[i].Escalations)
			for _, p := range slices.Concat(all[i].Beyond, all[i].Escalations) {
				own := 1 << i
				if p.Assigned {
					own |= 1 << 4
				}
				w := newSmallWorld(t, read(t, policy), p.Example)
				for j, q := range questions {
					if q.object+" "+q.action == p.Permission.String() && q.where == p.Where {
						require.NotZero(t, w.replay(t, own, p.Path, p.Who)&(1<<j), "%v\n%s", p, policy)
						require.Zero(t, w.may[own]&(1<<j))
					}
				}
			}
		}
	}
	t.Logf("%d beyond, %d escalations", beyond, escalations)
}

// A found is what brute force finds: bits of things and of questions.
type found struct{ gives, back, beyond, escalations int }

func (w *smallWorld) found(own int) found {
	alone, _ := w.play(own, true)
	may, held := w.play(own, false)
	return found{w.gives[own], held &^ own, alone &^ w.may[own], may &^ alone}
}

// untold is what is known of another dossier when it is not told: all of it
// for who is not assigned, as it is like the first, and nothing for a client.
func untold(profile string) found {
	if profile == "client" {
		return found{}
	}
	return found{-1, -1, -1, -1}
}

// check compares r with what brute force finds; of the other dossier only what
// is not in known.
func (w *smallWorld) check(t *testing.T, r reach.Reach, d world.Domain, assigned bool, f, known found, policy string) {
	t.Helper()
	told := newTold(r, d, assigned)
	in := fmt.Sprintf("of %s in %v, assigned %t, with\n%s", r.Profile, d.Traits, assigned, policy)
	same := func(what, name string, where reach.Where, bit, found, known int, told map[string]bool) {
		want := found&bit != 0
		if where == reach.Elsewhere {
			if known == -1 {
				return
			}
			// The dossiers of who is not assigned are alike.
			want = want && known&(bit>>1) == 0
		}
		require.Equal(t, want, told[name+where.String()], "%s: %s %v %s", what, name, where, in)
	}
	for j, q := range questions {
		name := q.object + " " + q.action
		same("beyond", name, q.where, 1<<j, f.beyond, known.beyond, told.beyond)
		same("escalation", name, q.where, 1<<j, f.escalations, known.escalations, told.escalations)
	}
	for j, thing := range things {
		same("gives", thing.role, whereOf(thing.domain), 1<<j, f.gives, known.gives, told.gives)
		same("back", thing.role, whereOf(thing.domain), 1<<j, f.back, known.back, told.back)
	}
}

// A told is what a Reach says of one sort of world, by name and place.
type told struct{ gives, back, beyond, escalations map[string]bool }

func newTold(r reach.Reach, d world.Domain, assigned bool) told {
	holds := func(whens []world.When) bool {
		return slices.ContainsFunc(whens, func(w world.When) bool { return w.Holds(d, assigned) })
	}
	all := told{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for into, list := range map[*map[string]bool][]reach.Role{&all.gives: r.Gives, &all.back: r.Back} {
		for _, x := range list {
			(*into)[x.Name+x.Where.String()] = holds(x.When)
		}
	}
	for into, list := range map[*map[string]bool][]reach.Permission{&all.beyond: r.Beyond, &all.escalations: r.Escalations} {
		for _, x := range list {
			(*into)[x.Permission.String()+x.Where.String()] = holds(x.When)
		}
	}
	return all
}
