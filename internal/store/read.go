package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/model"
)

// A reader has the reads that a Store and a Tx share. On a Tx they see what
// the transaction has written.
type reader struct{ db *gorm.DB }

// Loaded is all that decisions in one tenant depend on.
type Loaded struct {
	Head, PackHead Head
	Rows           []Row // in the order of the rules
	PackRows       []Row // in the order in which they were written
}

// Heads returns where streams stand. One that is not there is left out.
func (r reader) Heads(ctx context.Context, streams ...string) (map[string]Head, error) {
	heads := make(map[string]Head, len(streams))
	for batch := range slices.Chunk(streams, 500) {
		var found []Stream
		if err := r.db.WithContext(ctx).Where("name IN ?", batch).Find(&found).Error; err != nil {
			return nil, fault(ctx, fmt.Errorf("store: heads: %w", err))
		}
		for _, s := range found {
			head, err := s.head()
			if err != nil {
				return nil, err
			}
			heads[s.Name] = head
		}
	}
	return heads, nil
}

// Load returns the rules of tenant and of the pack. Each belong to exactly the
// revision beside them. It is [ErrNotFound] when one of the two streams is not
// there.
func (r reader) Load(ctx context.Context, tenant model.TenantID) (Loaded, error) {
	var l Loaded
	var err error
	if l.Head, l.Rows, err = r.load(ctx, TenantStream(tenant), tenant.String(), ruleColumns); err != nil {
		return Loaded{}, err
	}
	if l.PackHead, l.PackRows, err = r.LoadPack(ctx); err != nil {
		return Loaded{}, err
	}
	return l, nil
}

// Rules calls add with every rule of tenant, in no order, and with when it
// holds. It asks for no more than decisions need. They belong to one revision,
// but which one is for the caller to find out: it is the head's if that is the
// same before and after.
func (r reader) Rules(ctx context.Context, tenant model.TenantID, add func(r model.Rule, from, until time.Time) error) error {
	err := r.rules(ctx, tenant, add)
	if err != nil {
		return fault(ctx, fmt.Errorf("store: rules of tenant %v: %w", tenant, err))
	}
	return nil
}

func (r reader) rules(ctx context.Context, tenant model.TenantID, add func(r model.Rule, from, until time.Time) error) error {
	result, err := r.db.WithContext(ctx).Raw("SELECT "+ruleColumns+", valid_from, valid_until FROM casbin_rule WHERE tenant = ?", tenant.String()).Rows()
	if err != nil {
		return err
	}
	defer result.Close()
	var rule model.Rule
	var from, until Micros
	v := &rule.V
	into := []any{&rule.PType, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &from, &until}
	for result.Next() {
		if err := result.Scan(into...); err != nil {
			return err
		}
		if err := add(rule, from.Time(), until.Time()); err != nil {
			return err
		}
	}
	return result.Err()
}

// LoadPack returns the rules of the pack, in the order in which they were
// written, and the revision that they belong to. It is [ErrNotFound] when there
// is no pack.
func (r reader) LoadPack(ctx context.Context) (Head, []Row, error) {
	return r.load(ctx, PackStream, "", "r.id")
}

// load reads head and rules in one statement: each database runs one statement
// on one state of its tables, whatever the isolation of the transaction.
func (r reader) load(ctx context.Context, stream, tenant, order string) (head Head, rows []Row, err error) {
	defer func() {
		if err != nil {
			head, rows, err = Head{}, nil, fault(ctx, fmt.Errorf("store: load %s: %w", stream, err))
		}
	}()
	result, err := r.db.WithContext(ctx).Raw(`SELECT s.name, s.revision, s.hash, r.id, `+ruleColumns+`, r.tenant, `+grantColumns+`
		FROM volmacht_streams s LEFT JOIN casbin_rule r ON r.tenant = ? WHERE s.name = ? ORDER BY `+order,
		tenant, stream).Rows()
	if err != nil {
		return head, nil, err
	}
	defer result.Close()
	var s Stream
	var id sql.NullInt64
	var text [9]sql.NullString // NULL when there is no rule at all
	var at [3]sql.NullInt64
	for result.Next() {
		err := result.Scan(&s.Name, &s.Revision, &s.Hash, &id,
			&text[0], &text[1], &text[2], &text[3], &text[4], &text[5], &text[6], &text[7], &text[8],
			&at[0], &at[1], &at[2])
		if err != nil {
			return head, nil, err
		}
		if !id.Valid {
			break
		}
		c := CasbinRule{
			PType: text[0].String, V0: text[1].String, V1: text[2].String, V2: text[3].String,
			V3: text[4].String, V4: text[5].String, V5: text[6].String,
			Tenant: text[7].String, GrantedBy: text[8].String,
			GrantedAt: Micros(at[0].Int64), ValidFrom: Micros(at[1].Int64), ValidUntil: Micros(at[2].Int64),
		}
		row, err := c.Row()
		if err != nil {
			return head, nil, err
		}
		rows = append(rows, row)
	}
	if err := result.Err(); err != nil {
		return head, nil, err
	}
	if s.Name == "" {
		return head, nil, ErrNotFound
	}
	head, err = s.head()
	return head, rows, err
}

