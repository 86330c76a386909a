// Package lint finds what is wrong with a pack that reads well: rows that can
// never decide anything, profiles that nobody can hold or hand out, a matcher
// that lets one tenant into another.
//
//	for _, f := range lint.Pack(pack) {
//		fmt.Println(f) // policy.csv:14: shadowed: "p, ann, …": every answer is the same without it: line 9 covers it, …
//	}
//
// What it says about rows is proven, for the model that the index compiles, by
// going through the smallest worlds in which a row applies. It may miss a row
// that decides nothing; a row that it reports can go, and so can all of them
// together, without any answer changing in any tenant that authz can make.
package lint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// The severities of a [Finding]. A pack with an error does not do what it says
// or is not safe; a warning may be what its author wants, and says in a comment
// right above the row, with the reason:
//
//	# lint:ignore shadowed the row stays until SOP-04 is released
const (
	Error   = "error"
	Warning = "warning"
)

// A Finding is one thing that is wrong with a pack, and where.
type Finding struct {
	File     string
	Line     int // from 1; 0 when the whole file is meant
	Column   int // in bytes from 1; 0 when the whole line is meant
	Severity string
	Check    string // a name in [Checks], or one of [model.Fault.Check]
	Message  string
}

// String returns f on one line, with its place first.
func (f Finding) String() string {
	place := f.File
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return fmt.Sprintf("%s: %s: %s", place, f.Check, f.Message)
}

// A Check is one sort of fault that [Pack] looks for.
type Check struct {
	Name, Severity string
	About          string
}

// Checks lists all checks of [Pack], in the order in which they run.
func Checks() []Check {
	list := make([]Check, len(checks))
	for i, c := range checks {
		list[i] = c.Check
	}
	return list
}

type check struct {
	Check
	needs need
	find  func(*linter)
}

// A need is what a check wants of a pack before it can tell anything.
type need uint8

const (
	needNothing need = iota
	needLinks        // links without cycles, none too long
	needMeaning      // those, and rows that mean what they do in the shipped packs
)

var checks = []check{
	{Check{"undefined", Error, "a token or function of the matcher that plain Casbin does not know"}, needNothing, (*linter).undefined},
	{Check{"unanchored", Error, "a matcher by which what holds in one domain holds in another"}, needNothing, (*linter).unanchored},
	{Check{"slow-matcher", Warning, "a matcher that the index cannot compile"}, needNothing, (*linter).slowMatcher},
	{Check{"cycle", Error, "a name that contains itself"}, needNothing, (*linter).cycles},
	{Check{"chain", Error, "more links in a row than Casbin follows"}, needNothing, (*linter).chains},
	{Check{"any-trait", Error, "an allow in whatever domain, one that is closed or unknown too"}, needNothing, (*linter).anyTrait},
	{Check{"unset-trait", Warning, "a trait that nothing sets"}, needNothing, (*linter).unsetTraits},
	{Check{"near-miss", Warning, "two traits that need no declaration and are spelled almost alike"}, needNothing, (*linter).nearMisses},
	{Check{"unreachable", Warning, "a profile that nobody can hold"}, needLinks, (*linter).unreachable},
	{Check{"idle-link", Warning, "a g, g2 or g3 row that no answer depends on"}, needMeaning, (*linter).idleLinks},
	{Check{"inapplicable", Warning, "a row whose conditions never come together"}, needMeaning, (*linter).inapplicable},
	{Check{"shadowed", Warning, "a row that others leave nothing to decide"}, needMeaning, (*linter).shadowed},
	{Check{"idle-deny", Warning, "a deny of what nobody is ever allowed"}, needMeaning, (*linter).idleDenies},
	{Check{"ungrantable", Warning, "a profile that nobody may grant"}, needMeaning, (*linter).ungrantable},
	{Check{"escalation", Warning, "a profile that lets its holder grant more than it gives"}, needMeaning, (*linter).escalations},
	{Check{"unchecked", Warning, "more rows than can be gone through"}, needMeaning, (*linter).unchecked},
}

