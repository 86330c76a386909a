package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// A Decision is an answer with its reasons.
type Decision struct {
	Allowed bool

	// Rows are the policy rows that decided: the p row that allowed or denied,
	// then the g, g2 and g3 rows by which it applies. There are none when no
	// row allowed and none denied.
	Rows []model.Rule

	// Missing is, when no row allowed and none denied, what the rows that come
	// nearest to allowing it are short of: any one of these would do, all of
	// it together.
	Missing [][]Missing

	// Profiles are those that would give the permission, if the user also
	// held one of them there, as things are now. There are none if the user is
	// not an active member, or if there is no such place.
	Profiles []model.Profile

	// Revision is the tenant's, and At the time, that the answer is for.
	Revision uint64
	At       time.Time
}

// A Missing is one thing that stands between a user and a permission.
type Missing struct {
	Layer Layer
	Name  string // of the module, configuration, setting, trait or second profile; else empty
}

func (m Missing) String() string {
	if m.Name == "" {
		return string(m.Layer)
	}
	return string(m.Layer) + " " + m.Name
}

// A Layer is a part of the model that can stand in the way.
type Layer string

// The layers, from the outside in.
const (
	LayerDomain        Layer = "domain"        // no such open tenant or dossier
	LayerMembership    Layer = "membership"    // no active member of the tenant
	LayerProfile       Layer = "profile"       // no profile that gives it
	LayerAssignment    Layer = "assignment"    // not assigned to the dossier
	LayerConfiguration Layer = "configuration" // another configuration is in force
	LayerModule        Layer = "module"        // the module is not active
	LayerSetting       Layer = "setting"       // the setting is off
	LayerActivation    Layer = "activation"    // the vendor has not activated it
	LayerRelease       Layer = "release"       // not released yet
	LayerTrait         Layer = "trait"         // the domain is of another sort: private, no worklist
)

// Reason says in one line why the answer is what it is.
func (d Decision) Reason() string {
	switch {
	case len(d.Rows) > 0 && d.Allowed:
		return "allowed by " + d.Rows[0].String()
	case len(d.Rows) > 0:
		return "denied by " + d.Rows[0].String()
	case len(d.Missing) == 0:
		return "nothing allows it"
	}
	ways := make([]string, len(d.Missing))
	for i, way := range d.Missing {
		parts := make([]string, len(way))
		for j, m := range way {
			parts[j] = m.String()
		}
		ways[i] = strings.Join(parts, " and ")
	}
	reason := "missing " + strings.Join(ways, " or ")
	if len(d.Profiles) > 0 {
		names := make([]string, len(d.Profiles))
		for i, p := range d.Profiles {
			names[i] = p.String()
		}
		reason += "; given by " + strings.Join(names, ", ")
	}
	return reason
}

// Explain answers like [Authz.Enforce] and says why: the rows that decided,
// or what is missing and which profiles would give it.
func (az *Authz) Explain(ctx context.Context, user model.UserID, domain model.Domain, p model.Permission) (Decision, error) {
	var d Decision
	st, err := az.ask(ctx, domain)
	at := az.now()
	if err == nil {
		_, err = st.pack.asks(user, domain, p)
	}
	if err == nil {
		d, err = st.explain(user, domain, p, at)
	}
	if err != nil {
		return Decision{}, fmt.Errorf("authz: explain: %w", err)
	}
	return d, nil
}

// denied is the error for a request that was not allowed.
func denied(st *state, user model.UserID, domain model.Domain, p model.Permission, at time.Time) error {
	d, err := st.explain(user, domain, p, at)
	if err != nil {
		return err
	}
	return &DeniedError{user, domain, p, d}
}

func (st *state) explain(user model.UserID, domain model.Domain, p model.Permission, at time.Time) (Decision, error) {
	d := Decision{Revision: st.head.Revision, At: at}
	q := request(user, domain, p)
	x, err := st.rows.Explain(q, at)
	if err != nil {
		return d, err
	}
	d.Allowed, d.Rows = x.Allowed, x.Rows
	if d.Allowed {
		return d, nil
	}
	if !st.isOpen(domain) {
		d.Missing = [][]Missing{{{Layer: LayerDomain}}}
		return d, nil
	}
	if !st.active(user) {
		d.Missing = [][]Missing{{{Layer: LayerMembership}}}
		return d, nil
	}
	if len(d.Rows) == 0 {
		d.Missing = nearest(x.Gaps)
	}
	for _, entry := range st.pack.Catalog.Profiles {
		if entry.Place&placeOf(domain) == 0 && entry.Place&model.AtTenant == 0 {
			continue
		}
		ok, err := st.rows.EnforceAs(q, entry.Profile.String(), at)
		if err != nil {
			return d, err
		}
		if ok {
			d.Profiles = append(d.Profiles, entry.Profile)
		}
	}
	return d, nil
}

// nearest returns what the rows that come nearest are short of.
func nearest(gaps []engine.Gap) [][]Missing {
	var ways [][]Missing
	for _, g := range gaps {
		if g.Role != "" {
			continue // a profile the user does not have; see Decision.Profiles
		}
		way := lacks(g)
		if len(ways) > 0 && len(way) > len(ways[0]) {
			continue
		}
		if len(ways) > 0 && len(way) < len(ways[0]) {
			ways = nil
		}
		if !slices.ContainsFunc(ways, func(w []Missing) bool { return slices.Equal(w, way) }) {
			ways = append(ways, way)
		}
	}
	if ways == nil {
		return [][]Missing{{{Layer: LayerProfile}}}
	}
	return ways
}

// lacks says what a row is short of, besides the profile.
func lacks(g engine.Gap) []Missing {
	var all []Missing
	switch g.Via {
	case "":
	case model.Assigned:
		all = append(all, Missing{Layer: LayerAssignment})
	default: // the row asks for two profiles, and the user has one
		all = append(all, Missing{LayerProfile, g.Via})
	}
	if g.Trait != "" {
		all = append(all, lacksTrait(g.Trait))
	}
	return all
}

func lacksTrait(name string) Missing {
	t, err := model.ParseTrait(name)
	if err != nil {
		return Missing{LayerTrait, name}
	}
	layer, ok := map[model.TraitKind]Layer{
		model.KindConfiguration: LayerConfiguration,
		model.KindModule:        LayerModule,
		model.KindSetting:       LayerSetting,
		model.KindActivated:     LayerActivation,
		model.KindReleased:      LayerRelease,
	}[t.Kind()]
	if !ok {
		layer = LayerTrait
	}
	return Missing{layer, t.Name()}
}
