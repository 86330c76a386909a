package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/volmacht/volmacht/model"
)

// An Entry is one line of a stream's ledger: who did what and why, and which
// rules came and went. Revision, Prev and Hash are the ledger's to fill in.
type Entry struct {
	Stream                string
	Revision              uint64
	At                    time.Time
	Actor, Action, Reason string          // at most 100, 100 and 1000 characters
	Detail                json.RawMessage // a JSON object, small; none is {}
	Added, Removed        []Row
	Prev, Hash            [32]byte
}

// record is a row of volmacht_ledger.
type record struct {
	Stream                string
	Revision              uint64
	At                    Micros
	Actor, Action, Reason string
	Detail, Delta         string
	Prev, Hash            []byte
}

const ledgerColumns = "stream, revision, at, actor, action, reason, detail, delta, prev, hash"

const maxDetail = 1 << 16 // bytes

// Record is the write path: it removes e.Removed from casbin_rule, moves the head
// of e.Stream on, which must be locked or assumed, adds e.Added to casbin_rule, and
// writes the next line of the stream's ledger. It fills in e with what is stored:
// revision, hashes, times in microseconds, and in Removed, of which only Rule
// and Tenant count, the grants that the rows had. Removal comes first, so a
// rule can be replaced by itself with other limits.
//
// The rows must be the stream's own: a tenant's in its stream, the pack's in
// [PackStream], none in any other. [ErrConflict] says that a row to remove is
// not there, or one to add is; model.ErrInvalid that something cannot be
// stored. Once Record fails, so does the transaction. Only after [ErrMoved], which
// says that the stream does not stand where it was assumed to, has nothing happened,
// and the transaction goes on.
func (tx *Tx) Record(e *Entry) error {
	if tx.err != nil {
		return tx.err
	}
	err := tx.record(e)
	if err == nil || errors.Is(err, ErrMoved) {
		return err
	}
	return tx.fail(fmt.Errorf("store: record in stream %.80s: %w", e.Stream, err))
}

func (tx *Tx) record(e *Entry) error {
	from, assumed := tx.assumed[e.Stream]
	head, locked := tx.locked[e.Stream]
	switch {
	case locked:
		from = assumption{stream: head}
	case !assumed:
		return errors.New("the stream is not locked")
	case len(e.Removed) > 0:
		return errors.New("the stream is not locked: want that to remove rows")
	}
	if err := e.normalize(); err != nil {
		return err
	}
	var err error
	if e.Removed, err = remove(tx.db, rulesTable, e.Removed); err != nil {
		return err
	}
	e.Revision, e.Prev = from.stream.Revision+1, from.stream.Hash
	row, err := e.record()
	if err != nil {
		return err
	}
	e.Hash = row.sum(sha256.New())
	row.Hash = e.Hash[:]
	// First of what is written: from here on the stream is ours, locked before or not.
	moved, err := tx.move(e.Stream, from, Head{e.Revision, e.Hash})
	switch {
	case err != nil:
		return fmt.Errorf("revision %d: %w", e.Revision, Translate(err))
	case !moved && !locked:
		return ErrMoved
	case !moved:
		return fmt.Errorf("%w: revision %d was written without the lock", ErrConflict, e.Revision)
	}
	if err := insert(tx.db, rulesTable, e.Added); err != nil {
		return err
	}
	err = tx.db.Exec("INSERT INTO volmacht_ledger ("+ledgerColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		row.Stream, row.Revision, row.At, row.Actor, row.Action, row.Reason, row.Detail, row.Delta, row.Prev, row.Hash).Error
	if err != nil {
		return fmt.Errorf("revision %d: %w", e.Revision, Translate(err))
	}
	tx.locked[e.Stream] = Head{e.Revision, e.Hash}
	return nil
}

// normalize brings e to what a table can hold, or says why it cannot.
func (e *Entry) normalize() (err error) {
	for _, rows := range []*[]Row{&e.Added, &e.Removed} {
		if *rows, err = normal(*rows); err != nil {
			return err
		}
		for _, r := range *rows {
			own := TenantStream(r.Tenant)
			if r.Tenant.IsZero() {
				own = PackStream
			}
			if own != e.Stream {
				return fmt.Errorf("rule %v is of stream %s: %w", r.Rule, own, model.ErrInvalid)
			}
		}
	}
	for _, field := range []struct {
		text  string
		limit int
	}{{e.Actor, 100}, {e.Action, 100}, {e.Reason, 1000}} {
		if err := checkText(field.text, field.limit); err != nil {
			return err
		}
	}
	if err := checkTime(e.At); err != nil {
		return err
	}
	if e.At.IsZero() {
		return fmt.Errorf("no time: %w", model.ErrInvalid)
	}
	e.At = At(e.At).Time()
	if len(e.Detail) == 0 {
		e.Detail = json.RawMessage("{}")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, e.Detail); err != nil || compact.Bytes()[0] != '{' {
		return fmt.Errorf("detail %.80q: want a JSON object: %w", e.Detail, model.ErrInvalid)
	}
	e.Detail = compact.Bytes()
	return checkText(compact.String(), maxDetail)
}

func (e *Entry) record() (record, error) {
	delta, err := encodeDelta(e.Added, e.Removed)
	return record{
		Stream: e.Stream, Revision: e.Revision, At: At(e.At), Actor: e.Actor, Action: e.Action, Reason: e.Reason,
		Detail: string(e.Detail), Delta: delta, Prev: bytes.Clone(e.Prev[:]),
	}, err
}

func (r *record) entry() (Entry, error) {
	e := Entry{
		Stream: r.Stream, Revision: r.Revision, At: r.At.Time(), Actor: r.Actor, Action: r.Action, Reason: r.Reason,
		Detail: json.RawMessage(r.Detail),
	}
	var err error
	if copy(e.Prev[:], r.Prev) != len(e.Prev) || copy(e.Hash[:], r.Hash) != len(e.Hash) {
		err = errors.New("a hash is too short")
	} else if !json.Valid(e.Detail) {
		err = errors.New("detail is not JSON")
	} else {
		e.Added, e.Removed, err = decodeDelta(r.Delta)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%w: stream %s, revision %d: %w", ErrCorrupt, r.Stream, r.Revision, err)
	}
	return e, nil
}

// sum returns the hash of all columns but the last: SHA-256 over "volmacht
// ledger 1\n" and then, in the order of the table, each number as eight bytes
// big-endian and each text as its length in bytes, in the same form, and the
// bytes. So no two rows have one encoding, and prev ties each to those before.
func (r *record) sum(h hash.Hash) (sum [32]byte) {
	h.Reset()
	buf := make([]byte, 0, 256+len(r.Detail)+len(r.Delta))
	number := func(n uint64) { buf = binary.BigEndian.AppendUint64(buf, n) }
	text := func(s string) {
		number(uint64(len(s)))
		buf = append(buf, s...)
	}
	buf = append(buf, "volmacht ledger 1\n"...)
	text(r.Stream)
	number(r.Revision)
	number(uint64(r.At))
	text(r.Actor)
	text(r.Action)
	text(r.Reason)
	text(r.Detail)
	text(r.Delta)
	text(string(r.Prev))
	h.Write(buf)
	h.Sum(sum[:0])
	return sum
}
