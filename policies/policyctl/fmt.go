package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/internal/layout"
)

var fmtCommand = command{
	name: "fmt", args: "[-check] [-json] PACK",
	about: "align the columns of policy.csv and catalog.csv and bring the rows of a profile together; comments stay above the row they are above",
	example: "policyctl fmt ./mypack\n" +
		"policyctl fmt -check ./mypack",
	prepare: func(flags *flag.FlagSet) func([]string, io.Writer) error {
		p := newPrinter(flags)
		check := flags.Bool("check", false, "write nothing, and fail when a file would change")
		return func(args []string, out io.Writer) error { return fmtPack(args, *check, p, out) }
	},
}

func fmtPack(args []string, check bool, p *printer, out io.Writer) error {
	src, err := onePack(args)
	if err != nil {
		return err
	}
	if src.dir == "" && !check {
		return fmt.Errorf("%s comes with Volmacht: want the folder of a pack, or -check: %w", src.name, errUsage)
	}
	changed, err := formatted(src)
	if err != nil {
		return p.failed(out, src.located(err))
	}
	var found []finding
	for _, file := range []string{model.PolicyFile, model.CatalogFile} {
		text, ok := changed[file]
		switch {
		case !ok:
		case check:
			found = append(found, finding{File: src.path(file), Severity: severityError, Check: "format", Message: "not formatted: run policyctl fmt " + args[0]})
		default:
			info, err := os.Stat(src.path(file))
			if err != nil {
				return err
			}
			target, err := filepath.EvalSymlinks(src.path(file)) // else a link would become a file
			if err != nil {
				return err
			}
			if err := replaceFile(target, text, info.Mode().Perm()); err != nil {
				return err
			}
		}
	}
	if check {
		return p.findings(out, found)
	}
	return nil
}

// formatted returns the texts of those files that formatting changes.
func formatted(src source) (map[string]string, error) {
	before, err := model.ReadPack(src.files, src.name)
	if err != nil {
		return nil, err
	}
	files, changed := map[string]string{}, map[string]string{}
	for _, file := range []string{model.ModelFile, model.PolicyFile, model.CatalogFile} {
		text, err := fs.ReadFile(src.files, file)
		if err != nil {
			return nil, err
		}
		files[file] = string(text)
		tidy := files[file]
		switch file {
		case model.PolicyFile:
			tidy = layout.Policy(tidy)
		case model.CatalogFile:
			tidy = layout.Catalog(tidy)
		}
		if tidy != files[file] {
			files[file], changed[file] = tidy, tidy
		}
	}
	after, err := model.ParsePack(src.name, files)
	if err != nil {
		return nil, fmt.Errorf("%s: formatting would spoil it, and is left: %w", src.name, errors.New(err.Error()))
	}
	if before.Hash() != after.Hash() || !sameNames(before.Catalog, after.Catalog) || before.Version != after.Version || before.Labels != after.Labels {
		return nil, fmt.Errorf("%s: formatting would change what it means, and is left", src.name)
	}
	return changed, nil
}

// sameNames reports whether two catalogs list the same, in the same order and
// with the same labels.
func sameNames(a, b *model.Catalog) bool {
	return reflect.DeepEqual(
		[]any{a.Profiles, a.Permissions, a.Configurations, a.Transitions, a.Modules, a.Settings, a.Flags, a.Topics},
		[]any{b.Profiles, b.Permissions, b.Configurations, b.Transitions, b.Modules, b.Settings, b.Flags, b.Topics})
}

// replaceFile writes the file at path as a whole or not at all.
func replaceFile(path, text string, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
