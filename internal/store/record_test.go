package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

// retryable stands for a deadlock or a busy file, of whatever driver.
type retryable struct{ error }

func (retryable) SQLState() string { return "40001" }
func (e retryable) Unwrap() error  { return e.error }

// everything is a transaction that writes to every table that the store
// itself writes, and to one of the others.
func everything(tx *store.Tx) error {
	if _, err := tx.Lock(store.TenantStream(acme)); err != nil {
		return err
	}
	if _, err := tx.Create(store.PersonStream(ann)); err != nil {
		return err
	}
	if err := tx.DB().Create(&store.Tenant{ID: acme, Name: "Acme"}).Error; err != nil {
		return err
	}
	if err := tx.Record(entry(many("new", 250), many("old", 60))); err != nil {
		return err
	}
	if err := tx.Shelve(rows("away")); err != nil {
		return err
	}
	if err := tx.Unshelve(rows("shelved")); err != nil {
		return err
	}
	return tx.Record(entry(rows("last"), nil))
}

func many(prefix string, n int) []store.Row {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%03d", prefix, i)
	}
	return rows(names...)
}

// prepared opens a store in which everything can be done.
func prepared(t *testing.T, db *gorm.DB) *store.Store {
	t.Helper()
	s := open(t, db)
	require.NoError(t, write(t, s, entry(many("old", 60), nil)))
	require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Lock(store.TenantStream(acme)); err != nil {
			return err
		}
		return tx.Shelve(rows("shelved"))
	}))
	return s
}

func TestAllOrNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, faults := prepared(t, db), inject(t, db)
		before := dump(t, db)
		for at := 1; ; at++ {
			faults.arm(at, errInjected)
			err := s.Transaction(t.Context(), everything)
			if !faults.disarm() {
				require.NoError(t, err)
				require.Greater(t, at, 12, "statements of the transaction")
				break
			}
			require.ErrorIs(t, err, errInjected, "statement %d", at)
			require.Equal(t, before, dump(t, db), "statement %d", at)
		}
		require.NotEqual(t, before, dump(t, db))
		require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(acme)))
	})
}

// A caller that passes over an error of the store does not get half of what
// it asked for.
func TestErrorPassedOver(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]func(tx *store.Tx) error{
		"record, removed": func(tx *store.Tx) error { return tx.Record(entry(nil, rows("old000", "nobody"))) },
		"record, added":   func(tx *store.Tx) error { return tx.Record(entry(rows("old001"), rows("old000"))) },
		"record, invalid": func(tx *store.Tx) error { return tx.Record(entry(rows("\x00"), nil)) },
		"shelve":          func(tx *store.Tx) error { return tx.Shelve(rows("new", "shelved")) },
		"unshelve":        func(tx *store.Tx) error { return tx.Unshelve(rows("shelved", "nobody")) },
		"create":          func(tx *store.Tx) error { _, err := tx.Create(store.PackStream); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := prepared(t, db)
				before := dump(t, db)
				var first error
				err := s.Transaction(t.Context(), func(tx *store.Tx) error {
					_, err := tx.Lock(store.TenantStream(acme))
					require.NoError(t, err)
					first = bad(tx)
					require.Error(t, first)
					require.ErrorIs(t, tx.Record(entry(rows("later"), nil)), first)
					require.ErrorIs(t, tx.Shelve(rows("later")), first)
					require.ErrorIs(t, tx.Unshelve(rows("shelved")), first)
					_, err = tx.Create("person:later")
					require.ErrorIs(t, err, first)
					return nil
				})
				require.ErrorIs(t, err, first)
				require.Equal(t, before, dump(t, db))
			})
		})
	}
}

// A database that asks for another try at any statement gets one, and the
// outcome is that of an undisturbed transaction.
func TestRetryAtEveryStatement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, faults := prepared(t, db), inject(t, db)
		for at := 1; ; at++ {
			faults.arm(at, retryable{errInjected})
			runs := 0
			err := s.Transaction(t.Context(), func(tx *store.Tx) error {
				runs++
				if err := everything(tx); err != nil {
					return err
				}
				if runs == 1 && !faults.fired.Load() {
					return errInjected // all statements have had their turn
				}
				got, err := tx.Load(t.Context(), acme)
				require.NoError(t, err)
				require.Len(t, got.Rows, 251)
				require.Equal(t, uint64(3), got.Head.Revision)
				return errUndo
			})
			if !faults.disarm() {
				require.ErrorIs(t, err, errInjected)
				require.Greater(t, at, 12)
				break
			}
			require.ErrorIs(t, err, errUndo, "statement %d", at)
		}
	})
}

