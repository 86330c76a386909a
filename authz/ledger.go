package authz

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A LedgerEntry is one change: who, what, why, and the policy rows that came
// and went by it.
type LedgerEntry struct {
	Revision uint64 // 1, 2, 3, … without a gap
	At       time.Time
	Actor    string // "system", "user:ID", or "invitation:ID" for who has its link
	Action   string // such as "grant"
	Reason   string // what the actor gave with Because
	Detail   map[string]string
	Added    []model.Rule
	Removed  []model.Rule
}

// maxPage is the longest page of a ledger.
const maxPage = 1000

// Ledger returns the changes of a tenant after the given revision, the oldest
// first, at most limit and never more than 1,000 of them. The next page is the
// one after the last revision of this one; an empty page is the end. It takes
// "audit view".
func (az *Authz) Ledger(ctx context.Context, by Actor, t model.TenantID, after uint64, limit int) ([]LedgerEntry, error) {
	if err := checkLimit(limit); err != nil {
		return nil, fmt.Errorf("authz: ledger: %w", err)
	}
	return read(ctx, az, by, model.TenantDomain(t), model.ViewAudit, "ledger", func(*query) ([]LedgerEntry, error) {
		return az.page(ctx, store.TenantStream(t), after, limit)
	})
}

// PersonLedger returns the changes of what belongs to a person and no tenant,
// such as names and addresses, in pages as [Authz.Ledger] does. Oneself and
// [System] may.
func (az *Authz) PersonLedger(ctx context.Context, by Actor, u model.UserID, after uint64, limit int) ([]LedgerEntry, error) {
	_, err := az.person(ctx, by, u)
	return az.ledger(ctx, "person ledger", store.PersonStream(u), after, limit, err)
}

// PackLedger returns the changes of the pack in force, in pages as
// [Authz.Ledger] does. Only [System] may.
func (az *Authz) PackLedger(ctx context.Context, by Actor, after uint64, limit int) ([]LedgerEntry, error) {
	err := by.check()
	if err == nil && !by.system {
		err = fmt.Errorf("only authz.System may do this: %w", ErrDenied)
	}
	return az.ledger(ctx, "pack ledger", store.PackStream, after, limit, err)
}

// ledger reads a page for who was found to be refused with denied.
func (az *Authz) ledger(ctx context.Context, what, stream string, after uint64, limit int, denied error) (page []LedgerEntry, err error) {
	if err = az.ready(); err == nil {
		err = denied
	}
	if err == nil {
		err = checkLimit(limit)
	}
	if err == nil {
		page, err = az.page(ctx, stream, after, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("authz: %s: %w", what, err)
	}
	return page, nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > maxPage {
		return fmt.Errorf("limit %d: want 1 to %d: %w", limit, maxPage, ErrInvalid)
	}
	return nil
}

func (az *Authz) page(ctx context.Context, stream string, after uint64, limit int) ([]LedgerEntry, error) {
	if after > math.MaxInt64 {
		return nil, nil // past every revision that can be
	}
	entries, err := az.entries(ctx, stream, after, limit)
	if err != nil {
		return nil, err
	}
	page := make([]LedgerEntry, len(entries))
	for i, e := range entries {
		page[i] = LedgerEntry{
			Revision: e.Revision, At: e.At, Actor: e.Actor, Action: e.Action, Reason: e.Reason,
			Added: rules(e.Added), Removed: rules(e.Removed),
		}
		if err := json.Unmarshal(e.Detail, &page[i].Detail); err != nil {
			return nil, fmt.Errorf("revision %d: detail: %w", e.Revision, err)
		}
	}
	return page, nil
}

func (az *Authz) entries(ctx context.Context, stream string, after uint64, limit int) ([]store.Entry, error) {
	if az.tx != nil {
		return az.tx.store.Ledger(ctx, stream, after, limit)
	}
	return az.store.Ledger(ctx, stream, after, limit)
}

func rules(rows []store.Row) []model.Rule {
	var all []model.Rule
	for _, r := range rows {
		all = append(all, r.Rule)
	}
	return all
}

// VerifyLedger checks a tenant's ledger: no revision missing, each row's hash
// right and chained to the row before, the last one in force. [ErrCorrupt] says
// which revision is not as it was written.
func (az *Authz) VerifyLedger(ctx context.Context, t model.TenantID) error {
	return az.verify(ctx, store.TenantStream(t), "tenant", t.String())
}

// VerifyPersonLedger checks a person's ledger as [Authz.VerifyLedger] does a
// tenant's.
func (az *Authz) VerifyPersonLedger(ctx context.Context, u model.UserID) error {
	return az.verify(ctx, store.PersonStream(u), "person", u.String())
}

// VerifyPackLedger checks the ledger of the pack in force as
// [Authz.VerifyLedger] does a tenant's.
func (az *Authz) VerifyPackLedger(ctx context.Context) error {
	return az.verify(ctx, store.PackStream, "pack", "in force")
}

func (az *Authz) verify(ctx context.Context, stream, kind, id string) error {
	if err := az.ready(); err != nil {
		return err
	}
	if id == "" {
		return fmt.Errorf("authz: verify ledger: %s is not set: %w", kind, ErrInvalid)
	}
	verify := az.store.VerifyLedger
	if az.tx != nil {
		verify = az.tx.store.VerifyLedger
	}
	if err := verify(ctx, stream); err != nil {
		return fmt.Errorf("authz: verify ledger: %w", notFound(err, "%s %s", kind, id))
	}
	return nil
}
