package main

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/internal/trial"
)

var testCommand = command{
	name: "test", args: "PACK [FILE…]",
	about: "try the pack on its scenarios.csv, or on the files",
	prepare: func(*flag.FlagSet) func([]string, io.Writer) error {
		return test
	},
}

// test reports every wrong answer in all of the files.
func test(args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("no pack: %w", errUsage)
	}
	src, err := findSource(args[0])
	if err != nil {
		return err
	}
	pack, err := src.pack()
	if err != nil {
		return err
	}
	texts, err := scenarioFiles(src, args[1:])
	if err != nil {
		return err
	}
	var wrong model.Faults
	var cases, checks, nevers int
	for _, f := range texts {
		scenarios, err := model.ReadScenarios(f.path, f.text)
		if err == nil {
			err = pack.CheckScenarios(f.path, scenarios)
		}
		if err != nil {
			return err
		}
		faults, err := trial.Run(trial.Ours, pack, f.path, scenarios)
		if err != nil {
			return err
		}
		wrong = append(wrong, faults...)
		cases += len(scenarios)
		for _, s := range scenarios {
			checks += len(s.Checks)
			nevers += len(s.Nevers)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w\n%s: %d wrong of %d checks and %d nevers", wrong, pack.Name, len(wrong), checks, nevers)
	}
	_, err = fmt.Fprintf(out, "%s: %d cases, %d checks and %d nevers hold\n", pack.Name, cases, checks, nevers)
	return err
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
