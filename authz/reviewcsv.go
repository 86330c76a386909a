package authz

import (
	"encoding/csv"
	"io"
	"strings"
	"time"

	"github.com/volmacht/volmacht/model"
)

// WriteCSV writes the items of a review as comma-separated values under a line
// of column names: whom it is about, what, and who decided what when. Times are
// in RFC 3339. A text that a spreadsheet would take for a formula gets an
// apostrophe before it.
func (r Review) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	// An error of Write comes back from Flush.
	_ = out.Write([]string{"subject", "name", "domain", "access", "of", "state", "decision", "became", "by", "at"})
	for _, i := range r.Items {
		kind, of := "profile", i.role()
		switch {
		case i.Assigned:
			kind, of = "assignment", ""
		case !i.Team.IsZero():
			kind, of = "team", i.Team.String()
		case i.Profile == model.Member:
			kind, of = "membership", ""
		}
		at := ""
		if !i.At.IsZero() {
			at = i.At.UTC().Format(time.RFC3339)
		}
		line := []string{
			i.Subject.String(), i.Name, i.Domain.String(), kind, of, string(i.State), string(i.Decision), i.Became.String(), i.By, at,
		}
		for n, cell := range line {
			line[n] = harmless(cell)
		}
		_ = out.Write(line)
	}
	out.Flush()
	return out.Error()
}

// harmless marks what begins a formula: at the start of a cell, and after a
// semicolon or tab, where spreadsheets of some countries begin another one.
func harmless(cell string) string {
	var b strings.Builder
	first := true
	for _, r := range cell {
		if first && strings.ContainsRune("=+-@\t\r＝＋－＠", r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		first = first && r == ' ' || r == ';' || r == '\t' || r == '\n'
	}
	return b.String()
}