// Pack returns what is wrong with p, which [model.ReadPack] returned, in the
// order of files and lines.
func Pack(p *model.Pack) []Finding {
	l := newLinter(p)
	level := needMeaning
	if !engine.IsStandard(p.Model) {
		level = needLinks
	}
	for _, c := range checks {
		if c.needs > needNothing && l.broken {
			continue
		}
		if c.needs <= level {
			l.check = c.Check
			c.find(l)
		}
	}
	findings := silenced(p, l.findings)
	slices.SortStableFunc(findings, byPlace)
	return findings
}

// Files returns what is wrong with the files of the pack of that name: what
// [model.ReadPack] refuses, or else what [Pack] finds. The error means that a
// file could not be read.
func Files(fsys fs.FS, name string) ([]Finding, error) {
	p, err := model.ReadPack(fsys, name)
	var faults model.Faults
	switch {
	case errors.As(err, &faults):
		return Faults(faults), nil
	case err != nil:
		return nil, err
	}
	return Pack(p), nil
}

// Faults returns what a reader found as findings.
func Faults(faults model.Faults) []Finding {
	list := make([]Finding, len(faults))
	for i, f := range faults {
		list[i] = Finding{f.File, f.Line, f.Column, Error, f.Check, f.Message}
	}
	return list
}

func byPlace(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// A linter is at work on one pack.
type linter struct {
	pack     *model.Pack
	check    Check // the one that runs
	findings []Finding
	broken   bool // the links are not what Casbin follows

	policies []*policy
	profiles map[string]model.ProfileEntry
	roles    graph // g
	parts    graph // g3
	released map[string]bool

	questions []question
	options   map[option][]string
	idle      map[*policy]bool // rows that decide nothing
	budget    int              // rows that may still be tried
}

// maxTries bounds the work on a pack. It takes about a second; those that come
// with Volmacht take less than a hundredth of that.
const maxTries = 20_000_000

// A policy is a p row.
type policy struct {
	row                     int // in Rules
	sub, via, dom, obj, act string
	deny                    bool
}

func newLinter(p *model.Pack) *linter {
	l := &linter{
		pack: p, budget: maxTries,
		profiles: map[string]model.ProfileEntry{},
		released: map[string]bool{},
		options:  map[option][]string{},
		idle:     map[*policy]bool{},
		roles:    newGraph(p.Rules, "g"),
		parts:    newGraph(p.Rules, "g3"),
	}
	for _, e := range p.Catalog.Profiles {
		l.profiles[e.Profile.String()] = e
	}
	field := func(r model.Rule, name, otherwise string) string {
		if i := p.Model.Field(name); i >= 0 {
			return r.V[i]
		}
		return otherwise
	}
	for i, r := range p.Rules {
		switch r.PType {
		case "p":
			l.policies = append(l.policies, &policy{
				row: i, sub: field(r, "sub", ""), via: field(r, "via", model.Any), dom: field(r, "dom", ""),
				obj: field(r, "obj", ""), act: field(r, "act", ""), deny: field(r, "eft", "allow") == "deny",
			})
		case "g2":
			l.released[r.V[1]] = true
		}
	}
	l.questions = l.allQuestions()
	return l
}

// found adds a finding of the check that runs, at a row of the policy.
func (l *linter) found(row int, format string, args ...any) {
	l.foundAt(model.PolicyFile, l.pack.Line(row), format, args...)
}

func (l *linter) foundAt(file string, line int, format string, args ...any) {
	l.findings = append(l.findings, Finding{
		File: file, Line: line, Severity: l.check.Severity, Check: l.check.Name, Message: fmt.Sprintf(format, args...),
	})
}

func (l *linter) rule(p *policy) model.Rule { return l.pack.Rules[p.row] }

// unchecked says that the other checks did not get through.
func (l *linter) unchecked() {
	if l.budget < 0 {
		l.foundAt(model.PolicyFile, 0, "too many rows to go through: rows that decide nothing, profiles that nobody may grant and grants above oneself may be missing here")
	}
}
