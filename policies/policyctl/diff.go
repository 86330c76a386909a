package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/internal/packdiff"
	"github.com/volmacht/volmacht/internal/world"
	"github.com/volmacht/volmacht/model"
)

var diffCommand = command{
	name: "diff", args: "[-db DSN] [-json] OLD NEW",
	about: "list every answer that changes when the pack NEW takes the place of OLD, gains before losses; exit with 1 when there is one",
	example: "policyctl diff accountancy ./policies/accountancy\n" +
		"policyctl diff -db 'postgres://volmacht@localhost/portal' accountancy ./policies/accountancy",
	prepare: func(flags *flag.FlagSet) func([]string, io.Writer) error {
		d := differ{printer: newPrinter(flags)}
		flags.StringVar(&d.dsn, "db", "", "also list which people of this store gain and lose what: a file of SQLite, postgres://… or USER:PASSWORD@tcp(HOST)/NAME; its schema is brought up to date as by authz.Open")
		return d.diff
	},
}

type differ struct {
	*printer
	dsn string
}

// A packDiff is what diff prints as JSON.
type packDiff struct {
	Old     string        `json:"old"`
	New     string        `json:"new"`
	Changes []changedRole `json:"changes"`
	People  []tenantDiff  `json:"people,omitempty"`
}

type changedRole struct {
	Change     string     `json:"change"` // gain or loss
	Profile    string     `json:"profile"`
	With       string     `json:"with,omitempty"`
	Permission string     `json:"permission"`
	Place      string     `json:"place"` // tenant or dossier
	When       [][]string `json:"when"`  // any of these, each all of its conditions
	where      string
}

func (d *differ) diff(args []string, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("%d packs, want two: %w", len(args), errUsage)
	}
	var packs [2]*model.Pack
	for i, arg := range args {
		src, err := findSource(arg)
		if err != nil {
			return err
		}
		if packs[i], err = src.pack(); err != nil {
			return d.failed(out, err)
		}
	}
	changes, err := packdiff.Packs(packs[0], packs[1])
	if err != nil {
		return err
	}
	all := packDiff{Old: titled(packs[0]), New: titled(packs[1]), Changes: []changedRole{}}
	for _, c := range changes {
		all.Changes = append(all.Changes, newChangedRole(c))
	}
	if d.dsn != "" {
		if all.People, err = peopleOf(d.dsn, packs[0], packs[1]); err != nil {
			return err
		}
	}
	if d.json {
		err = printJSON(out, all)
	} else {
		all.print(out)
	}
	if err == nil && (len(all.Changes) > 0 || slices.ContainsFunc(all.People, tenantDiff.differs)) {
		return errFound
	}
	return err
}

func titled(p *model.Pack) string { return fmt.Sprintf("%s %d", p.Name, p.Version) }

func newChangedRole(c packdiff.Change) changedRole {
	return changedRole{
		Change: gainOrLoss(c.Gain), Profile: c.Profile.String(), With: c.With.String(),
		Permission: c.Permission.String(), Place: c.Place.String(), When: conditions(c.When), where: c.Where(),
	}
}

func gainOrLoss(gain bool) string {
	if gain {
		return "gain"
	}
	return "loss"
}

// conditions returns whens in words, for JSON.
func conditions(whens []world.When) [][]string {
	all := [][]string{}
	for _, w := range whens {
		words := []string{}
		for _, c := range w {
			words = append(words, c.String())
		}
		all = append(all, words)
	}
	return all
}

// holder names who c is about.
func (c changedRole) holder() string {
	switch {
	case c.Profile == model.Member.String():
		return "everybody (member)"
	case c.With != "":
		return c.Profile + " who is " + c.With + " too"
	}
	return c.Profile
}

func (p packDiff) print(out io.Writer) {
	fmt.Fprintf(out, "%s → %s\n", p.Old, p.New)
	paint := painter(out)
	counts := map[string]int{}
	for _, kind := range []string{"gain", "loss"} {
		var kept []changedRole
		for _, c := range p.Changes {
			if c.Change == kind {
				kept = append(kept, c)
			}
		}
		if counts[kind] = len(kept); len(kept) > 0 {
			heading, colour := "gains", green
			if kind == "loss" {
				heading, colour = "losses", red
			}
			fmt.Fprintf(out, "\n%s\n", paint(colour, heading))
			printChanges(out, kept)
		}
	}
	if len(p.Changes) == 0 {
		fmt.Fprintln(out, "no answer changes")
	} else {
		fmt.Fprintf(out, "\n%s, %s\n", plural(counts["gain"], "gain"), plural(counts["loss"], "loss"))
	}
	for _, t := range p.People {
		t.print(out)
	}
}

func plural(n int, word string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(word, "s"):
		word += "es"
	default:
		word += "s"
	}
	return fmt.Sprintf("%d %s", n, word)
}

// printChanges prints those who gain or lose the same under one heading, with
// the permissions of one place and condition together.
func printChanges(out io.Writer, changes []changedRole) {
	var holders []string
	text := map[string]string{} // by holder
	for _, c := range changes {
		if who := c.holder(); !slices.Contains(holders, who) {
			holders = append(holders, who)
			text[who] = permissionsOf(changes, who)
		}
	}
	for len(holders) > 0 {
		same := slices.DeleteFunc(slices.Clone(holders), func(who string) bool { return text[who] != text[holders[0]] })
		fmt.Fprintf(out, "  %s\n%s", strings.Join(same, ", "), text[same[0]])
		holders = slices.DeleteFunc(holders, func(who string) bool { return slices.Contains(same, who) })
	}
}

func permissionsOf(changes []changedRole, who string) string {
	var places []string
	permissions := map[string][]string{}
	for _, c := range changes {
		if c.holder() == who {
			if permissions[c.where] == nil {
				places = append(places, c.where)
			}
			permissions[c.where] = append(permissions[c.where], c.Permission)
		}
	}
	var b strings.Builder
	for _, where := range places {
		fmt.Fprintf(&b, "    %s\n", where)
		for _, perm := range permissions[where] {
			object, action, _ := strings.Cut(perm, " ")
			whole, _, part := strings.Cut(object, ":")
			if !part || !slices.Contains(permissions[where], whole+" "+action) { // the whole says it
				fmt.Fprintf(&b, "      %s\n", perm)
			}
		}
	}
	return b.String()
}
