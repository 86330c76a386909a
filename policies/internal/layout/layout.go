// Package layout lays out the files of a pack: what an author writes by hand
// comes out in columns, with every comment above the row it was above.
//
//	text = layout.Policy(text)
//
// It wants a file that the readers of model take, means nothing else by it
// afterwards, and does nothing to one that it has laid out.
package layout

import (
	"cmp"
	"encoding/csv"
	"slices"
	"strings"
	"unicode/utf8"
)

// A line is one of a CSV file that reads well.
type line struct {
	comment string   // with its #, or ""
	fields  []string // of a row, or of a comment that names the columns
}

func (l line) blank() bool { return l.comment == "" && l.fields == nil }
func (l line) row() bool   { return l.comment == "" && l.fields != nil }

// kind is the type of a row, or the one whose columns a comment names.
func (l line) kind() string {
	if l.fields == nil {
		return ""
	}
	return strings.TrimLeft(l.fields[0], "# ")
}

// Policy lays out a policy.csv: rows of one type in columns, and those of
// one profile, or another first field, together as far as no comment or blank
// line parts them.
func Policy(text string) string {
	lines := split(text)
	var out []line
	for len(lines) > 0 {
		n := slices.IndexFunc(lines, func(l line) bool { return !l.row() })
		switch {
		case n < 0:
			n = len(lines)
		case n == 0:
			out, lines = append(out, lines[0]), lines[1:]
			continue
		}
		out, lines = append(out, grouped(lines[:n])...), lines[n:]
	}
	return columns(out, line.kind, 6)
}

// Catalog lays out a catalog.csv, whose rows keep their order: it is the
// one in which people see the names. The labels are too long for columns.
func Catalog(text string) string {
	return columns(split(text), func(line) string { return "" }, 4)
}

// grouped brings rows together that follow each other: those of a type, and of
// these those with the same first field, each where the first of them is. So
// the first row stays below the comment that it stands below.
func grouped(rows []line) []line {
	first := map[string]int{} // by type, and by type and first field
	both := func(l line) string { return l.fields[0] + "," + l.fields[1] }
	for i, l := range rows {
		for _, key := range []string{l.fields[0], both(l)} {
			if _, seen := first[key]; !seen {
				first[key] = i
			}
		}
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b line) int {
		return cmp.Or(first[a.fields[0]]-first[b.fields[0]], first[both(a)]-first[both(b)])
	})
	var out []line
	for i, l := range rows {
		if i > 0 && l.fields[0] != rows[i-1].fields[0] {
			out = append(out, line{})
		}
		out = append(out, l)
	}
	return out
}

// split splits text, and leaves out blank lines but for one between others.
func split(text string) []line {
	var lines []line
	counts := map[string]int{"kind": len(strings.Split(catalogHead, ","))}
	for raw := range strings.Lines(text) {
		var l line
		switch s := strings.Trim(strings.TrimRight(raw, "\r\n"), " "); {
		case s == "":
			if len(lines) == 0 || lines[len(lines)-1].blank() {
				continue
			}
		case s[0] == '#':
			l.comment = s
		default:
			l.fields = splitRow(s)
			counts[l.fields[0]] = len(l.fields)
		}
		lines = append(lines, l)
	}
	if n := len(lines); n > 0 && lines[n-1].blank() {
		lines = lines[:n-1]
	}
	for i, l := range lines {
		if l.comment != "" {
			lines[i].fields = columnNames(l.comment, counts)
		}
	}
	return lines
}

// catalogHead is the comment that names the columns of a catalog.
const catalogHead = "kind, name, place, value, en, nl, de"

// columnNames returns the words of a comment that names the columns of a type
// of row: "# g2, domain, trait".
func columnNames(comment string, counts map[string]int) []string {
	words := strings.Split(comment, ",")
	kind, found := strings.CutPrefix(words[0], "# ")
	if !found || len(words) != counts[kind] {
		return nil
	}
	for i := range words {
		words[i] = strings.Trim(words[i], " ")
	}
	return words
}

// splitRow reads a row that a reader of model took.
func splitRow(s string) []string {
	r := csv.NewReader(strings.NewReader(s))
	r.TrimLeadingSpace = true
	fields, err := r.Read()
	if err != nil {
		return []string{s} // which the reader refuses, so that nothing is written
	}
	for i, f := range fields {
		fields[i] = strings.Trim(f, " ")
		if strings.ContainsAny(fields[i], `",`) {
			fields[i] = `"` + strings.ReplaceAll(fields[i], `"`, `""`) + `"`
		}
	}
	return fields
}

// columns puts lines in columns, each as wide as its widest field in the lines of
// one table. The fields from the one at last on follow each other.
func columns(lines []line, table func(line) string, last int) string {
	widths := map[string][]int{}
	for _, l := range lines {
		w := widths[table(l)]
		for i, f := range l.fields {
			if len(w) <= i {
				w = append(w, 0)
			}
			w[i] = max(w[i], utf8.RuneCountInString(f))
		}
		widths[table(l)] = w
	}
	var b strings.Builder
	for _, l := range lines {
		text := l.comment
		if l.fields != nil {
			text = inColumns(l.fields, widths[table(l)], last)
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}

func inColumns(fields []string, widths []int, last int) string {
	var b strings.Builder
	for i, f := range fields {
		b.WriteString(f)
		if i == len(fields)-1 {
			break
		}
		b.WriteString(", ")
		if i < last {
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(f)))
		}
	}
	return strings.TrimRight(b.String(), " ")
}