// Ledger returns up to limit entries of stream, the first one that of revision
// after+1. It is [ErrCorrupt] when one cannot be read; only [reader.VerifyLedger]
// looks at the hashes.
func (r reader) Ledger(ctx context.Context, stream string, after uint64, limit int) ([]Entry, error) {
	var entries []Entry
	err := r.records(ctx, stream, after, limit, func(row *record) error {
		e, err := row.entry()
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// VerifyLedger reads all of stream's ledger and checks that the revisions go
// from 1 without a gap, that each hash is right and each entry names the hash
// before, and that the head is the last one's. Writers may go on meanwhile.
// It is [ErrCorrupt], with the revision, when something is wrong, and
// [ErrNotFound] when there is no such stream. Who can rewrite the whole ledger
// and the head can still deceive it: compare with a head kept elsewhere.
func (r reader) VerifyLedger(ctx context.Context, stream string) error {
	const page = 1000
	var last Head       // of the entries that are verified
	var promised uint64 // the head's revision before the last page was read
	h := sha256.New()
	for {
		n := 0
		err := r.records(ctx, stream, last.Revision, page, func(row *record) error {
			n++
			sum := row.sum(h)
			switch next := last.Revision + 1; {
			case row.Revision != next:
				return fmt.Errorf("%w: stream %s, revision %d: missing, the next is %d", ErrCorrupt, stream, next, row.Revision)
			case string(row.Prev) != string(last.Hash[:]):
				return fmt.Errorf("%w: stream %s, revision %d: does not follow the one before", ErrCorrupt, stream, next)
			case string(row.Hash) != string(sum[:]):
				return fmt.Errorf("%w: stream %s, revision %d: was changed", ErrCorrupt, stream, next)
			}
			last = Head{row.Revision, sum}
			return nil
		})
		if err != nil {
			return err
		}
		if n == page {
			continue
		}
		// What was written since is in the head and not yet in last.
		heads, err := r.Heads(ctx, stream)
		if err != nil {
			return err
		}
		head, ok := heads[stream]
		switch {
		case !ok && last.Revision == 0:
			return fmt.Errorf("%w: stream %s", ErrNotFound, stream)
		case head == last:
			return nil
		case head.Revision <= last.Revision:
			return fmt.Errorf("%w: stream %s, revision %d: the head is at %d with another hash or before it",
				ErrCorrupt, stream, last.Revision, head.Revision)
		case promised > last.Revision:
			return fmt.Errorf("%w: stream %s, revision %d: missing, the head is at %d",
				ErrCorrupt, stream, last.Revision+1, head.Revision)
		}
		promised = head.Revision
	}
}

// records calls f with rows of the ledger, one at a time.
func (r reader) records(ctx context.Context, stream string, after uint64, limit int, f func(*record) error) error {
	result, err := r.db.WithContext(ctx).Raw("SELECT "+ledgerColumns+" FROM volmacht_ledger WHERE stream = ? AND revision > ? ORDER BY revision LIMIT ?",
		stream, after, max(limit, 0)).Rows()
	if err != nil {
		return fault(ctx, fmt.Errorf("store: ledger of %s: %w", stream, err))
	}
	defer result.Close()
	for result.Next() {
		var row record
		err := result.Scan(&row.Stream, &row.Revision, &row.At, &row.Actor, &row.Action, &row.Reason,
			&row.Detail, &row.Delta, &row.Prev, &row.Hash)
		if err != nil {
			return fault(ctx, fmt.Errorf("store: ledger of %s: %w", stream, err))
		}
		if err := f(&row); err != nil {
			return err
		}
	}
	if err := result.Err(); err != nil {
		return fault(ctx, fmt.Errorf("store: ledger of %s: %w", stream, err))
	}
	return nil
}
