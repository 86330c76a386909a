package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed matrix.html
var matrixPage string

var matrixTemplate = template.Must(template.New("matrix").Parse(matrixPage))

type htmlMatrix struct {
	Lang, Title, Version string
	Words                struct{ Reading, Contents, Permission, Yes, No string }
	Sections             []htmlSection
}

type htmlSection struct {
	Heading  string
	Profiles []htmlProfile
	Rows     []htmlRow
}

// An htmlProfile is the head of a column, with the condition that goes for all
// of it.
type htmlProfile struct{ Name, When string }

type htmlRow struct {
	Permission string
	Cells      []htmlCell
}

type htmlCell struct {
	Yes  bool
	When string
	Said bool // When stands above the column
}

// html prints one page for people who do not read policies.
func (m *matrix) html(out io.Writer) error {
	page := htmlMatrix{Lang: m.lang, Title: m.title(), Version: fmt.Sprintf(m.words.version, m.pack.Version)}
	page.Words.Reading, page.Words.Contents, page.Words.Permission = m.words.reading, m.words.contents, m.words.permission
	page.Words.Yes, page.Words.No = m.words.yes, m.words.no
	for _, s := range m.sections {
		section := htmlSection{Heading: m.heading(s)}
		for i, p := range s.profiles {
			section.Profiles = append(section.Profiles, htmlProfile{m.profile(p), m.common(s, i)})
		}
		for _, r := range s.rows {
			row := htmlRow{Permission: m.permission(r.permission)}
			for i, c := range r.cells {
				row.Cells = append(row.Cells, htmlCell{len(c) > 0, m.condition(c), section.Profiles[i].When != ""})
			}
			section.Rows = append(section.Rows, row)
		}
		page.Sections = append(page.Sections, section)
	}
	return matrixTemplate.Execute(out, page)
}

// common returns the condition on which a column says yes, if that is one and
// the same wherever it does.
func (m *matrix) common(s *section, column int) string {
	when := ""
	for i, n := 0, 0; i < len(s.rows); i++ {
		if cell := s.rows[i].cells[column]; len(cell) > 0 {
			if n++; n == 1 {
				when = m.condition(cell)
			} else if when != m.condition(cell) {
				return ""
			}
		}
	}
	return when
}
