package authz

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/model"
)

// check decides a live request, and has a share of the answers verified.
func (az *Authz) check(ctx context.Context, st *state, r Request, at time.Time) (bool, error) {
	ok, err := st.enforce(r.User, r.Domain, r.Permission, at)
	if az.verifier == nil || err != nil {
		return ok, err
	}
	return az.verifier.confirm(ctx, st, r, at, ok)
}

// denied is the error for a check that was not allowed.
func (az *Authz) denied(st *state, r Request, at time.Time) error {
	err := denied(st, r.User, r.Domain, r.Permission, at)
	if d, ok := err.(*DeniedError); ok && d.Decision.Allowed {
		return fmt.Errorf("user %v, %q in %v: the index and Casbin differ: %w", r.User, r.Permission, r.Domain, ErrDenied)
	}
	return err
}

// Differences returns how many verified checks were denied since Open because
// Casbin answered otherwise; see [Config.Verify]. The zero Authz has none.
func (az *Authz) Differences() uint64 {
	if az == nil || az.core == nil || az.verifier == nil {
		return 0
	}
	return az.verifier.differences.Load()
}

// A verifier asks Casbin again what an index has answered.
type verifier struct {
	share       float64
	logger      *slog.Logger
	differences atomic.Uint64
	ask         func(*state, engine.Request, time.Time) (engine.Explanation, error)

	mu       sync.Mutex
	policies map[model.TenantID]*policy // with which casbin asks
}

func newVerifier(cfg Config) *verifier {
	if cfg.Verify == 0 {
		return nil
	}
	v := &verifier{share: cfg.Verify, logger: cfg.Logger, policies: make(map[model.TenantID]*policy)}
	if v.logger == nil {
		v.logger = slog.Default()
	}
	v.ask = v.casbin
	return v
}

// confirm returns the answer to a request, and no to one of the share that
// Casbin answers otherwise. An error of Casbin's is an error of the check, and so
// is the end of ctx before Casbin has answered.
func (v *verifier) confirm(ctx context.Context, st *state, r Request, at time.Time, ok bool) (bool, error) {
	if v.share < 1 && rand.Float64() >= v.share {
		return ok, nil
	}
	q := request(r.User, r.Domain, r.Permission)
	var theirs engine.Explanation
	var err error
	answered := make(chan struct{})
	go func() { // Casbin knows no contexts
		defer close(answered)
		theirs, err = v.ask(st, q, at)
	}()
	select {
	case <-answered:
	case <-ctx.Done():
		return false, fmt.Errorf("verify: %w", ctx.Err())
	}
	if err != nil {
		return false, fmt.Errorf("verify: %w", err)
	}
	if theirs.Allowed == ok {
		return ok, nil
	}
	v.differences.Add(1)
	v.report(ctx, st, q, at, ok, theirs)
	return false, nil
}

// report logs a difference: what was asked of which state, both answers, and
// the rows that each goes by. There are ids in it, and no names of people.
func (v *verifier) report(ctx context.Context, st *state, q engine.Request, at time.Time, ok bool, theirs engine.Explanation) {
	var ours engine.Explanation
	if x, err := st.rows.Explain(q, at); err == nil { // the difference itself is reported in any case
		ours = x
	}
	v.logger.LogAttrs(ctx, slog.LevelError, "authz: the index and Casbin differ: denied",
		slog.String("tenant", st.tenant.String()),
		slog.Uint64("revision", st.head.Revision),
		slog.String("pack", st.pack.Name),
		slog.Int("pack_version", st.pack.Version),
		slog.Uint64("pack_revision", st.packHead.Revision),
		slog.String("subject", q.Subject),
		slog.String("domain", q.Domain),
		slog.String("object", q.Object),
		slog.String("action", q.Action),
		slog.Time("at", at),
		slog.Bool("index", ok),
		slog.Bool("casbin", theirs.Allowed),
		slog.Any("index_rows", texts(ours.Rows)),
		slog.Any("casbin_rows", texts(theirs.Rows)),
	)
}

func texts(rules []model.Rule) []string {
	texts := make([]string, len(rules))
	for i, r := range rules {
		texts[i] = r.String()
	}
	return texts
}
