package report

import (
	"fmt"
	"strings"
)

// The engines that ratios and targets are held against.
const (
	ints, texts = "ints", "strings"
	enforce, on = "volmacht", "volmacht-on"
)

// Tables are the tables of one run as Markdown: a heading, and one row for each
// engine, with its ratio to the floors.
func (r Result) Tables() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s: %s, %s assignments\n\n", r.Size, r.Shape, grouped(float64(r.Assignments)))
	r.checks(&b)
	r.work(&b)
	r.Ours.table(&b)
	return b.String()
}

func (r Result) checks(b *strings.Builder) {
	fmt.Fprint(b, "| one check, one goroutine | uniform | to ints | to strings | Zipf | allocations | right after a revocation | agreed on |\n"+
		"| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |\n")
	for _, e := range r.Engines {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", e.Title, duration(e.Uniform),
			r.to(e, ints), r.to(e, texts), duration(e.Zipf), count(e.Allocations), e.fresh(), grouped(float64(e.Agreed)))
	}
	b.WriteString("\n")
}

func (r Result) work(b *strings.Builder) {
	fmt.Fprint(b, "| other work | permissions on a dossier | dossiers of an admin | dossiers of a client | grant until visible | memory | an assignment | load |\n"+
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, e := range r.Engines {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s B | %s |\n", e.Title, r.with(e, (*Engine).permissions),
			r.with(e, (*Engine).admin), r.with(e, (*Engine).client), duration(e.Grant),
			bytes(e.Memory), grouped(float64(e.Memory)/float64(r.Assignments)), duration(e.Load))
	}
	b.WriteString("\n")
}

func (e *Engine) permissions() float64 { return e.Permissions }
func (e *Engine) admin() float64       { return e.Admin }
func (e *Engine) client() float64      { return e.Client }

// to is the ratio of the check of e to that of another engine.
func (r Result) to(e Engine, other string) string {
	if o := r.beside(&e, other); o != nil {
		return ratio(e.Uniform, o.Uniform)
	}
	return "–"
}

// with is a time of e and its ratio to that of the floor of strings.
func (r Result) with(e Engine, of func(*Engine) float64) string {
	ns := of(&e)
	if o := r.beside(&e, texts); o != nil && ns != 0 {
		return duration(ns) + " (" + ratio(ns, of(o)) + ")"
	}
	return duration(ns)
}

func (e Engine) fresh() string {
	switch {
	case e.Fresh == nil:
		return "–"
	case *e.Fresh:
		return "yes"
	}
	return "**no**"
}

func count(n float64) string {
	if n < 0.05 {
		return "0"
	}
	return digits(n)
}

var databases = []struct{ name, title string }{{"sqlite", "SQLite"}, {"postgres", "PostgreSQL"}}

func (o *Ours) table(b *strings.Builder) {
	if o == nil {
		return
	}
	b.WriteString("| Volmacht alone | ours | held against | ratio |\n| --- | ---: | ---: | ---: |\n")
	row := func(what, ours, other, ratio string) {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", what, ours, other, ratio)
	}
	for _, d := range databases {
		if p, ok := o.Load[d.name]; ok {
			row(fmt.Sprintf("load %s rows from %s; scanning them into structs", grouped(float64(o.LoadRows)), d.title),
				duration(p.Ours), duration(p.Other), ratio(p.Ours, p.Other))
		}
	}
	for _, d := range databases {
		if p, ok := o.Grant[d.name]; ok {
			row("a durable grant on "+d.title+"; its rows by plain gorm", duration(p.Ours), duration(p.Other), ratio(p.Ours, p.Other))
		}
	}
	if p := o.Parallel; p != nil {
		row("checks a second of two goroutines; of one", grouped(p.Two), grouped(p.One), ratio(p.Two, p.One))
		row("the same with a writer at work", grouped(p.TwoWriter), grouped(p.OneWriter), ratio(p.TwoWriter, p.OneWriter))
		row("the same of the integer floor, without a writer", "", "", digits(p.Floor)+" ×")
	}
	if p := o.Publish; p != nil {
		row(fmt.Sprintf("publishing a grant in a tenant of %s dossiers; of 10", grouped(float64(p.Dossiers))),
			duration(p.Large), duration(p.Small), ratio(p.Large, p.Small))
	}
	if c := o.Cold; c != nil {
		row(fmt.Sprintf("the first check in a cold tenant among %s on PostgreSQL, median; worst", grouped(float64(c.Tenants))),
			duration(c.Median), duration(c.Worst), grouped(c.Queries)+" queries")
	}
	b.WriteString("\n")
}