var errUndo = errors.New("undo")

func TestRecordRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		require.NoError(t, write(t, s, entry(rows("ann", "bob"), nil)))
		other := rows("ann")
		other[0].Tenant = beta
		pack := rows("new")
		pack[0].Tenant = model.TenantID{}
		with := func(change func(*store.Row)) *store.Entry {
			added := rows("new")
			change(&added[0])
			return entry(added, nil)
		}
		rule := func(fields ...string) *store.Entry {
			return with(func(r *store.Row) { r.Rule = model.NewRule(fields[0], fields[1:]...) })
		}
		edited := func(change func(*store.Entry)) *store.Entry {
			e := entry(rows("new"), nil)
			change(e)
			return e
		}
		cases := map[string]struct {
			entry *store.Entry
			want  error
		}{
			"removed is not there":    {entry(nil, rows("nobody")), store.ErrConflict},
			"one of two is not there": {entry(nil, rows("ann", "nobody")), store.ErrConflict},
			"removed twice":           {entry(nil, rows("ann", "ann")), store.ErrConflict},
			"added is there":          {entry(rows("ann"), nil), store.ErrConflict},
			"added twice":             {entry(rows("new", "new"), nil), store.ErrConflict},
			// RemovePolicy of gorm-adapter leaves a condition out for an empty field.
			"removed has an empty last field":    {entry(nil, []store.Row{{Rule: model.NewRule("g", "user:ann", "admin"), Tenant: acme}}), store.ErrConflict},
			"removed has all but the type empty": {entry(nil, []store.Row{{Rule: model.NewRule("g"), Tenant: acme}}), store.ErrConflict},
			"row of another tenant":              {entry(other, nil), model.ErrInvalid},
			"removed row of another tenant":      {entry(nil, other), model.ErrInvalid},
			"row of the pack":                    {entry(pack, nil), model.ErrInvalid},
			"tenant's row in the pack":           {edited(func(e *store.Entry) { e.Stream = store.PackStream }), model.ErrInvalid},
			"no type":                            {rule("", "a"), model.ErrInvalid},
			"a gap":                              {rule("p", "a", "", "b"), model.ErrInvalid},
			"NUL":                                {rule("p", "a\x00b"), model.ErrInvalid},
			"not UTF-8":                          {rule("p", "a\xff"), model.ErrInvalid},
			"101 characters":                     {rule("p", strings.Repeat("é", 101)), model.ErrInvalid},
			"grantor too long":                   {with(func(r *store.Row) { r.GrantedBy = strings.Repeat("x", 101) }), model.ErrInvalid},
			"until 1970":                         {with(func(r *store.Row) { r.Until = time.Unix(0, 0) }), model.ErrInvalid},
			"until the year 10000":               {with(func(r *store.Row) { r.Until = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), model.ErrInvalid},
			"no time":                            {edited(func(e *store.Entry) { e.At = time.Time{} }), model.ErrInvalid},
			"actor with NUL":                     {edited(func(e *store.Entry) { e.Actor = "\x00" }), model.ErrInvalid},
			"action too long":                    {edited(func(e *store.Entry) { e.Action = strings.Repeat("x", 101) }), model.ErrInvalid},
			"reason too long":                    {edited(func(e *store.Entry) { e.Reason = strings.Repeat("x", 1001) }), model.ErrInvalid},
			"detail is no object":                {edited(func(e *store.Entry) { e.Detail = []byte("[]") }), model.ErrInvalid},
			"detail is null":                     {edited(func(e *store.Entry) { e.Detail = []byte("null") }), model.ErrInvalid},
			"detail is not JSON":                 {edited(func(e *store.Entry) { e.Detail = []byte("{") }), model.ErrInvalid},
			"detail is not UTF-8":                {edited(func(e *store.Entry) { e.Detail = []byte("{\"a\":\"\xff\"}") }), model.ErrInvalid},
		}
		before := dump(t, db)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				require.ErrorIs(t, write(t, s, c.entry), c.want)
				require.Equal(t, before, dump(t, db))
			})
		}
		t.Run("stream not locked", func(t *testing.T) {
			err := s.Transaction(t.Context(), func(tx *store.Tx) error { return tx.Record(entry(rows("new"), nil)) })
			require.ErrorContains(t, err, "not locked")
			err = s.Transaction(t.Context(), func(tx *store.Tx) error { return tx.Shelve(rows("new")) })
			require.ErrorContains(t, err, "not locked")
			require.Equal(t, before, dump(t, db))
		})
	})
}

