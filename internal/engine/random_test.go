package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// How many states the test of equality goes through, when not the usual number,
// and the seed that it begins with. 2,000,000 states are 100 million checks.
const statesVariable, seedVariable = "VOLMACHT_TEST_STATES", "VOLMACHT_TEST_SEED"

const (
	changesOfScene  = 4  // each makes another state
	checksOfState   = 50 // against the third reading
	casbinsOfState  = 4  // of these, against Casbin too
	explainsOfState = 10 // of these, in every other way there is to ask
)

func number(t *testing.T, variable string, usual uint64) uint64 {
	t.Helper()
	if text := os.Getenv(variable); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, variable)
		return n
	}
	return usual
}

// The index answers what Casbin answers and what the third reading says,
// whatever the model, the rows, the changes and the time.
func TestIndexEqualsTheReadings(t *testing.T) {
	t.Parallel()
	states := uint64(100_000)
	if testing.Short() {
		states = 500
	}
	states = number(t, statesVariable, states)
	seed := number(t, seedVariable, rand.Uint64())
	scenes := states / (1 + changesOfScene)
	t.Logf("seed %d, %d states", seed, states)
	var next, checks, casbins, allowed, fast, recalled atomic.Uint64
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := next.Add(1); i <= scenes && !t.Failed(); i = next.Add(1) {
				w := newSeeded(seed, i)
				s := newScene(t, w, changesOfScene)
				tried := s.try(w)
				checks.Add(uint64(tried.checks))
				casbins.Add(uint64(tried.casbins))
				allowed.Add(uint64(tried.allowed))
				fast.Add(uint64(tried.fast))
				recalled.Add(uint64(tried.recalled))
				if tried.failure != nil {
					t.Errorf("scene %d: %v", i, tried.failure.shrunk())
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d checks, %d of them answered the fast way and %d recalled at once, %d allowed and %d asked of Casbin too",
		checks.Load(), fast.Load(), recalled.Load(), allowed.Load(), casbins.Load())
	// Rows that never allow would make a test that never fails.
	require.Greater(t, allowed.Load(), checks.Load()/20)
	require.Less(t, allowed.Load(), checks.Load()*4/5)
	// Nor would a test of the slow way only tell of the other.
	require.Greater(t, fast.Load(), checks.Load()/3)
	require.Less(t, fast.Load(), checks.Load()*4/5)
	require.Greater(t, recalled.Load(), checks.Load()/50)
}

type tried struct {
	checks, casbins, allowed, fast, recalled int
	failure                                  *failure
}

// A failure is a difference: after so many steps, this was asked.
type failure struct {
	scene *scene
	steps int
	ask   engine.Request
	role  string
	at    time.Time
	says  string
}

// try asks the snapshot after each step.
func (s *scene) try(w *world) (done tried) {
	snapshots, err := s.snapshots()
	if err != nil {
		done.failure = &failure{scene: s, steps: len(s.steps), says: err.Error()}
		return done
	}
	for i, snapshot := range snapshots {
		at := noon.Add(time.Duration(w.IntN(9)-4) * 30 * time.Minute)
		naive := s.naive(i+1, at)
		var casbin *engine.Casbin
		if says := sameRows(snapshot, s, i+1); says != "" {
			done.failure = &failure{scene: s, steps: i + 1, says: says}
			return done
		}
		if s.recalls {
			remember(snapshot, w, at)
		}
		for n := range checksOfState {
			f := &failure{scene: s, steps: i + 1, ask: w.request(), role: w.pick(w.roles), at: at}
			want := naive.decides(f.ask)
			if n < casbinsOfState {
				if casbin == nil {
					casbin, err = engine.NewCasbin(s.law.model.Text, s.rows(i+1))
				}
				if err == nil {
					var ok bool
					if ok, err = casbin.Enforce(f.ask, at); ok != want {
						f.says = fmt.Sprintf("Casbin says %v, and the third reading %v", ok, want)
					}
				}
				if err != nil {
					f.says = err.Error()
				}
				done.casbins++
			}
			if f.says == "" {
				f.says = f.compare(snapshot, naive, want, n < explainsOfState)
			}
			if f.says != "" {
				done.failure = f
				return done
			}
			done.checks++
			if snapshot.Fast(f.ask, at) {
				done.fast++
			}
			if recalled, _ := snapshot.Recalls(f.ask.Subject, f.ask.Domain); recalled {
				done.recalled++
			}
			if want {
				done.allowed++
			}
		}
	}
	return done
}

// remember asks once all that can be remembered.
func remember(snapshot *engine.Snapshot, w *world, at time.Time) {
	qs := snapshot.Policy().Remembered()
	for _, subject := range w.subjects {
		for _, domain := range w.domains {
			if snapshot.Fast(engine.Request{Subject: subject, Domain: domain}, at) {
				_, _, _ = snapshot.Allowed(engine.KeyOf(subject), engine.KeyOf(domain), qs, func() time.Time { return at })
			}
		}
	}
}

// compare says what is different, if anything.
func (f *failure) compare(snapshot *engine.Snapshot, naive *naive, want, every bool) string {
	ok, err := snapshot.Enforce(f.ask, f.at)
	if err != nil || ok != want {
		return fmt.Sprintf("the index says %v, %v, and the third reading %v", ok, err, want)
	}
	if recalled, same := snapshot.Recalls(f.ask.Subject, f.ask.Domain); !same {
		return fmt.Sprintf("what is recalled at once (%v) is not what the two meet", recalled)
	}
	if says := f.recall(snapshot, want); says != "" {
		return says
	}
	if !every {
		return ""
	}
	x, err := snapshot.Explain(f.ask, f.at)
	if err != nil || x.Allowed != want {
		return fmt.Sprintf("the explanation says %v, %v, and the index %v", x, err, want)
	}
	if says := lists(snapshot, snapshot.Policy(), f.ask, f.at, want); says != "" {
		return says
	}
	also := model.NewRule("g", f.ask.Subject, f.role)
	if f.scene.law.links["g"] == 3 {
		also = model.NewRule("g", f.ask.Subject, f.role, f.ask.Domain)
	}
	wantAs := naive.with(also).decides(f.ask)
	ok, err = snapshot.EnforceAs(f.ask, f.role, f.at)
	if err != nil || ok != wantAs {
		return fmt.Sprintf("also being %s: the index says %v, %v, and the third reading %v", f.role, ok, err, wantAs)
	}
	return ""
}

// recall asks what the policy remembers the answers to, if it does: once the
// question, and once all of them.
func (f *failure) recall(snapshot *engine.Snapshot, want bool) string {
	qs := snapshot.Policy().Remembered()
	i := slices.IndexFunc(qs, func(q *engine.Question) bool { return q.Asks(f.ask.Object, f.ask.Action) })
	if i < 0 || !snapshot.Fast(f.ask, f.at) { // the memo is for the fast way
		return ""
	}
	subject, domain := engine.KeyOf(f.ask.Subject), engine.KeyOf(f.ask.Domain)
	ok, err := snapshot.Decide(subject, domain, qs[i], func() time.Time { return f.at })
	if err != nil || ok != want {
		return fmt.Sprintf("remembered, it is %v, %v, and by the third reading %v", ok, err, want)
	}
	bits, _, err := snapshot.Allowed(subject, domain, qs, func() time.Time { return f.at })
	if err != nil || bits[i/64]>>(i%64)&1 != 0 != want {
		return fmt.Sprintf("remembered with others, it is %v, %v, and by the third reading %v", bits, err, want)
	}
	return ""
}

// sameRows says how the rows of a snapshot differ from those that it was made of.
func sameRows(snapshot *engine.Snapshot, s *scene, steps int) string {
	want := make(map[model.Rule]engine.Row)
	for _, st := range s.steps[:steps] {
		for _, r := range st.removed {
			delete(want, r.Rule)
		}
		for _, r := range st.added {
			want[r.Rule] = r
		}
	}
	got := 0
	for r := range snapshot.Rows() {
		if got++; want[r.Rule] != r {
			return fmt.Sprintf("the snapshot has %v", r)
		}
	}
	if got != len(want) || snapshot.Len() != len(want) {
		return fmt.Sprintf("the snapshot has %d rows and counts %d of %d", got, snapshot.Len(), len(want))
	}
	for rule, r := range want {
		if found, there := snapshot.Find(rule); !there || found != r {
			return fmt.Sprintf("the snapshot does not find %v", r)
		}
		if rule.PType == "p" { // the rest is for links
			continue
		}
		if !slices.Contains(slices.Collect(snapshot.Of(rule.V[0])), r) {
			return fmt.Sprintf("%v is not among the rows of its first field", r)
		}
		if rule.V[2] != "" && !slices.Contains(slices.Collect(snapshot.In(rule.V[2])), r) {
			return fmt.Sprintf("%v is not among the rows in its domain", r)
		}
		if !slices.Contains(slices.Collect(snapshot.Names(rule.PType, rule.V[1], rule.V[2])), rule.V[0]) {
			return fmt.Sprintf("%v is not among the names", r)
		}
	}
	return ""
}

// shrunk leaves out of a failure what it does not need.
func (f *failure) shrunk() *failure {
	f.scene.steps = f.scene.steps[:f.steps]
	fails := func() (bool, string) {
		snapshots, err := f.scene.snapshots()
		if err != nil {
			return f.ask == (engine.Request{}), err.Error()
		}
		snapshot := snapshots[f.steps-1]
		if f.ask == (engine.Request{}) {
			says := sameRows(snapshot, f.scene, f.steps)
			return says != "", says
		}
		naive := f.scene.naive(f.steps, f.at)
		says := f.compare(snapshot, naive, naive.decides(f.ask), true)
		return says != "", says
	}
	if failing, _ := fails(); !failing {
		return f // a difference between Casbin and the third reading
	}
	for smaller := true; smaller; {
		smaller = shrink(&f.scene.pack, fails)
		for i := range f.scene.steps {
			smaller = shrink(&f.scene.steps[i].added, fails) || smaller
			smaller = shrink(&f.scene.steps[i].removed, fails) || smaller
		}
	}
	_, f.says = fails()
	return f
}

func shrink[T any](list *[]T, fails func() (bool, string)) (smaller bool) {
	for i := 0; i < len(*list); {
		whole := *list
		*list = slices.Delete(slices.Clone(whole), i, i+1)
		if failing, _ := fails(); failing {
			smaller = true
			continue
		}
		*list = whole
		i++
	}
	return smaller
}

// String writes a failure as a pack.
func (f *failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%v at %v (or also being %s)\n\n# model.conf\n%s\n# policy.csv\n", f.says, f.ask, f.at, f.role, f.scene.law.model.Text)
	for _, r := range f.scene.pack {
		fmt.Fprintln(&b, r)
	}
	for i, st := range f.scene.steps {
		fmt.Fprintf(&b, "# step %d of the tenant\n", i+1)
		for _, r := range st.removed {
			fmt.Fprintf(&b, "# gone: %v\n", r.Rule)
		}
		for _, r := range st.added {
			b.WriteString(printed([]engine.Row{r}))
		}
	}
	return b.String()
}
