package model

import (
	"strconv"
	"strings"
)

// catalogColumns are the fields of every row of a catalog.
const catalogColumns = "kind, name, place, value, en, nl, de"

// A catalogReader fills a Catalog row by row.
type catalogReader struct {
	*Catalog
	*collector
	row   row
	packs int // rows of kind pack
	// transitions are checked last: they may stand before the configurations.
	transitions []row
	topicRows   []row // likewise: before the permissions that they need
}

// ReadCatalog reads a catalog.csv, whose rows are "kind, name, place, value,
// en, nl, de" with labels in all three languages. The kinds, their names and
// what place and value can be:
//
//	pack           the pack's name         -                        version, from 1
//	profile        NAME                    tenant, dossier or none  any of default, advised, required, founder, login
//	permission     OBJECT ACTION           tenant, dossier or both  -
//	configuration  NAME                    -                        default or nothing
//	transition     FROM TO                 -                        pending
//	topic          NAME                    tenant, dossier or both  default, if OBJECT ACTION, both or nothing
//	module, setting, flag  NAME            -                        -
//
// The error is [Faults].
func ReadCatalog(file string, text []byte) (*Catalog, error) {
	c := &collector{file: file}
	catalog := readCatalog(text, c)
	if err := c.err(); err != nil {
		return nil, err
	}
	return catalog, nil
}

func readCatalog(text []byte, c *collector) *Catalog {
	r := &catalogReader{
		Catalog: &Catalog{
			profiles:       map[Profile]ProfileEntry{},
			permissions:    map[Permission]PermissionEntry{},
			configurations: map[Configuration]ConfigurationEntry{},
			pending:        map[[2]Configuration]bool{},
			modules:        map[Module]bool{},
			settings:       map[Setting]bool{},
			flags:          map[Flag]bool{},
			topics:         map[Topic]TopicEntry{},
			rows:           repeats{},
		},
		collector: c,
	}
	for r.row = range readRows(text, c) {
		r.read()
	}
	for _, r.row = range r.transitions {
		r.transition()
	}
	for _, r.row = range r.topicRows {
		r.topic()
	}
	if r.packs == 0 {
		c.add(0, 0, "no row: pack, NAME, , VERSION, EN, NL, DE")
	}
	return r.Catalog
}

func (r *catalogReader) read() {
	fields := r.row.fields
	if n := len(strings.Split(catalogColumns, ",")); len(fields) != n {
		r.addAs(CheckArity, r.row.line, 0, "%d fields, want %d: %s", len(fields), n, catalogColumns)
		return
	}
	kind, name := fields[0], fields[1]
	for i, column := range strings.Split(catalogColumns, ", ") {
		if fields[i] == "" && column != "place" && column != "value" {
			r.addAs(CheckEmpty, r.row.line, r.row.columns[i], "%s is empty", column)
			return
		}
	}
	if kind != "configuration" && kind != "transition" && name != strings.ToLower(name) {
		r.fault(1, "%s %.80q: want lower case", kind, name)
		return
	}
	if !r.rows.check(r.row.line, kind+", "+name, r.collector) {
		return
	}
	switch kind {
	case "pack":
		r.pack()
	case "profile":
		r.profile()
	case "permission":
		r.permission()
	case "configuration":
		r.configuration()
	case "transition":
		r.transitions = append(r.transitions, r.row)
	case "module":
		r.Modules = plainEntry(r, r.Modules, r.modules)
	case "setting":
		r.Settings = plainEntry(r, r.Settings, r.settings)
	case "flag":
		r.Flags = plainEntry(r, r.Flags, r.flags)
	case "topic":
		r.topicRows = append(r.topicRows, r.row)
	default:
		r.fault(0, "kind %.80q: want pack, profile, permission, configuration, transition, module, setting, flag or topic", kind)
	}
}

// fault adds a fault at field i of the row.
func (r *catalogReader) fault(i int, format string, args ...any) {
	r.add(r.row.line, r.row.columns[i], format, args...)
}

// rowLabels returns the last three fields.
func (r *catalogReader) rowLabels() Labels {
	f := r.row.fields
	return Labels{EN: f[4], NL: f[5], DE: f[6]}
}

// unused refuses a place or value where it has no meaning.
func (r *catalogReader) unused(i int, what string) bool {
	if r.row.fields[i] != "" {
		r.fault(i, "a %s has no %s: leave the field empty", r.row.fields[0], what)
		return false
	}
	return true
}

func (r *catalogReader) pack() {
	r.packs++
	version, err := strconv.Atoi(r.row.fields[3])
	switch {
	case r.packs > 1:
		r.fault(0, "a second row for the pack")
	case err != nil || version < 1:
		r.fault(3, "version %.80q: want a whole number from 1", r.row.fields[3])
	case r.invalid(r.row.line, r.row.columns[1], checkName(r.row.fields[1])), !r.unused(2, "place"):
	default:
		r.Catalog.name, r.version, r.labels = r.row.fields[1], version, r.rowLabels()
	}
}

// place reads the place field.
func (r *catalogReader) place(none bool) (p Place, ok bool) {
	text := r.row.fields[2]
	if text == "none" && none {
		return 0, true
	}
	for word := range strings.FieldsSeq(text) {
		switch word {
		case "tenant":
			p |= AtTenant
		case "dossier":
			p |= AtDossier
		default:
			p, text = 0, word
		}
		if p == 0 {
			break
		}
	}
	if p == 0 && none {
		r.fault(2, "place %.80q: want tenant, dossier or none", text)
	} else if p == 0 {
		r.fault(2, "place %.80q: want tenant, dossier or tenant dossier", text)
	}
	return p, p != 0
}

