package engine_test

import (
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// A town is offices as performance measurements have them: dossiers with client
// users each, who have a profile on one dossier and are members.
type town struct {
	policy   *engine.Policy
	offices  []*office
	question []*engine.Question
}

type office struct {
	tenant   string
	dossiers []string
	users    []string // perDossier for each dossier
	rows     []engine.Row
	snapshot *engine.Snapshot
}

var profiles = []string{
	"administrator", "full_access", "document_processing", "document_processing_archive", "full_feedback", "document_delivery",
}

func newTown(b *testing.B, offices, dossiers, users int) *town {
	b.Helper()
	root := os.DirFS("../../policies/accountancy")
	pack, err := model.ReadPack(root, "accountancy")
	require.NoError(b, err)
	p, err := engine.Compile(pack.Model, pack.Rules)
	require.NoError(b, err)
	w := &town{policy: p}
	for _, e := range pack.Catalog.Permissions {
		if e.Place == model.AtDossier {
			w.question = append(w.question, p.Question(e.Permission.Object(), e.Permission.Action()))
		}
	}
	p.Remember(w.question) // as authz does
	for range offices {
		w.offices = append(w.offices, newOffice(dossiers, users))
	}
	return w
}

func newOffice(dossiers, users int) *office {
	o := &office{tenant: uuid.NewString()}
	add := func(ptype string, fields ...string) {
		o.rows = append(o.rows, engine.Row{Rule: model.NewRule(ptype, fields...)})
	}
	add("g2", o.tenant+"/", "tenant")
	add("g2", o.tenant+"/", o.tenant+"/*")
	add("g2", o.tenant+"/*", "*")
	for i := range 5 {
		u := "user:" + uuid.NewString()
		add("g", u, "member", o.tenant+"/*")
		add("g", u, []string{"admin", "employee", "support"}[i%3], o.tenant+"/*")
	}
	for range dossiers {
		d := o.tenant + "/" + uuid.NewString()
		o.dossiers = append(o.dossiers, d)
		add("g2", d, "dossier")
		add("g2", d, o.tenant+"/*")
		add("g2", d, "shared")
		add("g2", d, "configuration:"+[]string{"B", "C", "D"}[rand.IntN(3)])
		for range users {
			u := "user:" + uuid.NewString()
			o.users = append(o.users, u)
			add("g", u, "member", o.tenant+"/*")
			add("g", u, profiles[rand.IntN(len(profiles))], d)
		}
	}
	return o
}

// build makes the snapshots as loading does: every text anew.
func (w *town) build(b *testing.B) {
	for _, o := range w.offices {
		rows := w.policy.Builder()
		for _, r := range o.rows {
			for i, v := range r.V {
				r.V[i] = string([]byte(v))
			}
			require.NoError(b, rows.Add(r))
		}
		var err error
		o.snapshot, err = rows.Snapshot()
		require.NoError(b, err)
	}
}

type check struct {
	o             *office
	user, dossier string
	q             *engine.Question
}

func (w *town) checks(n int) []check {
	all := make([]check, n)
	for i := range all {
		o := w.offices[rand.IntN(len(w.offices))]
		u := rand.IntN(len(o.users))
		all[i] = check{o, string([]byte(o.users[u])), string([]byte(o.dossiers[u/(len(o.users)/len(o.dossiers))])), w.question[rand.IntN(len(w.question))]}
	}
	return all
}

var sizes = []struct {
	name                     string
	offices, dossiers, users int
}{{"S", 10, 20, 3}, {"M", 100, 100, 3}, {"L", 1000, 200, 5}}

func BenchmarkDecide(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			if testing.Short() && size.name == "L" {
				b.Skip("a gigabyte")
			}
			w := newTown(b, size.offices, size.dossiers, size.users)
			w.build(b)
			checks := w.checks(100_000)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c := &checks[i%len(checks)]
				if _, err := c.o.snapshot.Decide(engine.KeyOf(c.user), engine.KeyOf(c.dossier), c.q, time.Now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFloor is what a host would write by hand: maps keyed by strings.
func BenchmarkFloor(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			w := newTown(b, size.offices, size.dossiers, size.users)
			type key struct{ user, dossier string }
			type permission struct{ object, action string }
			holds, configured := make(map[key]uint8), make(map[string]uint8)
			for _, o := range w.offices {
				for _, r := range o.rows {
					if r.PType == "g" && r.V[1] != "member" {
						holds[key{string([]byte(r.V[0])), string([]byte(r.V[2]))}] = uint8(len(r.V[1])) % 6
					} else if r.PType == "g2" && len(r.V[1]) > 14 && r.V[1][:14] == "configuration:" {
						configured[string([]byte(r.V[0]))] = r.V[1][14] - 'B'
					}
				}
			}
			var allowed [6][3]map[permission]bool
			asks := make([]permission, 20)
			for i := range asks {
				asks[i] = permission{"object" + string(rune('a'+i)), "view"}
			}
			for i := range allowed {
				for j := range allowed[i] {
					allowed[i][j] = make(map[permission]bool)
					for n, a := range asks {
						allowed[i][j][a] = (n+i+j)%2 == 0
					}
				}
			}
			checks := w.checks(100_000)
			yes := 0
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c := &checks[i%len(checks)]
				profile, ok := holds[key{c.user, c.dossier}]
				if ok && allowed[profile][configured[c.dossier]][asks[i%20]] {
					yes++
				}
			}
		})
	}
}

// BenchmarkDecideStaff asks about somebody who is in a team with the dossier.
func BenchmarkDecideStaff(b *testing.B) {
	w := newTown(b, 10, 20, 3)
	w.build(b)
	o := w.offices[0]
	s, err := o.snapshot.With([]engine.Row{
		{Rule: model.NewRule("g", "user:emma", "member", o.tenant+"/*")},
		{Rule: model.NewRule("g", "user:emma", "employee", o.tenant+"/*")},
		{Rule: model.NewRule("g", "user:emma", "team:t", o.tenant+"/*")},
		{Rule: model.NewRule("g", "team:t", "assigned", o.dossiers[0])},
	}, nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		ok, err := s.Decide(engine.KeyOf("user:emma"), engine.KeyOf(o.dossiers[0]), w.question[0], time.Now)
		if err != nil || !ok {
			b.Fatal(err)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	w := newTown(b, 1, 100_000, 5)
	w.build(b)
	o := w.offices[0]
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		row := []engine.Row{{Rule: model.NewRule("g", o.users[i%len(o.users)], "full_access", o.dossiers[(i*7)%len(o.dossiers)])}}
		next, err := o.snapshot.With(row, nil)
		if err != nil {
			b.Fatal(err)
		}
		if i%2 == 0 {
			o.snapshot = next
		}
	}
}

// BenchmarkMemory tells what a loaded assignment takes, and how long adding a row.
func BenchmarkMemory(b *testing.B) {
	w := newTown(b, 200, 200, 5)
	rows := 0
	for _, o := range w.offices {
		rows += len(o.rows)
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		for _, o := range w.offices {
			o.snapshot = nil
		}
		before, start := heap(), time.Now()
		w.build(b)
		took := time.Since(start)
		after := heap()
		b.ReportMetric(float64(after-before)/float64(200*200*5), "B/assignment")
		b.ReportMetric(float64(took.Nanoseconds())/float64(rows), "ns/row")
	}
}
