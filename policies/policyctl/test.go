package main

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/internal/trial"
)

var testCommand = command{
	name: "test", args: "[-run PATTERN] [-coverage] [-json] PACK [FILE…]",
	about: "try the pack on its scenarios.csv, or on the files; never rows are proven for every combination of traits and links",
	example: "policyctl test accountancy\n" +
		"policyctl test -run ACC-0[1-7] -coverage ./policies/accountancy",
	prepare: func(flags *flag.FlagSet) func([]string, io.Writer) error {
		t := tester{printer: newPrinter(flags)}
		flags.StringVar(&t.pattern, "run", "", "only the cases whose text matches this regular expression")
		flags.BoolVar(&t.coverage, "coverage", false, "also list the rows of the policy that no case reaches: without them every check has the same answer")
		return t.test
	},
}

type tester struct {
	*printer
	pattern  string
	coverage bool
}

// test reports every wrong answer in all of the files.
func (t *tester) test(args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no pack: %w", errUsage)
	}
	src, err := findSource(args[0])
	if err != nil {
		return err
	}
	pack, err := src.pack()
	if err != nil {
		return t.failed(out, err)
	}
	files, err := readCases(src, pack, args[1:], t.pattern)
	if err != nil {
		return t.failed(out, err)
	}
	var list []wrongAnswer
	var all []model.Scenario
	var checks, nevers int
	for _, f := range files {
		wrong, err := trial.Try(trial.Ours, pack, f.path, f.cases)
		if err != nil {
			return err
		}
		for _, w := range wrong {
			list = append(list, wrongAnswer{
				finding{File: w.File, Line: w.Line, Severity: severityError, Check: "scenario", Message: w.Message},
				w.Scenario,
			})
		}
		all = append(all, f.cases...)
		for _, s := range f.cases {
			checks += len(s.Checks)
			nevers += len(s.Nevers)
		}
	}
	wrong := len(list)
	if t.coverage {
		idle, err := trial.Idle(pack, all)
		if err != nil {
			return err
		}
		for _, i := range idle {
			list = append(list, wrongAnswer{finding: finding{
				File: src.path(model.PolicyFile), Line: pack.Line(i), Severity: severityWarning, Check: "coverage",
				Message: "no case reaches the row: " + pack.Rules[i].String(),
			}})
		}
	}
	if t.json {
		err = printJSON(out, append([]wrongAnswer{}, list...)) // never null
	} else {
		err = printWrong(out, list)
	}
	switch {
	case err != nil:
		return err
	case t.json:
	case wrong > 0:
		fmt.Fprintf(out, "%s: %d wrong of %d checks and %d nevers\n", pack.Name, wrong, checks, nevers)
	default:
		fmt.Fprintf(out, "%s: %d cases, %d checks and %d nevers hold\n", pack.Name, len(all), checks, nevers)
	}
	if len(list) > 0 {
		return errFound
	}
	return nil
}

// A wrongAnswer is a finding, and for a never row the rows of a case that shows
// it, ready to be pasted.
type wrongAnswer struct {
	finding
	Scenario string `json:"scenario,omitempty"`
}

func printWrong(out io.Writer, list []wrongAnswer) error {
	for _, w := range list {
		if err := printText(out, []finding{w.finding}); err != nil {
			return err
		}
		if w.Scenario != "" {
			fmt.Fprintf(out, "\n%s\n", w.Scenario)
		}
	}
	return nil
}

// A caseFile is the cases of a file.
type caseFile struct {
	path  string
	cases []model.Scenario
}

// readCases reads the files at paths, or that of the pack when there are none,
// and keeps the cases that match pattern.
func readCases(src source, pack *model.Pack, paths []string, pattern string) ([]caseFile, error) {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("-run: %v: %w", err, errUsage)
	}
	texts, err := scenarioFiles(src, paths)
	if err != nil {
		return nil, err
	}
	var files []caseFile
	found := 0
	for _, f := range texts {
		scenarios, err := model.ReadScenarios(f.path, f.text)
		if err == nil {
			err = pack.CheckScenarios(f.path, scenarios)
		}
		if err != nil {
			return nil, err
		}
		kept := caseFile{path: f.path}
		for _, s := range scenarios {
			if match.MatchString(s.Text) {
				kept.cases = append(kept.cases, s)
			}
		}
		found += len(kept.cases)
		files = append(files, kept)
	}
	if found == 0 && pattern != "" {
		return nil, fmt.Errorf("no case matches %q: %w", pattern, errUsage)
	}
	return files, nil
}

// A scenarioFile is a file and what is in it.
type scenarioFile struct {
	path string
	text []byte
}

// scenarioFiles reads the files at paths, or that of the pack when there are none.
func scenarioFiles(src source, paths []string) ([]scenarioFile, error) {
	if len(paths) == 0 {
		text, err := fs.ReadFile(src.files, model.ScenariosFile)
		return []scenarioFile{{src.path(model.ScenariosFile), text}}, err
	}
	files := make([]scenarioFile, len(paths))
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files[i] = scenarioFile{path, text}
	}
	return files, nil
}
