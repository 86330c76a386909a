package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies"
)

// A source is where a pack is read from.
type source struct {
	name  string // of the pack
	dir   string // the folder as the user wrote it, or "" for a shipped pack
	files fs.FS
}

// findSource returns the pack that arg names: a folder, if there is one, and
// a shipped pack otherwise.
func findSource(arg string) (source, error) {
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		full, err := filepath.Abs(arg)
		if err != nil {
			return source{}, err
		}
		return source{filepath.Base(full), arg, os.DirFS(arg)}, nil
	case err == nil:
		return source{}, fmt.Errorf("%s is a file, want the folder of a pack: %w", arg, errUsage)
	}
	if files, found := policies.Files(arg); found {
		return source{arg, "", files}, nil
	}
	return source{}, fmt.Errorf("%q is no folder, and no pack named so comes with Volmacht (there is %s): %w",
		arg, strings.Join(policies.Names(), ", "), errUsage)
}

// pack reads the pack.
func (s source) pack() (*model.Pack, error) {
	p, err := model.ReadPack(s.files, s.name)
	return p, s.located(err)
}

// path returns where file is, for people.
func (s source) path(file string) string {
	if s.dir == "" {
		return s.name + "/" + file
	}
	return filepath.Join(s.dir, file)
}

// located puts the folder before the files in err, so that an editor finds them.
func (s source) located(err error) error {
	faults := model.Faults(nil)
	if !errors.As(err, &faults) {
		return err
	}
	located := make(model.Faults, len(faults))
	for i, f := range faults {
		f.File = s.path(f.File)
		located[i] = f
	}
	return located
}