// What is to be stored to the full, at its longest.
func TestRecordAtTheLimits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		r := store.Row{
			Rule: model.NewRule(strings.Repeat("p", 100)), Tenant: acme, GrantedBy: strings.Repeat("😀", 100),
			GrantedAt: time.UnixMicro(1).UTC(), From: time.UnixMicro(2).UTC(), Until: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		}
		for i := range r.Rule.V {
			r.Rule.V[i] = strings.Repeat("😀", 100)
		}
		e := entry([]store.Row{r}, nil)
		e.Actor, e.Action, e.Reason = strings.Repeat("é", 100), strings.Repeat("é", 100), strings.Repeat("é", 1000)
		e.Detail = []byte(`{"x":"` + strings.Repeat("é", 60000) + `"}`)
		require.NoError(t, write(t, s, e))
		got, err := s.Load(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, []store.Row{r}, got.Rows)
		entries, err := s.Ledger(t.Context(), e.Stream, 0, 1)
		require.NoError(t, err)
		require.Equal(t, e.Detail, entries[0].Detail)
		require.Equal(t, []store.Row{r}, entries[0].Added)
		require.NoError(t, s.VerifyLedger(t.Context(), e.Stream))
	})
}

// Removed rows come back, and go into the ledger, with the grants that they
// had; a rule can be replaced by itself with other limits.
func TestReplaceLimits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		first, second := rows("ann"), rows("ann")
		first[0].Until = epoch.Add(time.Hour)
		second[0].GrantedBy, second[0].Until = "user:bob", epoch.Add(2*time.Hour+999) // nanoseconds are cut
		require.NoError(t, write(t, s, entry(first, nil)))
		e := entry(second, []store.Row{{Rule: first[0].Rule, Tenant: acme}})
		require.NoError(t, write(t, s, e))
		require.Equal(t, first, e.Removed)
		second[0].Until = epoch.Add(2 * time.Hour)
		require.Equal(t, second, e.Added)
		got, err := s.Load(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, second, got.Rows)
		entries, err := s.Ledger(t.Context(), e.Stream, 1, 1)
		require.NoError(t, err)
		require.Equal(t, []store.Entry{*e}, entries)
	})
}

func TestShelf(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		require.NoError(t, write(t, s, entry(rows("ann", "bob"), nil)))
		act := func(f func(tx *store.Tx) error) error {
			return s.Transaction(t.Context(), func(tx *store.Tx) error {
				if _, err := tx.Lock(store.TenantStream(acme)); err != nil {
					return err
				}
				return f(tx)
			})
		}
		shelved := func() (rows []store.Row) {
			require.NoError(t, act(func(tx *store.Tx) (err error) { rows, err = tx.Shelved(acme); return err }))
			return rows
		}
		require.NoError(t, act(func(tx *store.Tx) error {
			e := entry(nil, rows("bob", "ann"))
			return errors.Join(tx.Record(e), tx.Shelve(e.Removed))
		}))
		require.Equal(t, rows("ann", "bob"), shelved())
		require.ErrorIs(t, act(func(tx *store.Tx) error { return tx.Shelve(rows("ann")) }), store.ErrConflict)
		require.ErrorIs(t, act(func(tx *store.Tx) error { return tx.Unshelve(rows("nobody")) }), store.ErrConflict)
		require.NoError(t, act(func(tx *store.Tx) error {
			return errors.Join(tx.Unshelve(rows("ann")), tx.Record(entry(rows("ann"), nil)))
		}))
		require.Equal(t, rows("bob"), shelved())
		require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
			other, err := tx.Shelved(beta)
			require.Empty(t, other)
			return err
		}))
	})
}