func (r *catalogReader) profile() {
	name, err := ParseProfile(r.row.fields[1])
	place, ok := r.place(true)
	if r.invalid(r.row.line, r.row.columns[1], err) || !ok {
		return
	}
	e := ProfileEntry{Profile: name, Place: place, Labels: r.rowLabels()}
	words := map[string]*bool{"default": &e.Default, "advised": &e.Advised, "required": &e.Required, "founder": &e.Founder, "login": &e.Login}
	for word := range strings.FieldsSeq(r.row.fields[3]) {
		set := words[word]
		switch {
		case set == nil:
			r.fault(3, "value %.80q: want default, advised, required, founder or login", word)
			return
		case place == 0:
			r.fault(3, "nobody can hold a profile without a place: %s means nothing", word)
			return
		}
		*set = true
	}
	if e.Default {
		if first := r.DefaultProfile(place); !first.IsZero() {
			r.fault(3, "%s is the default already", first)
			return
		}
	}
	if e.Login {
		if first := r.LoginProfile(place); !first.IsZero() {
			r.fault(3, "%s is held while a contact may sign in already", first)
			return
		}
	}
	if e.Founder && place&AtTenant == 0 {
		r.fault(3, "who registers a tenant cannot hold %s there", name)
		return
	}
	r.Profiles = append(r.Profiles, e)
	r.profiles[name] = e
	if place != 0 {
		grant := GrantOf(name)
		r.permissions[grant] = PermissionEntry{grant, place, grantLabels(e.Labels)}
	}
}

func grantLabels(l Labels) Labels {
	return Labels{
		EN: "Give or take the profile “" + l.EN + "”",
		NL: "Het profiel “" + l.NL + "” toekennen of afnemen",
		DE: "Das Profil „" + l.DE + "“ vergeben oder entziehen",
	}
}

func (r *catalogReader) permission() {
	object, action, _ := strings.Cut(r.row.fields[1], " ")
	p, err := ParsePermission(object, action)
	place, ok := r.place(false)
	switch {
	case r.invalid(r.row.line, r.row.columns[1], err), !ok, !r.unused(3, "value"):
		return
	case strings.HasPrefix(object, "profile:"):
		r.fault(1, "%q comes with the profile: leave it out", p)
		return
	}
	e := PermissionEntry{p, place, r.rowLabels()}
	r.Permissions = append(r.Permissions, e)
	r.permissions[p] = e
}

func (r *catalogReader) configuration() {
	name, err := ParseConfiguration(r.row.fields[1])
	value := r.row.fields[3]
	switch {
	case r.invalid(r.row.line, r.row.columns[1], err), !r.unused(2, "place"):
		return
	case value != "" && value != "default":
		r.fault(3, "value %.80q: want default or nothing", value)
		return
	case value != "" && !r.DefaultConfiguration().IsZero():
		r.fault(3, "%s is the default already", r.DefaultConfiguration())
		return
	}
	e := ConfigurationEntry{name, value != "", r.rowLabels()}
	r.Configurations = append(r.Configurations, e)
	r.configurations[name] = e
}

func (r *catalogReader) transition() {
	name, value := r.row.fields[1], r.row.fields[3]
	from, to, _ := strings.Cut(name, " ")
	t := Transition{Configuration{from}, Configuration{to}, r.rowLabels()}
	switch {
	case !r.HasConfiguration(t.From) || !r.HasConfiguration(t.To) || from == to:
		r.fault(1, "transition %.80q: want two declared configurations with a space between", name)
	case value != "pending":
		r.fault(3, "value %.80q: want pending", value)
	case r.unused(2, "place"):
		r.Transitions = append(r.Transitions, t)
		r.pending[[2]Configuration{t.From, t.To}] = true
	}
}

func (r *catalogReader) topic() {
	name, err := ParseTopic(r.row.fields[1])
	place, ok := r.place(false)
	if r.invalid(r.row.line, r.row.columns[1], err) || !ok {
		return
	}
	e := TopicEntry{Topic: name, Place: place, Labels: r.rowLabels()}
	words := strings.Fields(r.row.fields[3])
	if len(words) > 0 && words[0] == "default" {
		e.Default, words = true, words[1:]
	}
	if len(words) > 0 {
		if len(words) != 3 || words[0] != "if" {
			r.fault(3, "value %.80q: want default, if OBJECT ACTION, or both", r.row.fields[3])
			return
		}
		needs, err := ParsePermission(words[1], words[2])
		entry, declared := r.Permission(needs)
		if err != nil || !declared || place&^entry.Place != 0 {
			r.fault(3, "no permission %s %s is asked in every %v", words[1], words[2], place)
			return
		}
		e.Needs = needs
	}
	r.Topics = append(r.Topics, e)
	r.topics[name] = e
}

// plainEntry reads a row of a kind that has neither place nor value.
func plainEntry[K nameKind](r *catalogReader, list []Entry[K], index map[Name[K]]bool) []Entry[K] {
	name, err := parseName[K](r.row.fields[1])
	if r.invalid(r.row.line, r.row.columns[1], err) || !r.unused(2, "place") || !r.unused(3, "value") {
		return list
	}
	index[name] = true
	return append(list, Entry[K]{name, r.rowLabels()})
}
