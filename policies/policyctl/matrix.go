package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

var matrixCommand = command{
	name: "matrix", args: "[-format FORMAT] [-lang LANG] PACK",
	about: "show which profile may do what: in the tenant, and on a dossier under each configuration, with the modules and whatever else it depends on",
	example: "policyctl matrix accountancy\n" +
		"policyctl matrix -format html -lang nl accountancy > matrix.html",
	prepare: func(flags *flag.FlagSet) func([]string, io.Writer) error {
		format := flags.String("format", "text", "text, markdown, csv or html; html is one page that needs nothing else")
		lang := flags.String("lang", "en", "the labels of markdown and html: en, nl or de")
		return func(args []string, out io.Writer) error { return printMatrix(args, *format, *lang, out) }
	},
}

func printMatrix(args []string, format, lang string, out io.Writer) error {
	printers := map[string]func(*matrix, io.Writer) error{
		"text": (*matrix).text, "markdown": (*matrix).markdown, "csv": (*matrix).csv, "html": (*matrix).html,
	}
	show := printers[format]
	t, known := tongues[lang]
	switch {
	case len(args) != 1:
		return fmt.Errorf("%d packs, want one: %w", len(args), errUsage)
	case show == nil:
		return fmt.Errorf("format %q: want text, markdown, csv or html: %w", format, errUsage)
	case !known:
		return fmt.Errorf("language %q: want en, nl or de: %w", lang, errUsage)
	}
	src, err := findSource(args[0])
	if err != nil {
		return err
	}
	pack, err := src.pack()
	if err != nil {
		return err
	}
	m, err := newMatrix(pack)
	if err != nil {
		return err
	}
	m.lang, m.words = lang, t
	return show(m, out)
}

// A matrix is every answer of a pack to who holds one profile.
type matrix struct {
	pack     *model.Pack
	sections []*section
	lang     string
	words    tongue
}

// A section is a table: the tenant, or a dossier under one configuration.
type section struct {
	place         model.Place
	configuration model.Configuration // zero in the tenant and where there are none
	profiles      []model.Profile
	rows          []matrixRow
}

// A matrixRow has a cell for each profile of its section: when the answer is
// yes, never if there are none.
type matrixRow struct {
	permission model.Permission
	cells      [][]world.When
}

func newMatrix(p *model.Pack) (*matrix, error) {
	m := &matrix{pack: p}
	m.sections = append(m.sections, &section{place: model.AtTenant})
	for _, e := range p.Catalog.Configurations {
		m.sections = append(m.sections, &section{place: model.AtDossier, configuration: e.Configuration})
	}
	if len(p.Catalog.Configurations) == 0 {
		m.sections = append(m.sections, &section{place: model.AtDossier})
	}
	for _, s := range m.sections {
		s.profiles = holders(p.Catalog, s.place)
		for _, perm := range world.Permissions(p) {
			if e, _ := p.Catalog.Permission(perm); e.Place&s.place == 0 {
				continue
			}
			if err := s.add(p, perm); err != nil {
				return nil, fmt.Errorf("%v: %w", perm, err)
			}
		}
	}
	for _, s := range m.sections {
		s.dropMember()
	}
	m.sections = slices.DeleteFunc(m.sections, func(s *section) bool { return len(s.rows) == 0 })
	return m, nil
}

// holders returns the profiles that count at place, and that of every member.
// Who holds a profile throughout the tenant holds it on its dossiers too.
func holders(c *model.Catalog, place model.Place) []model.Profile {
	var all []model.Profile
	for _, e := range c.Profiles {
		if e.Profile == model.Member || e.Place&(place|model.AtTenant) != 0 {
			all = append(all, e.Profile)
		}
	}
	return all
}

// dropMember leaves the column of every member out when it is empty.
func (s *section) dropMember() {
	at := slices.Index(s.profiles, model.Member)
	if at < 0 || slices.ContainsFunc(s.rows, func(r matrixRow) bool { return r.cells[at] != nil }) {
		return
	}
	s.profiles = slices.Delete(s.profiles, at, at+1)
	for i := range s.rows {
		s.rows[i].cells = slices.Delete(s.rows[i].cells, at, at+1)
	}
}

// add adds the row of perm. A part of an object has none where it goes the way
// of the whole.
func (s *section) add(p *model.Pack, perm model.Permission) error {
	var traits []model.Trait
	for _, t := range world.Unreleased(world.Traits(p, perm)) {
		if s.configuration.IsZero() || t.Kind() != model.KindConfiguration {
			traits = append(traits, t)
		}
	}
	domains, err := world.Domains(s.place, traits)
	if err != nil {
		return err
	}
	if !s.configuration.IsZero() {
		for i := range domains {
			domains[i].Traits = append(domains[i].Traits, model.ConfigurationTrait(s.configuration))
		}
	}
	var who []world.Holder
	for _, profile := range s.profiles {
		who = append(who, world.Holder{profile.String()}, world.Holder{profile.String(), model.Assigned})
	}
	answers, err := world.Ask(world.Ours, p, perm, domains, who)
	if err != nil {
		return err
	}
	row := matrixRow{permission: perm}
	for i := range s.profiles {
		row.cells = append(row.cells, world.Simplify(domains, func(d int, assigned bool) world.Answer {
			if !assigned && answers[2*i][d] || assigned && answers[2*i+1][d] {
				return world.Yes
			}
			return world.No
		}))
	}
	if whole, _, part := strings.Cut(perm.Object(), ":"); part && s.row(whole, perm.Action()).same(row) {
		return nil
	}
	s.rows = append(s.rows, row)
	return nil
}

func (s *section) row(object, action string) matrixRow {
	for _, r := range s.rows {
		if r.permission.Object() == object && r.permission.Action() == action {
			return r
		}
	}
	return matrixRow{}
}

func (r matrixRow) same(o matrixRow) bool {
	return slices.EqualFunc(r.cells, o.cells, func(a, b []world.When) bool {
		return slices.EqualFunc(a, b, func(a, b world.When) bool { return slices.Equal(a, b) })
	})
}

// answer returns "yes" or "no", or "when" and the condition.
func answer(whens []world.When) (string, string) {
	switch condition := world.Any(whens); {
	case len(whens) == 0:
		return "no", ""
	case condition == "":
		return "yes", ""
	default:
		return "when", condition
	}
}