// Random entries leave in the tables what they would leave in a map.
func TestRecordAgainstMap(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := open(t, db)
		random := rand.New(rand.NewPCG(seed, 0))
		want := map[model.Rule]store.Row{}
		for revision := uint64(1); revision <= 60; revision++ {
			var added, removed, had []store.Row
			legal := true
			for _, r := range many("r", 8) {
				old, there := want[r.Rule]
				take, give := random.IntN(3) == 0, random.IntN(3) == 0
				r.Until = epoch.Add(time.Duration(random.IntN(5)) * time.Hour)
				if random.IntN(40) > 0 { // else maybe illegal
					take = take && there
					give = give && (!there || take)
				}
				if take {
					legal = legal && there
					removed, had = append(removed, store.Row{Rule: r.Rule, Tenant: acme}), append(had, old)
				}
				if give {
					legal = legal && (!there || take)
					added = append(added, r)
				}
			}
			e := entry(added, removed)
			err := write(t, s, e)
			if !legal {
				require.ErrorIs(t, err, store.ErrConflict)
				revision--
				continue
			}
			require.NoError(t, err)
			require.Equal(t, revision, e.Revision)
			require.ElementsMatch(t, had, e.Removed)
			for _, r := range removed {
				delete(want, r.Rule)
			}
			for _, r := range added {
				want[r.Rule] = r
			}
			got, err := s.Load(t.Context(), acme)
			require.NoError(t, err)
			require.Equal(t, e.Hash, got.Head.Hash)
			require.Len(t, got.Rows, len(want))
			for _, r := range got.Rows {
				require.Equal(t, want[r.Rule], r)
			}
			require.True(t, slices.IsSortedFunc(got.Rows, func(a, b store.Row) int {
				return slices.Compare(a.Rule.Fields(), b.Rule.Fields())
			}))
		}
		require.NoError(t, s.VerifyLedger(t.Context(), store.TenantStream(acme)))
	})
}

// A stream that is assumed to stand where it does is as good as locked; else nothing
// happens, and the transaction goes on.
func TestAssume(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := prepared(t, db)
		require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Lock(store.PackStream); err != nil {
				return err
			}
			return tx.Record(&store.Entry{Stream: store.PackStream, At: epoch, Actor: "system", Action: "pack"})
		}))
		stream := store.TenantStream(acme)
		heads, err := s.Heads(t.Context(), stream, store.PackStream)
		require.NoError(t, err)
		right, pack := heads[stream], heads[store.PackStream]
		otherHash := func(h store.Head) store.Head { h.Hash[31]++; return h }
		otherRevision := func(h store.Head) store.Head { h.Revision++; return h }
		for name, wrong := range map[string][2]store.Head{
			"revision":          {otherRevision(right), pack},
			"hash":              {otherHash(right), pack},
			"revision of pack":  {right, otherRevision(pack)},
			"hash of pack":      {right, otherHash(pack)},
			"before everything": {},
		} {
			before := dump(t, db)
			require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
				tx.Assume(stream, wrong[0], wrong[1])
				require.ErrorIs(t, tx.Record(entry(rows("late"), nil)), store.ErrMoved, name)
				return nil
			}), name)
			require.Equal(t, before, dump(t, db), name)
		}
		require.NoError(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
			tx.Assume(stream, otherRevision(right), pack)
			require.ErrorIs(t, tx.Record(entry(rows("one"), nil)), store.ErrMoved)
			tx.Assume(stream, right, pack)
			require.NoError(t, tx.Record(entry(rows("two"), nil)))
			return tx.Record(entry(rows("three"), rows("two")))
		}))
		got, err := s.Load(t.Context(), acme)
		require.NoError(t, err)
		require.Equal(t, right.Revision+2, got.Head.Revision)
		require.NoError(t, s.VerifyLedger(t.Context(), stream))

		require.Error(t, s.Transaction(t.Context(), func(tx *store.Tx) error {
			tx.Assume(stream, got.Head, pack)
			return tx.Record(entry(nil, rows("three")))
		}), "what goes is read under the lock")
	})
}
