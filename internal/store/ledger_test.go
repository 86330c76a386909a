package store_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
)

// ledgerRow is a row of the ledger, to be tampered with.
type ledgerRow struct {
	Stream                               string
	Revision                             uint64
	At                                   int64
	Actor, Action, Reason, Detail, Delta string
	Prev, Hash                           []byte
}

func (ledgerRow) TableName() string { return "volmacht_ledger" }

// sum is the hash as documented, written a second time.
func (r ledgerRow) sum() []byte {
	h := sha256.New()
	h.Write([]byte("volmacht ledger 1\n"))
	number := func(n uint64) { _ = binary.Write(h, binary.BigEndian, n) }
	text := func(s string) {
		number(uint64(len(s)))
		h.Write([]byte(s))
	}
	text(r.Stream)
	number(r.Revision)
	number(uint64(r.At))
	for _, s := range []string{r.Actor, r.Action, r.Reason, r.Detail, r.Delta, string(r.Prev)} {
		text(s)
	}
	return h.Sum(nil)
}

func TestLedgerFindsTampering(t *testing.T) {
	t.Parallel()
	const n = 6
	type state struct {
		rows []ledgerRow
		head store.Stream
	}
	mutations := map[string]func(s *state, i int){
		"at":               func(s *state, i int) { s.rows[i].At++ },
		"actor":            func(s *state, i int) { s.rows[i].Actor += "x" },
		"action":           func(s *state, i int) { s.rows[i].Action = "revoke" },
		"reason":           func(s *state, i int) { s.rows[i].Reason = "" },
		"detail":           func(s *state, i int) { s.rows[i].Detail = `{"n": 0}` },
		"detail, a blank":  func(s *state, i int) { s.rows[i].Detail += " " },
		"delta":            func(s *state, i int) { s.rows[i].Delta = "{}" },
		"prev":             func(s *state, i int) { s.rows[i].Prev[0] ^= 1 },
		"hash":             func(s *state, i int) { s.rows[i].Hash[31] ^= 1 },
		"hash cut":         func(s *state, i int) { s.rows[i].Hash = s.rows[i].Hash[:31] },
		"prev empty":       func(s *state, i int) { s.rows[i].Prev = []byte{} },
		"moved characters": func(s *state, i int) { s.rows[i].Actor, s.rows[i].Action = "user:an", "ngrant" },
		"content with its own hash": func(s *state, i int) {
			s.rows[i].Actor = "user:mallory"
			s.rows[i].Hash = s.rows[i].sum()
		},
		"revision moved":    func(s *state, i int) { s.rows[i].Revision += n },
		"to another stream": func(s *state, i int) { s.rows[i].Stream = "tenant:beta" },
		"deleted":           func(s *state, i int) { s.rows = append(s.rows[:i:i], s.rows[i+1:]...) },
		"tail cut":          func(s *state, i int) { s.rows = s.rows[:i] },
		"beginning cut":     func(s *state, i int) { s.rows = s.rows[i+1:] },
		"swapped": func(s *state, i int) {
			j := (i + 1) % n
			s.rows[i].Revision, s.rows[j].Revision = s.rows[j].Revision, s.rows[i].Revision
		},
		"repeated": func(s *state, i int) {
			again := s.rows[i]
			again.Revision = n + 1
			s.rows = append(s.rows, again)
		},
		"inserted at the end, rightly hashed": func(s *state, i int) {
			last := s.rows[n-1]
			forged := ledgerRow{Stream: last.Stream, Revision: n + 1, At: last.At, Detail: "{}", Delta: "{}", Prev: last.Hash}
			forged.Hash = forged.sum()
			s.rows = append(s.rows, forged)
		},
		"tail cut and head hashed wrongly": func(s *state, i int) {
			s.rows = s.rows[:i]
			s.head.Revision = uint64(i)
		},
		"chain hashed again from here on": func(s *state, i int) {
			s.rows[i].Reason = "no reason"
			for j := i; j < n; j++ {
				if j > i {
					s.rows[j].Prev = s.rows[j-1].Hash
				}
				s.rows[j].Hash = s.rows[j].sum()
			}
		},
		"a gap, all hashed again, head too": func(s *state, i int) {
			for j := i; j < n; j++ {
				s.rows[j].Revision++
				if j > 0 {
					s.rows[j].Prev = s.rows[j-1].Hash
				}
				s.rows[j].Hash = s.rows[j].sum()
			}
			s.head.Revision, s.head.Hash = s.rows[n-1].Revision, s.rows[n-1].Hash
		},
		"head's revision": func(s *state, i int) { s.head.Revision += uint64(i + 1) },
		"head set back":   func(s *state, i int) { s.head.Revision -= uint64(i + 1) },
		"head's hash":     func(s *state, i int) { s.head.Hash[i] ^= 0x80 },
	}
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		stream := store.TenantStream(acme)
		for i := range n {
			e := entry(rows(fmt.Sprint(i)), nil)
			e.Detail = fmt.Appendf(nil, `{"n":%d}`, i+1)
			require.NoError(t, write(t, s, e))
			require.NoError(t, s.VerifyLedger(t.Context(), stream))
		}
		read := func() (now state) {
			require.NoError(t, db.Where("stream = ?", stream).Order("revision").Find(&now.rows).Error)
			require.NoError(t, db.Where("name = ?", stream).First(&now.head).Error)
			return now
		}
		put := func(now state) {
			require.NoError(t, db.Exec("DELETE FROM volmacht_ledger").Error)
			if len(now.rows) > 0 {
				require.NoError(t, db.Create(now.rows).Error)
			}
			require.NoError(t, db.Save(now.head).Error)
		}
		for _, r := range read().rows {
			require.Equal(t, r.sum(), r.Hash)
		}
		for name, mutate := range mutations {
			t.Run(name, func(t *testing.T) {
				for i := range n {
					changed := read()
					mutate(&changed, i)
					good := read()
					put(changed)
					err := s.VerifyLedger(t.Context(), stream)
					require.ErrorIs(t, err, store.ErrCorrupt, "entry %d", i)
					require.ErrorContains(t, err, "revision")
					put(good)
					require.NoError(t, s.VerifyLedger(t.Context(), stream))
				}
			})
		}
		t.Run("stream deleted", func(t *testing.T) {
			require.NoError(t, db.Exec("DELETE FROM volmacht_streams WHERE name = ?", stream).Error)
			require.ErrorIs(t, s.VerifyLedger(t.Context(), stream), store.ErrCorrupt)
		})
		require.ErrorIs(t, s.VerifyLedger(t.Context(), "tenant:nobody"), store.ErrNotFound)
		require.NoError(t, s.VerifyLedger(t.Context(), store.PackStream), "no entry yet")
	})
}

