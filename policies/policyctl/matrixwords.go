package main

import (
	"fmt"
	"strings"

	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

// A tongue is what a matrix says besides the labels of the pack, in one
// language. A %s stands for a label.
type tongue struct {
	title, version, reading, contents           string
	tenant, dossier, under, permission, members string
	yes, no, and, or                            string
	assigned, notAssigned, shared, private      string
	with, without, when, unless                 string
	activated, notActivated                     string
}

var tongues = map[string]tongue{
	"en": {
		title: "Who may do what: %s", version: "version %d", contents: "Tables",
		reading:  "Each column is somebody who holds that profile and no other. ✓ is yes, – is no; words beside ✓, or under the name of a profile, are the condition for it. Who holds two profiles has what either gives, except what is closed to one of them.",
		tenant:   "In the organisation itself",
		dossier:  "On a dossier",
		under:    "On a dossier with %s",
		yes:      "yes",
		no:       "no",
		and:      " and ",
		or:       ", or ",
		members:  "Everybody (%s)",
		assigned: "when assigned", notAssigned: "when not assigned", shared: "if not private", private: "if private",
		with: "with %s", without: "without %s", when: "if “%s”", unless: "unless “%s”", activated: "if “%s” is activated", notActivated: "unless “%s” is activated", permission: "Permission",
	},
	"nl": {
		title: "Wie mag wat: %s", version: "versie %d", contents: "Tabellen",
		reading:  "Elke kolom is iemand met dat profiel en geen ander. ✓ is ja, – is nee; woorden naast ✓, of onder de naam van een profiel, zijn de voorwaarde. Wie twee profielen heeft, mag wat een van beide geeft, behalve wat voor een van de twee gesloten is.",
		tenant:   "In de organisatie zelf",
		dossier:  "Op een dossier",
		under:    "Op een dossier met %s",
		yes:      "ja",
		no:       "nee",
		and:      " en ",
		or:       ", of ",
		members:  "Iedereen (%s)",
		assigned: "indien toegewezen", notAssigned: "indien niet toegewezen", shared: "indien niet privé", private: "indien privé",
		with: "met %s", without: "zonder %s", when: "als “%s”", unless: "tenzij “%s”", activated: "als “%s” geactiveerd is", notActivated: "tenzij “%s” geactiveerd is", permission: "Recht",
	},
	"de": {
		title: "Wer darf was: %s", version: "Version %d", contents: "Tabellen",
		reading:  "Jede Spalte ist jemand mit diesem Profil und keinem anderen. ✓ heißt ja, – heißt nein; Wörter neben ✓ oder unter dem Namen eines Profils sind die Bedingung dafür. Wer zwei Profile hat, darf, was eines von beiden gibt, außer dem, was einem der beiden verschlossen ist.",
		tenant:   "In der Organisation selbst",
		dossier:  "In einer Akte",
		under:    "In einer Akte mit %s",
		yes:      "ja",
		no:       "nein",
		and:      " und ",
		or:       ", oder ",
		members:  "Alle (%s)",
		assigned: "wenn zugewiesen", notAssigned: "wenn nicht zugewiesen", shared: "wenn nicht privat", private: "wenn privat",
		with: "mit %s", without: "ohne %s", when: "wenn „%s“", unless: "außer wenn „%s“", activated: "wenn „%s“ aktiviert ist", notActivated: "außer wenn „%s“ aktiviert ist", permission: "Recht",
	},
}

func (m *matrix) title() string { return fmt.Sprintf(m.words.title, m.pack.Labels.In(m.lang)) }

func (m *matrix) heading(s *section) string {
	switch {
	case s.place == model.AtTenant:
		return m.words.tenant
	case s.configuration.IsZero():
		return m.words.dossier
	}
	e, _ := m.pack.Catalog.Configuration(s.configuration)
	return fmt.Sprintf(m.words.under, e.Labels.In(m.lang))
}

func (m *matrix) profile(p model.Profile) string {
	e, _ := m.pack.Catalog.Profile(p)
	if p == model.Member {
		return fmt.Sprintf(m.words.members, e.Labels.In(m.lang))
	}
	return e.Labels.In(m.lang)
}

func (m *matrix) permission(p model.Permission) string {
	e, _ := m.pack.Catalog.Permission(p)
	return e.Labels.In(m.lang)
}

// condition says when a cell is yes, and nothing when it always is.
func (m *matrix) condition(cell []world.When) string {
	var any []string
	for _, when := range cell {
		var all []string
		for _, c := range when {
			all = append(all, m.part(c))
		}
		any = append(any, strings.Join(all, m.words.and))
	}
	return strings.Join(any, m.words.or)
}

func (m *matrix) part(c world.Condition) string {
	w := m.words
	is, not := w.when, w.unless
	switch {
	case c.Trait.IsZero():
		is, not = w.assigned, w.notAssigned
	case c.Trait == model.TraitShared:
		is, not = w.shared, w.private
	case c.Trait == model.TraitPrivate:
		is, not = w.private, w.shared
	case c.Trait.Kind() == model.KindModule, c.Trait.Kind() == model.KindConfiguration:
		is, not = w.with, w.without
	case c.Trait.Kind() == model.KindActivated:
		is, not = w.activated, w.notActivated
	}
	if c.Not {
		is = not
	}
	if strings.Contains(is, "%s") {
		return fmt.Sprintf(is, m.trait(c.Trait))
	}
	return is
}

// trait returns the label of what a trait is about, or its name: the pack has
// none for what the vendor activates, unless that is a profile.
func (m *matrix) trait(t model.Trait) string {
	c, labels := m.pack.Catalog, map[model.Trait]model.Labels{}
	for _, e := range c.Configurations {
		labels[model.ConfigurationTrait(e.Configuration)] = e.Labels
	}
	for _, e := range c.Modules {
		labels[model.ModuleTrait(e.Name)] = e.Labels
	}
	for _, e := range c.Settings {
		labels[model.SettingTrait(e.Name)] = e.Labels
	}
	for _, e := range c.Flags {
		labels[model.FlagTrait(e.Name)] = e.Labels
	}
	if l, found := labels[t]; found {
		return l.In(m.lang)
	}
	if p, err := model.ParseProfile(t.Name()); err == nil {
		if e, found := c.Profile(p); found {
			return e.Labels.In(m.lang)
		}
	}
	return t.Name()
}
