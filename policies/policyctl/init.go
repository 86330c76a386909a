package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/internal/layout"
)

// starter is the pack that init writes: PACK stands for its name.
//
//go:embed template
var starter embed.FS

var initCommand = command{
	name: "init", args: "DIR",
	about: "write a small pack of one's own, which passes lint and test, into a new or empty folder; the pack and its Go package have the name of the folder",
	example: "policyctl init ./mypack\n" +
		"policyctl test ./mypack",
	prepare: func(*flag.FlagSet) func([]string, io.Writer) error { return initPack },
}

func initPack(args []string, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("%d folders, want one: %w", len(args), errUsage)
	}
	dir, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	files, err := templateFiles(filepath.Base(dir))
	if err != nil {
		return err
	}
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("%w: %w", err, errUsage)
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty: %w", args[0], errUsage)
	}
	for name, text := range files {
		// No file that came in between is written over.
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%s is a pack: edit its policy.csv, then run policyctl lint %s and policyctl test %s\n", args[0], args[0], args[0])
	return err
}

// templateFiles returns the files of the pack of that name, by theirs.
func templateFiles(name string) (map[string]string, error) {
	if _, err := model.ParseProfile(name); err != nil || !token.IsIdentifier(name) || name == "main" || name != strings.ToLower(name) {
		return nil, fmt.Errorf("%q cannot be the name of a pack and a Go package: want lower-case letters, digits and _, a letter first: %w", name, errUsage)
	}
	conf, err := fs.ReadFile(accountancy.Files(), model.ModelFile)
	if err != nil {
		return nil, err
	}
	files := map[string]string{model.ModelFile: string(conf)}
	for from, to := range map[string]string{
		"policy.csv": model.PolicyFile, "catalog.csv": model.CatalogFile, "scenarios.csv": model.ScenariosFile, "pack.go.txt": "pack.go",
	} {
		text, err := starter.ReadFile("template/" + from)
		if err != nil {
			return nil, err
		}
		files[to] = strings.ReplaceAll(string(text), "PACK", name)
	}
	files[model.CatalogFile] = layout.Catalog(files[model.CatalogFile])
	pack, err := model.ParsePack(name, files)
	if err != nil {
		return nil, err
	}
	names, err := generate(pack)
	files[namesFile] = string(names)
	return files, err
}