// The ledger is verified in pages, and while writers go on.
func TestLedgerVerifiedWhileWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		stream := store.TenantStream(acme)
		require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Lock(stream); err != nil {
				return err
			}
			for range 1000 { // one page exactly
				if err := tx.Record(entry(nil, nil)); err != nil {
					return err
				}
			}
			return nil
		}))
		require.NoError(t, s.VerifyLedger(t.Context(), stream))
		done := make(chan error, 1)
		go func() {
			var err error
			for i := 0; i < 100 && err == nil; i++ {
				err = s.Transaction(t.Context(), func(tx *store.Tx) error {
					if _, err := tx.Lock(stream); err != nil {
						return err
					}
					return tx.Record(entry(nil, nil))
				})
			}
			done <- err
		}()
		for {
			require.NoError(t, s.VerifyLedger(t.Context(), stream))
			select {
			case err := <-done:
				require.NoError(t, err)
				require.NoError(t, s.VerifyLedger(t.Context(), stream))
				entries, err := s.Ledger(t.Context(), stream, 998, 3)
				require.NoError(t, err)
				require.Len(t, entries, 3)
				require.Equal(t, uint64(999), entries[0].Revision)
				require.Equal(t, entries[0].Hash, entries[1].Prev)
				none, err := s.Ledger(t.Context(), stream, 1100, 3)
				require.NoError(t, err)
				require.Empty(t, none)
				return
			default:
			}
		}
	})
}

// What cannot be read is not read as something else.
func TestCorruptRows(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		stream := store.TenantStream(acme)
		require.NoError(t, write(t, s, entry(rows("ann"), nil)))
		for _, change := range []string{
			"delta = '{'", "delta = ''", `delta = '{"added":[{"rule":[]}]}'`, `delta = '{"added":[{"rule":["g"],"tenant":"a b"}]}'`,
			`delta = '{"removed":[{"rule":["1","2","3","4","5","6","7","8"]}]}'`, "delta = '{}', detail = ''", "detail = '{}', hash = ''",
		} {
			require.NoError(t, db.Exec("UPDATE volmacht_ledger SET "+change).Error)
			_, err := s.Ledger(t.Context(), stream, 0, 1)
			require.ErrorIs(t, err, store.ErrCorrupt, change)
		}
		require.NoError(t, db.Exec("UPDATE volmacht_streams SET hash = ''").Error)
		_, err := s.Heads(t.Context(), stream)
		require.ErrorIs(t, err, store.ErrCorrupt)
		_, err = s.Load(t.Context(), acme)
		require.ErrorIs(t, err, store.ErrCorrupt)
		require.ErrorIs(t, write(t, s, entry(rows("bob"), nil)), store.ErrCorrupt)
	})
}
