package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/internal/reach"
	"github.com/volmacht/volmacht/internal/world"
)

var reachCommand = command{
	name: "reach", args: "[-strict] [-json] PACK",
	about: "tell how far the holders of each profile get by handing out what they may, and those in turn who got something; exit with 1 on an escalation: a permission that neither the holder has nor anybody to whom the holder may give something",
	example: "policyctl reach accountancy\n" +
		"policyctl reach -strict ./policies/sophia",
	prepare: func(flags *flag.FlagSet) func([]string, io.Writer) error {
		r := reacher{printer: newPrinter(flags)}
		flags.BoolVar(&r.strict, "strict", false, "exit with 1, too, when a profile may give what its holder does not have")
		return r.reach
	},
}

type reacher struct {
	*printer
	strict bool
}

func (r *reacher) reach(args []string, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("%d packs, want one: %w", len(args), errUsage)
	}
	src, err := findSource(args[0])
	if err != nil {
		return err
	}
	pack, err := src.pack()
	if err != nil {
		return r.failed(out, err)
	}
	all, err := reach.Pack(pack)
	if err != nil {
		return err
	}
	escalations, beyond := 0, 0
	for _, x := range all {
		escalations, beyond = escalations+len(x.Escalations), beyond+len(x.Beyond)
	}
	if r.json {
		err = printJSON(out, reachJSON(all))
	} else {
		printReach(out, all)
		fmt.Fprintf(out, "\n%s: %s, %s beyond what the giver has\n", pack.Name, plural(escalations, "escalation"), plural(beyond, "permission"))
	}
	if err == nil && (escalations > 0 || r.strict && beyond > 0) {
		return errFound
	}
	return err
}

func printReach(out io.Writer, all []reach.Reach) {
	paint := painter(out)
	for i, r := range all {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, paint(bold, r.Profile.String()))
		if len(r.Gives)+len(r.Back)+len(r.Escalations) == 0 {
			fmt.Fprintln(out, "  gives nothing, and comes to no more")
			continue
		}
		printRoles(out, "may give", r.Gives)
		printRoles(out, "may get back", r.Back)
		printReached(out, "so brings about, beyond what it has", r.Beyond)
		printReached(out, paint(red, "escalates to"), r.Escalations)
	}
}

// A grouping is lines with the same heading.
type grouping struct {
	headings []string
	lines    map[string][]string
}

func (g *grouping) add(heading, line string) {
	if !slices.Contains(g.headings, heading) {
		g.headings = append(g.headings, heading)
	}
	if g.lines == nil {
		g.lines = map[string][]string{}
	}
	g.lines[heading] = append(g.lines[heading], line)
}

func (g *grouping) print(out io.Writer, title string) {
	if len(g.headings) > 0 {
		fmt.Fprintf(out, "  %s\n", title)
	}
	for _, h := range g.headings {
		where, path, _ := strings.Cut(h, "\n")
		fmt.Fprintf(out, "    %s: %s\n", where, strings.Join(g.lines[h], ", "))
		if path != "" {
			fmt.Fprintf(out, "      %s\n", strings.ReplaceAll(path, "\n", "\n      "))
		}
	}
}

// placed says where and when, in words.
func placed(where reach.Where, whens []world.When) string {
	if when := world.Any(whens); when != "" {
		return where.String() + ", " + when
	}
	return where.String()
}

func printRoles(out io.Writer, title string, roles []reach.Role) {
	g := &grouping{}
	for _, r := range roles {
		g.add(placed(r.Where, r.When), r.Name)
	}
	g.print(out, title)
}

func printReached(out io.Writer, title string, permissions []reach.Permission) {
	g := &grouping{}
	for _, p := range permissions {
		heading := placed(p.Where, p.When)
		for i, line := range pathLines(p) {
			heading += fmt.Sprintf("\n%d. %s", i+1, line)
		}
		g.add(heading, p.Permission.String())
	}
	g.print(out, title)
}

// pathLines returns the steps to p, after which somebody has it.
func pathLines(p reach.Permission) []string {
	var lines []string
	for _, s := range p.Path {
		lines = append(lines, s.String())
	}
	last := p.Who + " may"
	if p.Who == "ann" {
		last = "ann herself may"
	}
	return append(lines, last)
}

type reachedJSON struct {
	Profile     string       `json:"profile"`
	Gives       []placedJSON `json:"gives"`
	Back        []placedJSON `json:"back"`
	Beyond      []placedJSON `json:"beyond"`
	Escalations []placedJSON `json:"escalations"`
}

type placedJSON struct {
	Name  string     `json:"name"` // of a profile or permission, or assigned
	Where string     `json:"where"`
	When  [][]string `json:"when"` // any of these, each all of its conditions
	Path  []string   `json:"path,omitempty"`
}

func reachJSON(all []reach.Reach) []reachedJSON {
	roles := func(list []reach.Role) []placedJSON {
		found := []placedJSON{}
		for _, r := range list {
			found = append(found, placedJSON{r.Name, r.Where.String(), conditions(r.When), nil})
		}
		return found
	}
	permissions := func(list []reach.Permission) []placedJSON {
		found := []placedJSON{}
		for _, p := range list {
			found = append(found, placedJSON{p.Permission.String(), p.Where.String(), conditions(p.When), pathLines(p)})
		}
		return found
	}
	found := []reachedJSON{}
	for _, r := range all {
		found = append(found, reachedJSON{r.Profile.String(), roles(r.Gives), roles(r.Back), permissions(r.Beyond), permissions(r.Escalations)})
	}
	return found
}
