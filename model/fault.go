package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Fault is one thing that is wrong with a file of a pack, and where.
type Fault struct {
	File    string // as given to the reader
	Line    int    // from 1; 0 when the whole file is meant
	Column  int    // in bytes from 1; 0 when the whole line is meant
	Check   string // the sort of fault: one of the constants below, such as CheckArity
	Message string
}

// The sorts of faults, as [Fault.Check] names them.
const (
	CheckSyntax     = "syntax"     // what is none of the others
	CheckArity      = "arity"      // a row with too many or too few fields
	CheckEmpty      = "empty"      // an empty field
	CheckEffect     = "effect"     // an effect that is not exactly allow or deny
	CheckUndeclared = "undeclared" // a name that the catalog does not declare
	CheckDuplicate  = "duplicate"  // a row that is there already
	CheckCaseTwin   = "case-twin"  // a row that differs from another in capitals only
	CheckUndefined  = "undefined"  // a token of the matcher that nothing defines
	CheckEncoding   = "encoding"   // a byte or character that no file may hold
	CheckQuote      = "quote"      // a quote that does not stand round a field
	CheckComment    = "comment"    // a comment behind something on its line
	CheckSize       = "size"       // a file, line or field that is too long
	CheckCycle      = "cycle"      // a name that contains itself
)

// Error returns "policy.csv:14: effect "Deny": want allow or deny".
func (f Fault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Message
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message)
}

// Unwrap returns [ErrInvalid].
func (f Fault) Unwrap() error { return ErrInvalid }

// Faults is everything that is wrong with a file or a pack, in the order of
// files and lines. It is never empty when returned as an error; get at it with
// errors.As.
type Faults []Fault

// Error returns all faults, one a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns [ErrInvalid].
func (fs Faults) Unwrap() error { return ErrInvalid }

// maxFaults keeps a large file of nonsense from filling the memory.
const maxFaults = 10_000

// A collector gathers the faults of one file.
type collector struct {
	file   string
	faults Faults
}

// add adds a fault of the sort [CheckSyntax].
func (c *collector) add(line, column int, format string, args ...any) {
	c.addAs(CheckSyntax, line, column, format, args...)
}

func (c *collector) addAs(check string, line, column int, format string, args ...any) {
	switch {
	case len(c.faults) < maxFaults:
		c.faults = append(c.faults, Fault{c.file, line, column, check, fmt.Sprintf(format, args...)})
	case len(c.faults) == maxFaults:
		c.faults = append(c.faults, Fault{c.file, line, column, CheckSize, "too many faults: gave up here"})
	}
}

// full reports whether there is no room for more faults.
func (c *collector) full() bool { return len(c.faults) > maxFaults }

// invalid adds err, from one of the Parse functions, if there is one.
func (c *collector) invalid(line, column int, err error) bool {
	if err != nil {
		// The word "invalid" says nothing in a list of faults.
		c.add(line, column, "%s", strings.TrimSuffix(err.Error(), ": "+ErrInvalid.Error()))
	}
	return err != nil
}

// err returns the faults in the order of lines, or nil.
func (c *collector) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(c.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return c.faults
}
