package authz

import (
	"context"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// Known tells what az has in memory: how many tenants, and the revision of one.
func Known(az *Authz, t model.TenantID) (tenants int, revision uint64) {
	az.cache.mu.RLock()
	tenants = len(az.cache.slots)
	az.cache.mu.RUnlock()
	if st := az.cache.known(t); st != nil {
		revision = st.head.Revision
	}
	return tenants, revision
}

// PublishAgain publishes the state that az has of t as it was, after f.
func PublishAgain(az *Authz, t model.TenantID, f func()) {
	old, since := az.cache.known(t), now()
	f()
	az.cache.publish(old, since)
}

// Verify makes another answer than Casbin's the one that checks are verified
// with.
func Verify(az *Authz, answer func(casbin bool) bool) {
	ask := az.verifier.ask
	az.verifier.ask = func(st *state, q engine.Request, at time.Time) (engine.Explanation, error) {
		x, err := ask(st, q, at)
		x.Allowed = answer(x.Allowed)
		return x, err
	}
}

// ListInScope is what a Scope does under a model that it cannot compile, with a
// limit of its own.
func ListInScope(ctx context.Context, az *Authz, u model.UserID, p model.Permission, tenants []model.TenantID, limit int) error {
	var g group
	for _, t := range tenants {
		if err := az.list(ctx, u, p, t, limit, &g); err != nil {
			return err
		}
	}
	return nil
}

// Simplify is what a Scope makes of its conditions: conjunctions of atoms of
// rows, each row a sort, who and a name.
func Simplify(all [][][][3]string) [][][][3]string {
	var given []conjunction
	for _, atoms := range all {
		var c conjunction
		for _, rows := range atoms {
			a := atom{ptype: rows[0][0]}
			for _, r := range rows {
				a = a.or(atom{a.ptype, []fact{{r[1], r[2]}}})
			}
			c = append(c, a)
		}
		given = append(given, c)
	}
	var simple [][][][3]string
	for _, c := range simplify(given) {
		var atoms [][][3]string
		for _, a := range c {
			var rows [][3]string
			for _, f := range a.rows {
				rows = append(rows, [3]string{a.ptype, f.who, f.name})
			}
			atoms = append(atoms, rows)
		}
		simple = append(simple, atoms)
	}
	return simple
}
