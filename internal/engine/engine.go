// Package engine decides requests against the rows of one tenant.
//
// model.conf and the rows mean exactly what casbin/v2 says they mean. A policy,
// the model and the rows of a pack, is compiled once; the rows of a tenant are a
// snapshot, from which every change makes another:
//
//	policy, err := engine.Compile(pack.Model, pack.Rules)
//	acme, err := policy.Snapshot(rows)
//	view := policy.Question("figure", "view")
//	ok, err := acme.Decide(engine.KeyOf("user:ann"), engine.KeyOf("acme/d1"), view, time.Now)
//	acme, err = acme.With(added, removed)
//
// A check takes no lock and allocates nothing, and a change costs what it
// touches. Models that the grammar of the index does not take are answered by
// Casbin itself. Differential tests keep the two equal.
package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/model"
)

// A Row is a rule and the time in which it holds: from From, until just
// before Until. A zero time is no bound.
type Row struct {
	model.Rule
	From, Until time.Time
}

// A Request asks whether Subject may do Action on Object in Domain, in the
// words of a policy: "user:ann", "acme/d1", "figure", "view".
type Request struct{ Subject, Domain, Object, Action string }

func (q Request) String() string {
	return q.Subject + ", " + q.Domain + ", " + q.Object + ", " + q.Action
}

// errEmpty refuses what Casbin would compare with empty fields and allow.
var errEmpty = errors.New("engine: a request needs a subject, a domain, an object and an action")

func (q Request) check() error {
	if q.Subject == "" || q.Domain == "" || q.Object == "" || q.Action == "" {
		return errEmpty
	}
	return nil
}

// An Engine answers for one set of rows, which never changes. It is safe for
// concurrent use.
type Engine interface {
	// Enforce reports whether q is allowed at the given time. On an error
	// the answer is false.
	Enforce(q Request, at time.Time) (bool, error)

	// Explain gives the answer of Enforce and the rows behind it, or what is
	// missing.
	Explain(q Request, at time.Time) (Explanation, error)

	// EnforceAs answers q as if its subject also held role in its domain.
	EnforceAs(q Request, role string, at time.Time) (bool, error)
}

// An Explanation is an answer with its reasons.
type Explanation struct {
	Allowed bool
	// Rows are the rows that decided: the p row, then the g, g2 and g3 rows by
	// which it applies. None decided when nothing allowed.
	Rows []model.Rule
	// Gaps say, when no row allowed and none denied, what each of the p rows
	// that speak of the object and the action was short of.
	Gaps []Gap
}

// A Gap is a p row that would allow, and what it is short of: fields that are
// not empty are not met.
type Gap struct {
	Rule             model.Rule
	Role, Via, Trait string
}

// New returns the snapshot of rows, which answers by a model and the rows of a
// pack. Who has many tenants compiles the pack once, with [Compile].
func New(m *model.Model, pack []model.Rule, rows []Row) (*Snapshot, error) {
	p, err := Compile(m, pack)
	if err != nil {
		return nil, err
	}
	return p.Snapshot(slices.Values(rows))
}

func errTimed(r Row) error {
	return fmt.Errorf("engine: %v: a p row has no start and no end", r.Rule)
}

// IsStandard reports whether m is the model of the shipped packs, whose rows
// can be told what they speak of.
func IsStandard(m *model.Model) bool { return squeeze(m.Text) == squeeze(Standard) }

// IsReordered reports whether rows mean under m what they mean under the model
// of the shipped packs, once the fields of p rows are put in its order.
func IsReordered(m *model.Model) bool {
	fields := slices.Sorted(slices.Values(m.Fields))
	tight := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	return slices.Equal(fields, []string{"act", "dom", "eft", "obj", "sub", "via"}) &&
		maps.Equal(m.Links, map[string]int{"g": 3, "g2": 2, "g3": 2}) && m.Effect == model.DenyOverride &&
		strings.HasSuffix(strings.TrimSpace(tight(Standard)), "\nm="+tight(m.Matcher))
}

// Standard is the model of the shipped packs.
const Standard = `
[request_definition]
r = sub, dom, obj, act

[policy_definition]
p = sub, via, dom, obj, act, eft

[role_definition]
g = _, _, _
g2 = _, _
g3 = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = g(r.sub, p.sub, r.dom) && (p.via == "any" || g(r.sub, p.via, r.dom)) && (p.dom == "any" || g2(r.dom, p.dom)) && (p.obj == "*" || g3(r.obj, p.obj)) && (p.act == "*" || r.act == p.act)
`

// squeeze leaves of a model what Casbin sees: no comments, no spaces.
func squeeze(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			b.WriteString(strings.Join(strings.Fields(line), ""))
			b.WriteByte('\n')
		}
	}
	return b.String()
}
