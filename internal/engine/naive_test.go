package engine_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// The third reading of model and rows: sets and loops, after the words of the
// design, with nothing of the index and nothing of Casbin.

// A condition of a matcher, which can be written down and be met.
type condition interface {
	met(n *naive, p []string) bool
}

type (
	all    []condition
	either []condition
	linked struct { // g(r.sub, p.sub, r.dom)
		key         string
		domain      bool
		asked, held int
	}
	matches struct{ asked, held int } // keyMatch(r.obj, p.obj)
	same    struct {                  // r.act == p.act
		asked, held int
		flipped     bool
	}
	heldIs struct { // p.via == "any"
		held int
		word string
	}
	askedIs struct { // r.sub == "root"
		asked int
		word  string
	}
)

// A naive decides one request at a time by all rows.
type naive struct {
	effect string
	when   condition
	eft    int // where p rows have their effect, or -1
	rules  []model.Rule
	links  map[string][]model.Rule // that hold, by their sort
	ask    [4]string               // subject, domain, object, action
	memo   map[[3]string]map[string]bool
}

func newNaive(l *law, rows []engine.Row, at time.Time) *naive {
	n := &naive{effect: l.effect, when: l.when, eft: slices.Index(l.fields, "eft"),
		links: make(map[string][]model.Rule), memo: make(map[[3]string]map[string]bool)}
	for _, r := range rows {
		started := r.From.IsZero() || !at.Before(r.From)
		ended := !r.Until.IsZero() && !at.Before(r.Until)
		switch {
		case r.PType == "p":
			n.rules = append(n.rules, r.Rule)
		case started && !ended:
			n.links[r.PType] = append(n.links[r.PType], r.Rule)
		}
	}
	return n
}

// with returns the reading of one more link.
func (n *naive) with(r model.Rule) *naive {
	more := *n
	more.links = maps.Clone(n.links)
	more.links[r.PType] = append(slices.Clone(n.links[r.PType]), r)
	more.memo = make(map[[3]string]map[string]bool)
	return &more
}

func (n *naive) decides(q engine.Request) bool {
	n.ask = [4]string{q.Subject, q.Domain, q.Object, q.Action}
	allowed, denied := false, false
	for i := range n.rules {
		if p := n.rules[i].V[:]; n.when.met(n, p) {
			denies := n.eft >= 0 && p[n.eft] == "deny"
			allowed, denied = allowed || !denies, denied || denies
		}
	}
	if len(n.rules) == 0 { // what Casbin makes of no p row at all: one that is empty and allows
		allowed = n.when.met(n, make([]string, 6))
	}
	switch n.effect {
	case model.AllowOverride:
		return allowed
	case engine.AllowUnlessDenied:
		return !denied
	}
	return allowed && !denied
}

// reaches returns what the links of key lead to from a name, ten at most.
func (n *naive) reaches(key, from, domain string) map[string]bool {
	id := [3]string{key, from, domain}
	if known := n.memo[id]; known != nil {
		return known
	}
	found := map[string]bool{from: true}
	for range 10 {
		var next []string
		for _, r := range n.links[key] {
			if found[r.V[0]] && !found[r.V[1]] && (domain == "" || within(domain, r.V[2])) {
				next = append(next, r.V[1])
			}
		}
		if len(next) == 0 {
			break
		}
		for _, name := range next {
			found[name] = true
		}
	}
	n.memo[id] = found
	return found
}

// within reports whether a domain is one that a pattern stands for.
func within(domain, pattern string) bool {
	if before, _, star := strings.Cut(pattern, "*"); star {
		return strings.HasPrefix(domain, before)
	}
	return domain == pattern
}

func (c all) met(n *naive, p []string) bool {
	for _, part := range c {
		if !part.met(n, p) {
			return false
		}
	}
	return true
}

func (c either) met(n *naive, p []string) bool {
	for _, part := range c {
		if part.met(n, p) {
			return true
		}
	}
	return false
}

func (c linked) met(n *naive, p []string) bool {
	domain := ""
	if c.domain {
		domain = n.ask[1]
	}
	return n.reaches(c.key, n.ask[c.asked], domain)[p[c.held]]
}

func (c matches) met(n *naive, p []string) bool { return within(n.ask[c.asked], p[c.held]) }
func (c same) met(n *naive, p []string) bool    { return n.ask[c.asked] == p[c.held] }
func (c heldIs) met(n *naive, p []string) bool  { return p[c.held] == c.word }
func (c askedIs) met(n *naive, p []string) bool { return n.ask[c.asked] == c.word }
