package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

// text prints names, aligned: a column for each profile, by its number, and
// conditions by a letter.
func (m *matrix) text(out io.Writer) error {
	var b bytes.Buffer
	for i, s := range m.sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n\n", s.name())
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for j, p := range s.profiles {
			fmt.Fprintf(w, "  %d\t%s\n", j+1, p)
		}
		w.Flush()
		b.WriteByte('\n')
		var notes []string
		w = tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for j := range s.profiles {
			fmt.Fprintf(w, "\t%d", j+1)
		}
		fmt.Fprintln(w)
		for _, r := range s.rows {
			fmt.Fprintf(w, "  %s", r.permission)
			for _, cell := range r.cells {
				fmt.Fprintf(w, "\t%s", note(cell, &notes))
			}
			fmt.Fprintln(w)
		}
		w.Flush()
		if len(notes) > 0 {
			b.WriteByte('\n')
		}
		for j, n := range notes {
			fmt.Fprintf(&b, "  %s  %s\n", letter(j), n)
		}
	}
	var tidy []string
	for line := range strings.Lines(b.String()) {
		tidy = append(tidy, strings.TrimRight(line, " \n"))
	}
	_, err := fmt.Fprintln(out, strings.Join(tidy, "\n"))
	return err
}

func (s *section) name() string {
	switch {
	case s.place == model.AtTenant:
		return "in the tenant"
	case s.configuration.IsZero():
		return "on a dossier"
	}
	return "on a dossier under configuration:" + s.configuration.String()
}

// note returns the text of a cell: yes, - or a letter for a condition.
func note(cell []world.When, notes *[]string) string {
	switch a, condition := answer(cell); a {
	case "yes":
		return "yes"
	case "no":
		return "-"
	default:
		if !slices.Contains(*notes, condition) {
			*notes = append(*notes, condition)
		}
		return letter(slices.Index(*notes, condition))
	}
}

// letter numbers notes: a to z, then a2 and so on.
func letter(i int) string {
	l := string(rune('a' + i%26))
	if i >= 26 {
		l += strconv.Itoa(i/26 + 1)
	}
	return l
}

// csv prints a row for every answer, for spreadsheets and programs.
func (m *matrix) csv(out io.Writer) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"place", "configuration", "profile", "object", "action", "answer", "when"}}
	for _, s := range m.sections {
		for _, r := range s.rows {
			for i, cell := range r.cells {
				a, condition := answer(cell)
				rows = append(rows, []string{
					s.place.String(), s.configuration.String(), s.profiles[i].String(),
					r.permission.Object(), r.permission.Action(), a, strings.TrimPrefix(condition, "when "),
				})
			}
		}
	}
	return w.WriteAll(rows)
}

// markdown prints tables with labels.
func (m *matrix) markdown(out io.Writer) error {
	var b strings.Builder
	bar := func(cells []string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintf(&b, "# %s\n", m.title())
	for _, s := range m.sections {
		fmt.Fprintf(&b, "\n## %s\n\n", m.heading(s))
		head, line := []string{m.words.permission}, []string{"---"}
		for _, p := range s.profiles {
			head, line = append(head, m.profile(p)), append(line, "---")
		}
		bar(head)
		bar(line)
		for _, r := range s.rows {
			cells := []string{m.permission(r.permission)}
			for _, c := range r.cells {
				switch text := m.condition(c); {
				case len(c) == 0:
					cells = append(cells, "–")
				case text == "":
					cells = append(cells, "✓")
				default:
					cells = append(cells, "✓ "+text)
				}
			}
			bar(cells)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
