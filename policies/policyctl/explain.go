package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

var explainCommand = command{
	name: "explain", args: "[-run PATTERN] [-json] PACK FILE 'WHO, DOMAIN, OBJECT, ACTION'",
	about: "say why the answer is what it is, in the world of a case of FILE; scenarios.csv is that of the pack",
	example: "policyctl explain accountancy scenarios.csv -run 'ACC-02' 'user:carl, acme/d1, figure, view'\n" +
		"policyctl explain ./policies/accountancy world.csv 'user:sue, acme/d1, worklist, use'",
	prepare: func(flags *flag.FlagSet) func([]string, io.Writer) error {
		e := explainer{printer: newPrinter(flags)}
		flags.StringVar(&e.pattern, "run", "", "the case whose text matches this regular expression, when there are several")
		return e.explain
	},
}

// An explainer answers one question in the world of one case.
type explainer struct {
	*printer
	pattern string

	src    source
	pack   *model.Pack
	path   string
	world  model.Scenario
	engine engine.Engine
}

func (e *explainer) explain(args []string, out io.Writer) error {
	if len(args) != 3 {
		return fmt.Errorf("%d arguments, want a pack, a file and a question: %w", len(args), errUsage)
	}
	var err error
	if e.src, err = findSource(args[0]); err != nil {
		return err
	}
	if e.pack, err = e.src.pack(); err != nil {
		return e.failed(out, err)
	}
	if err := e.read(args[1]); err != nil {
		return e.failed(out, err)
	}
	q, err := e.question(args[2])
	if err != nil {
		return err
	}
	ghost := model.NewRule("g", assignedNobody, model.Assigned, model.Everything)
	if e.engine, err = engine.New(e.pack.Model, slices.Concat(e.pack.Rules, e.world.Rules, []model.Rule{ghost}), nil); err != nil {
		return err
	}
	x, err := e.decide(q)
	if err != nil {
		return err
	}
	if e.json {
		return printJSON(out, x)
	}
	return x.print(out)
}

// read picks the case.
func (e *explainer) read(path string) error {
	files, err := readCases(e.src, e.pack, []string{path}, e.pattern)
	if errors.Is(err, fs.ErrNotExist) && path == model.ScenariosFile {
		files, err = readCases(e.src, e.pack, nil, e.pattern)
	}
	if err != nil {
		return err
	}
	cases := files[0].cases
	if len(cases) != 1 {
		list := ""
		for _, s := range cases {
			list += fmt.Sprintf("\n  %s:%d: %s", files[0].path, s.Line, s.Text)
		}
		return fmt.Errorf("%d cases, want one: choose with -run: %w%s", len(cases), errUsage, list)
	}
	e.path, e.world = files[0].path, cases[0]
	return nil
}

// question reads "user:carl, acme/d1, figure, view".
func (e *explainer) question(text string) (engine.Request, error) {
	fields := strings.Split(text, ",")
	for i, f := range fields {
		fields[i] = strings.TrimSpace(f)
	}
	if len(fields) != 4 {
		return engine.Request{}, fmt.Errorf("question %q: want WHO, DOMAIN, OBJECT, ACTION: %w", text, errUsage)
	}
	who, err := model.ParseSubject(fields[0])
	if _, user := who.User(); err == nil && !user {
		err = errors.New("only a user asks")
	}
	if err == nil {
		_, err = model.ParseDomain(fields[1])
	}
	if err == nil {
		var p model.Permission
		if p, err = model.ParsePermission(fields[2], fields[3]); err == nil {
			if _, declared := e.pack.Catalog.Permission(p); !declared {
				err = fmt.Errorf("%q is not declared in %s", p, e.src.path(model.CatalogFile))
			}
		}
	}
	if err != nil {
		return engine.Request{}, fmt.Errorf("question: %v: %w", err, errUsage)
	}
	return engine.Request{Subject: fields[0], Domain: fields[1], Object: fields[2], Action: fields[3]}, nil
}

// An explanation is a decision for people.
type explanation struct {
	Case       string `json:"case"`
	Subject    string `json:"subject"`
	Domain     string `json:"domain"`
	Permission string `json:"permission"`
	Allowed    bool   `json:"allowed"`
	// Rows decided: the p row, then the links by which it applies.
	Rows []placedRow `json:"rows"`
	// Missing is what would lift a denial: any one of these, each all of its
	// parts.
	Missing [][]missing `json:"missing"`
}

type placedRow struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Row  string `json:"row"`
}

// decide answers q.
func (e *explainer) decide(q engine.Request) (*explanation, error) {
	x, err := e.engine.Explain(q, time.Time{})
	if err != nil {
		return nil, err
	}
	found := &explanation{
		Case: e.world.Text, Subject: q.Subject, Domain: q.Domain, Permission: q.Object + " " + q.Action,
		Allowed: x.Allowed, Rows: []placedRow{}, Missing: [][]missing{},
	}
	for _, r := range x.Rows {
		at := placedRow{e.path, e.world.Line, r.String()}
		if i := slices.Index(e.pack.Rules, r); i >= 0 {
			at.File, at.Line = e.src.path(model.PolicyFile), e.pack.Line(i)
		}
		found.Rows = append(found.Rows, at)
	}
	if !x.Allowed {
		found.Missing, err = e.lifts(q, x)
	}
	return found, err
}

func (x *explanation) print(out io.Writer) error {
	paint := painter(out)
	answer := paint(red, "denied")
	if x.Allowed {
		answer = paint(green, "allowed")
	}
	fmt.Fprintf(out, "%s in %s, %q: %s\n", x.Subject, x.Domain, x.Permission, answer)
	for i, r := range x.Rows {
		by := "and"
		if i == 0 {
			by = "by "
		}
		fmt.Fprintf(out, "  %s %s:%d: %s\n", by, r.File, r.Line, r.Row)
	}
	switch {
	case x.Allowed:
	case len(x.Rows) == 0:
		fmt.Fprintln(out, "  no row allows it; what is missing:")
	case len(x.Missing) > 0:
		fmt.Fprintln(out, "  what would lift that:")
	}
	for _, together := range x.Missing {
		parts := make([]string, len(together))
		for i, m := range together {
			parts[i] = m.String()
		}
		fmt.Fprintf(out, "  - %s\n", strings.Join(parts, "\n    and "))
	}
	return nil
}
