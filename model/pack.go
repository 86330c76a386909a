package model

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// A Pack is a whole policy as its author wrote it: what its rows mean, the
// rows that hold in every tenant, and the names they use. A Pack is read only.
type Pack struct {
	Name    string
	Version int
	Labels  Labels
	Model   *Model
	Rules   []Rule
	Catalog *Catalog

	lines []int
	defs  map[string]definition
	files map[string]string
}

// The files of a pack.
const (
	ModelFile     = "model.conf"
	PolicyFile    = "policy.csv"
	CatalogFile   = "catalog.csv"
	ScenariosFile = "scenarios.csv"
)

// ReadPack reads the pack with the given name, whose files are at the root of
// fsys. What is wrong with any of them is reported at once, as [Faults]; a file
// that cannot be read is an error of its own.
//
// Besides what [ReadModel], [ReadRules] and [ReadCatalog] refuse, it refuses a
// rule with a name that the catalog does not declare.
func ReadPack(fsys fs.FS, name string) (*Pack, error) {
	texts := map[string]string{}
	var errs []error
	for _, file := range []string{ModelFile, PolicyFile, CatalogFile} {
		text, err := readFile(fsys, file)
		if err != nil {
			errs = append(errs, fmt.Errorf("pack %s: %w", name, err))
		}
		texts[file] = string(text)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return ParsePack(name, texts)
}

// ParsePack is [ReadPack] for files that are in memory, by their names.
func ParsePack(name string, files map[string]string) (*Pack, error) {
	var faults Faults
	m, defs, err := readModel(ModelFile, []byte(files[ModelFile]))
	if err != nil {
		faults = append(faults, err.(Faults)...)
		m = &Model{}
	}
	policy, catalog := &collector{file: PolicyFile}, &collector{file: CatalogFile}
	names := readCatalog([]byte(files[CatalogFile]), catalog)
	if names.version > 0 && names.name != name {
		catalog.add(0, 0, "the pack is named %s, want %s", names.name, name)
	}
	var rows []policyRow
	if err == nil { // without a model the rows mean nothing
		rows = readPolicy([]byte(files[PolicyFile]), m, policy)
	}

	p := &Pack{Name: names.name, Version: names.version, Labels: names.labels, Model: m, Catalog: names, defs: defs, files: maps.Clone(files)}
	for _, r := range rows {
		p.Rules = append(p.Rules, r.rule)
		p.lines = append(p.lines, r.line)
	}
	// A catalog with faults lacks names: their absence would be reported twice.
	if len(catalog.faults) == 0 {
		names.addParts(p.Rules)
		p.checkNames(rows, policy)
	}
	if !slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.PType == "p" }) && len(policy.faults) == 0 && err == nil {
		policy.add(0, 0, "no p row") // Casbin may allow everything then
	}
	for _, c := range []*collector{policy, catalog} {
		if err, found := c.err().(Faults); found {
			faults = append(faults, err...)
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return p, nil
}

// readFile reads no more than a reader takes, and one byte that tells.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return make([]byte, maxFile+1), nil
	}
	return fs.ReadFile(fsys, name)
}

// File returns the text of one of the pack's files, as it was read.
func (p *Pack) File(name string) string { return p.files[name] }

// Line returns the line of policy.csv on which Rules[i] stands.
func (p *Pack) Line(i int) int { return p.lines[i] }

// WithRules returns p with other rules in the place of its own. They are taken
// as they are, and have no lines.
func (p *Pack) WithRules(rules []Rule) *Pack {
	other := *p
	other.Rules, other.lines = rules, make([]int, len(rules))
	return &other
}

// ModelLine returns the line of model.conf that defines key, such as "m".
func (p *Pack) ModelLine(key string) int { return p.defs[key].line }

// Hash identifies what the pack decides: its name, model, rules and the names
// of its catalog with their places and defaults. It stays the same when rows
// change places, unless the model goes by their order, and when comments, labels or
// the version change.
func (p *Pack) Hash() [32]byte {
	facts := []string{fact("pack", p.Name), fact("model", p.Model.Text)}
	place := 0
	for _, r := range p.Rules {
		words := append([]string{r.PType}, r.V[:]...)
		if r.PType == "p" && p.Model.Effect == FirstMatch {
			place++
			words = append(words, fmt.Sprint(place))
		}
		facts = append(facts, fact(words...))
	}
	c := p.Catalog
	for _, e := range c.Profiles {
		facts = append(facts, fact("profile", e.Profile.s, e.Place.String(), fmt.Sprint(e.Default, e.Advised, e.Required, e.Founder, e.Login)))
	}
	for _, e := range c.Permissions {
		facts = append(facts, fact("permission", e.Permission.String(), e.Place.String()))
	}
	for _, e := range c.Configurations {
		facts = append(facts, fact("configuration", e.Configuration.s, fmt.Sprint(e.Default)))
	}
	for _, t := range c.Transitions {
		facts = append(facts, fact("transition", t.From.s, t.To.s))
	}
	facts = append(facts, entryFacts("module", c.Modules)...)
	facts = append(facts, entryFacts("setting", c.Settings)...)
	facts = append(facts, entryFacts("flag", c.Flags)...)
	for _, e := range c.Topics {
		facts = append(facts, fact("topic", e.Topic.s, e.Place.String(), fmt.Sprint(e.Default), e.Needs.String()))
	}
	slices.Sort(facts)
	return sha256.Sum256([]byte(strings.Join(facts, "\x01")))
}

// fact joins words with what no word can hold.
func fact(words ...string) string { return strings.Join(words, "\x00") }

func entryFacts[K nameKind](kind string, entries []Entry[K]) []string {
	facts := make([]string, len(entries))
	for i, e := range entries {
		facts[i] = fact(kind, e.Name.s)
	}
	return facts
}
