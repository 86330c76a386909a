package report

import (
	"fmt"
	"strings"
)

// A target is one of those that the project set itself. want is nil for a size
// that it does not speak of, and value is false for what was not measured.
type target struct {
	what    string
	wanted  string // in words
	limit   map[string]float64
	atLeast bool
	show    func(v float64) string
	value   func(r Result, all []Result) (float64, bool)
}

func everywhere(limit float64) map[string]float64 {
	return map[string]float64{"S": limit, "M": limit, "L": limit}
}

func times(v float64) string { return ratio(v, 1) }

var targets = []target{
	{"`Enforce` against the floor of strings", "≤ 1.0 ×, at L ≤ 0.6 ×", map[string]float64{"S": 1, "M": 1, "L": 0.6}, false, times, check(enforce, texts)},
	{"`Enforce` against the floor of integers (the aim beyond)", "≤ 2.5 ×", everywhere(2.5), false, times, check(enforce, ints)},
	{"allocations of `Enforce`", "0", everywhere(0), false, count, func(r Result, _ []Result) (float64, bool) {
		e := r.Engine(enforce)
		return e.allocations(), e != nil
	}},
	{"`Can` on a handle against the floor of integers", "≤ 0.25 ×", everywhere(0.25), false, times, check(on, ints)},
	{"growth from S, against that of the floor of strings", "≤ 1.0 ×", map[string]float64{"M": 1, "L": 1}, false, times, growth},
	{"two goroutines against one, with a writer", "≥ 1.8 ×", everywhere(1.8), true, times, func(r Result, _ []Result) (float64, bool) {
		if r.Ours == nil || r.Ours.Parallel == nil {
			return 0, false
		}
		return r.Ours.Parallel.TwoWriter / r.Ours.Parallel.OneWriter, true
	}},
	{"`Permissions` against the floor of strings", "≤ 1.0 ×", everywhere(1), false, times, work(enforce, texts, (*Engine).permissions)},
	{"`Dossiers` of an admin", "≤ 2.0 ×", everywhere(2), false, times, work(enforce, texts, (*Engine).admin)},
	{"`Dossiers` of a client", "≤ 2.0 ×", everywhere(2), false, times, work(enforce, texts, (*Engine).client)},
	{"cedar-go against `Enforce`", "≥ 8 ×, at L ≥ 6 ×", map[string]float64{"S": 8, "M": 8, "L": 6}, true, times, check("cedar", enforce)},
	{"OPA against `Enforce`", "≥ 70 ×, at L ≥ 35 ×", map[string]float64{"S": 70, "M": 70, "L": 35}, true, times, check("opa", enforce)},
	{"Casbin with shared rules against `Enforce`", "≥ 150 ×, at L ≥ 90 ×", map[string]float64{"S": 150, "M": 150, "L": 90}, true, times, check("casbin", enforce)},
	{"OpenFGA against `Enforce`", "≥ 500 ×, at L ≥ 350 ×", map[string]float64{"S": 500, "M": 500, "L": 350}, true, times, check("openfga", enforce)},
	{"memory against the floor of strings", "at L ≤ 1.0 ×", map[string]float64{"L": 1}, false, times, work(enforce, texts, (*Engine).memory)},
	{"memory against Casbin", "at L < 0.1 ×", map[string]float64{"L": 0.1}, false, times, work(enforce, "casbin", (*Engine).memory)},
	{"load from SQLite against scanning the rows", "at L ≤ 1.5 ×", map[string]float64{"L": 1.5}, false, times, pair("sqlite", func(o *Ours) map[string]Pair { return o.Load })},
	{"load from PostgreSQL against scanning the rows", "at L ≤ 1.5 ×", map[string]float64{"L": 1.5}, false, times, pair("postgres", func(o *Ours) map[string]Pair { return o.Load })},
	{"a durable grant on SQLite against plain gorm", "≤ 1.3 ×", everywhere(1.3), false, times, pair("sqlite", func(o *Ours) map[string]Pair { return o.Grant })},
	{"a durable grant on PostgreSQL against plain gorm", "≤ 1.3 ×", everywhere(1.3), false, times, pair("postgres", func(o *Ours) map[string]Pair { return o.Grant })},
	{"publish in a tenant of 100,000 dossiers", "≤ 50 µs", everywhere(50_000), false, duration, func(r Result, _ []Result) (float64, bool) {
		if r.Ours == nil || r.Ours.Publish == nil {
			return 0, false
		}
		return r.Ours.Publish.Large, true
	}},
	{"a cold tenant: queries", "≤ 3", everywhere(3), false, grouped, func(r Result, _ []Result) (float64, bool) {
		if r.Ours == nil || r.Ours.Cold == nil {
			return 0, false
		}
		return r.Ours.Cold.Queries, true
	}},
	{"a cold tenant: the first check", "≤ 10 ms", everywhere(10e6), false, duration, func(r Result, _ []Result) (float64, bool) {
		if r.Ours == nil || r.Ours.Cold == nil {
			return 0, false
		}
		return r.Ours.Cold.Median, true
	}},
}

func (e *Engine) memory() float64 { return float64(e.Memory) }

// allocations rounds off what the runtime itself allocates meanwhile.
func (e *Engine) allocations() float64 {
	if e == nil || e.Allocations < 0.05 {
		return 0
	}
	return e.Allocations
}

// check is the time of a check by one engine over that by another.
func check(a, b string) func(Result, []Result) (float64, bool) {
	return work(a, b, func(e *Engine) float64 { return e.Uniform })
}

func work(a, b string, of func(*Engine) float64) func(Result, []Result) (float64, bool) {
	return func(r Result, _ []Result) (float64, bool) {
		x := r.Engine(a)
		if x == nil {
			return 0, false
		}
		y := r.beside(x, b)
		if y == nil || of(x) == 0 || of(y) == 0 {
			return 0, false
		}
		return of(x) / of(y), true
	}
}

func pair(database string, of func(*Ours) map[string]Pair) func(Result, []Result) (float64, bool) {
	return func(r Result, _ []Result) (float64, bool) {
		if r.Ours == nil {
			return 0, false
		}
		p, ok := of(r.Ours)[database]
		return p.Ours / p.Other, ok && p.Other != 0
	}
}

// growth is how much more a check takes than at S, over the same of the floor.
func growth(r Result, all []Result) (float64, bool) {
	ours := check(enforce, texts)
	here, ok := ours(r, nil)
	for _, s := range all {
		if at, measured := ours(s, nil); s.Size == "S" && ok && measured {
			return here / at, true
		}
	}
	return 0, false
}

// targetTable says for each target and size what was reached.
func targetTable(all []Result) string {
	var b strings.Builder
	b.WriteString("| | target |")
	for _, r := range all {
		fmt.Fprintf(&b, " %s |", r.Size)
	}
	b.WriteString("\n| --- | --- |" + strings.Repeat(" ---: |", len(all)) + "\n")
	for _, t := range targets {
		fmt.Fprintf(&b, "| %s | %s |", t.what, t.wanted)
		for _, r := range all {
			fmt.Fprintf(&b, " %s |", t.cell(r, all))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (t target) cell(r Result, all []Result) string {
	v, measured := t.value(r, all)
	limit, applies := t.limit[r.Size]
	switch {
	case !measured:
		return "–"
	case !applies:
		return t.show(v)
	case t.atLeast && v >= limit, !t.atLeast && v <= limit:
		return t.show(v) + " ✓"
	}
	return "**" + t.show(v) + " missed**"
}
