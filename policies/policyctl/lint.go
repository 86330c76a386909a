package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"

	"github.com/volmacht/volmacht/internal/lint"
	"github.com/volmacht/volmacht/model"
)

var lintCommand = command{
	name: "lint", args: "[-json] PACK",
	about: "say everything that is wrong with the pack: what its files may not hold, and rows that do nothing or too much",
	example: `policyctl lint ./mypack
A comment above a row silences a warning about it, with a reason:
  # lint:ignore escalation an administrator has no need of the portal (TAX-11)`,
	prepare: func(flags *flag.FlagSet) func([]string, io.Writer) error {
		p := newPrinter(flags)
		return func(args []string, out io.Writer) error { return lintPack(args, p, out) }
	},
}

func lintPack(args []string, p *printer, out io.Writer) error {
	src, err := onePack(args)
	if err != nil {
		return err
	}
	found, err := lintFindings(src)
	if err != nil {
		return err
	}
	if len(found) == 0 && !p.json {
		_, err := fmt.Fprintf(out, "%s: nothing wrong\n", src.name)
		return err
	}
	return p.findings(out, found)
}

// onePack returns the one pack that args name.
func onePack(args []string) (source, error) {
	if len(args) != 1 {
		return source{}, fmt.Errorf("%d packs, want one: %w", len(args), errUsage)
	}
	return findSource(args[0])
}

// lintFindings returns what is wrong with the pack, its scenarios included.
func lintFindings(src source) ([]finding, error) {
	pack, err := model.ReadPack(src.files, src.name)
	var list []lint.Finding
	switch faults, wrong := errors.AsType[model.Faults](err); {
	case wrong:
		list = lint.Faults(faults)
	case err != nil:
		return nil, err
	default:
		list = lint.Pack(pack)
	}
	faults, err := scenarioFaults(src, pack)
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, f := range append(list, lint.Faults(faults)...) {
		found = append(found, finding{
			File: src.path(f.File), Line: f.Line, Column: f.Column, Severity: f.Severity, Check: f.Check, Message: f.Message,
		})
	}
	return found, nil
}

// scenarioFaults returns what is wrong with the scenarios, if there are any,
// as far as that can be told without a pack.
func scenarioFaults(src source, pack *model.Pack) (model.Faults, error) {
	text, err := fs.ReadFile(src.files, model.ScenariosFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	scenarios, err := model.ReadScenarios(model.ScenariosFile, text)
	if err == nil && pack != nil {
		err = pack.CheckScenarios(model.ScenariosFile, scenarios)
	}
	if err == nil {
		return nil, nil
	}
	return err.(model.Faults), nil
}
