package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// A finding is one thing that a command has to say about a pack, and where.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`   // from 1; 0 when the whole file is meant
	Column   int    `json:"column,omitempty"` // in bytes from 1; 0 when the whole line is meant
	Severity string `json:"severity"`         // severityError or severityWarning
	Check    string `json:"check"`
	Message  string `json:"message"`
}

const (
	severityError   = "error"
	severityWarning = "warning"
)

// errFound means that the command has printed what is wrong with the pack, and
// that there is no more to say.
var errFound = errors.New("found something")

// A printer prints what a command found: to standard output, as text or JSON.
type printer struct{ json bool }

// newPrinter declares the flag -json.
func newPrinter(flags *flag.FlagSet) *printer {
	p := &printer{}
	flags.BoolVar(&p.json, "json", false, "print findings as a JSON array")
	return p
}

// findings prints list in the order of files and lines. It returns errFound
// when there is anything in it.
func (p *printer) findings(out io.Writer, list []finding) error {
	slices.SortStableFunc(list, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if p.json {
		if err := printJSON(out, append([]finding{}, list...)); err != nil { // never null
			return err
		}
	} else if err := printText(out, list); err != nil {
		return err
	}
	if len(list) > 0 {
		return errFound
	}
	return nil
}

// failed prints err when it is faults of files, and returns any other.
func (p *printer) failed(out io.Writer, err error) error {
	if list, ok := faultFindings(err); ok {
		return p.findings(out, list)
	}
	return err
}

// faultFindings returns what a reader found.
func faultFindings(err error) ([]finding, bool) {
	var faults model.Faults
	if !errors.As(err, &faults) {
		return nil, false
	}
	list := make([]finding, len(faults))
	for i, f := range faults {
		list[i] = finding{f.File, f.Line, f.Column, severityError, f.Check, f.Message}
	}
	return list, true
}

// printJSON prints v indented, with < and > as they are.
func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printText prints each finding on a line that begins with its place.
func printText(out io.Writer, list []finding) error {
	paint := painter(out)
	var b strings.Builder
	for _, f := range list {
		place := f.File
		if f.Line > 0 {
			place += fmt.Sprintf(":%d", f.Line)
		}
		colour := red
		if f.Severity == severityWarning {
			colour = yellow
		}
		fmt.Fprintf(&b, "%s %s: %s %s\n", paint(bold, place+":"), paint(colour, f.Severity), f.Message, paint(faint, "("+f.Check+")"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// The colours of a terminal.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// painter returns what colours text, or leaves it alone when out is no terminal
// or the user wants none (https://no-color.org).
func painter(out io.Writer) func(colour, text string) string {
	if !terminal(out) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return func(_, text string) string { return text }
	}
	return func(colour, text string) string { return "\x1b[" + colour + "m" + text + "\x1b[0m" }
}

// terminal reports whether out is one.
func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&(os.ModeDevice|os.ModeCharDevice) == os.ModeDevice|os.ModeCharDevice
}
