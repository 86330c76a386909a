package engine_test

import (
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
	fields []string // of a p row
	effect string
	when   condition
	rows   []engine.Row
	at     time.Time
	ask    [4]string // subject, domain, object, action
	memo   map[[3]string]map[string]bool
}

func (n *naive) decides(q engine.Request) bool {
	n.ask = [4]string{q.Subject, q.Domain, q.Object, q.Action}
	allowed, denied, any := false, false, false
	for _, r := range n.rows {
		if r.PType != "p" {
			continue
		}
		any = true
		if !n.when.met(n, r.V[:]) {
			continue
		}
		effect := "allow"
		for i, f := range n.fields {
			if f == "eft" {
				effect = r.V[i]
			}
		}
		allowed = allowed || effect == "allow"
		denied = denied || effect == "deny"
	}
	if !any { // what Casbin makes of no p row at all: one that is empty and allows
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
		next := map[string]bool{}
		for _, r := range n.rows {
			starts := r.From.IsZero() || !n.at.Before(r.From)
			ended := !r.Until.IsZero() && !n.at.Before(r.Until)
			if r.PType == key && found[r.V[0]] && starts && !ended && (domain == "" || within(domain, r.V[2])) {
				next[r.V[1]] = true
			}
		}
		for name := range next {
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
