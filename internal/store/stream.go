package store

import (
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/volmacht/volmacht/model"
)

// A Head is where a stream's ledger stands: the revision and the hash of its
// last entry, both zero before the first.
type Head struct {
	Revision uint64
	Hash     [32]byte
}

// PackStream is the stream of the pack's rules.
const PackStream = "pack"

const tenantPrefix, personPrefix = "tenant:", "person:"

// TenantStream returns the stream of t and of its rules.
func TenantStream(t model.TenantID) string { return tenantPrefix + t.String() }

// PersonStream returns the stream of u's own data, which has no rules.
func PersonStream(u model.UserID) string { return personPrefix + u.String() }

// Create makes a stream, at revision 0, and locks it. It is [ErrConflict] when
// the stream is there.
func (tx *Tx) Create(stream string) (Head, error) {
	if err := tx.insert(stream, tx.db); err != nil {
		return Head{}, err
	}
	tx.locked[stream] = Head{}
	return Head{}, nil
}

func (tx *Tx) insert(stream string, db *gorm.DB) error {
	if tx.err != nil {
		return tx.err
	}
	if err := checkText(stream, 80); err != nil || stream == "" {
		return tx.fail(fmt.Errorf("store: stream %.80q: %w", stream, errors.Join(model.ErrInvalid, err)))
	}
	row := Stream{Name: stream, Hash: make([]byte, 32)}
	if err := db.Create(&row).Error; err != nil {
		return tx.fail(fmt.Errorf("store: create stream %s: %w", stream, Translate(err)))
	}
	return nil
}

// LockOrCreate is [Tx.Lock], and makes the stream when it is not there. Of several that
// find none at the same time one makes it, and the others wait for that. Nobody who wants
// to hold the stream comes before who waits here.
func (tx *Tx) LockOrCreate(stream string) (Head, error) {
	if tx.err != nil {
		return Head{}, tx.err
	}
	if tx.db.Name() == postgresName {
		// A row is held by one after the other without end. For a table they queue.
		if err := tx.db.Exec("LOCK TABLE volmacht_streams IN EXCLUSIVE MODE").Error; err != nil {
			return Head{}, tx.fail(fmt.Errorf("store: lock the streams: %w", Translate(err)))
		}
	}
	head, err := tx.Lock(stream)
	if !errors.Is(err, ErrNotFound) {
		return head, err
	}
	if err := tx.insert(stream, tx.db.Clauses(clause.OnConflict{DoNothing: true})); err != nil {
		return Head{}, err
	}
	return tx.Lock(stream)
}

// Lock waits until no other transaction holds stream, and holds it until this
// one ends. Whoever locks several does so in the order of their names, or they
// deadlock and run again. It is [ErrNotFound] when the stream is not there.
func (tx *Tx) Lock(stream string) (Head, error) {
	if tx.err != nil {
		return Head{}, tx.err
	}
	if head, ok := tx.locked[stream]; ok {
		return head, nil
	}
	// SQLite knows no row locks, and needs none: begin took the whole file.
	var found []Stream
	err := tx.db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).
		Where("name = ?", stream).Find(&found).Error
	if err != nil {
		return Head{}, tx.fail(fmt.Errorf("store: lock stream %s: %w", stream, Translate(err)))
	}
	if len(found) == 0 {
		return Head{}, fmt.Errorf("%w: stream %s", ErrNotFound, stream)
	}
	head, err := found[0].head()
	if err != nil {
		return Head{}, tx.fail(err)
	}
	tx.locked[stream] = head
	return head, nil
}

// Hold returns where a stream stands, and keeps it there until this transaction ends.
// Several may hold one at a time; whoever locks it waits for all of them. A stream that
// is not there stands at the zero Head.
func (tx *Tx) Hold(stream string) (Head, error) {
	if tx.err != nil {
		return Head{}, tx.err
	}
	var found []Stream
	err := tx.db.Raw("SELECT name, revision, hash FROM volmacht_streams WHERE name = ?"+tx.share(), stream).Scan(&found).Error
	if err != nil {
		return Head{}, tx.fail(fmt.Errorf("store: hold stream %s: %w", stream, Translate(err)))
	}
	if len(found) == 0 {
		return Head{}, nil
	}
	head, err := found[0].head()
	return head, tx.fail(err)
}

// share is what a query ends with whose rows are not to change until the transaction
// ends. SQLite has one writer, and that is this one.
func (tx *Tx) share() string {
	switch tx.db.Name() {
	case postgresName:
		return " FOR SHARE"
	case mysqlName:
		return " LOCK IN SHARE MODE" // as MariaDB knows it, too
	}
	return ""
}

// An assumption is where a stream is thought to stand, and that of the pack, which is
// nil when the stream is locked.
type assumption struct {
	stream Head
	pack   *Head
}

// Assume takes a stream to stand at head, and the pack at pack, without a lock and
// without asking: [Tx.Record] writes only if that is so, and else returns [ErrMoved].
// As every change to what is a tenant's moves its stream, what was read of it at head
// is true still at the moment when Record succeeds. The pack is held from then on, as
// [Tx.Hold] does. It saves what asking costs, for changes that need no other rows: those
// that lock first see what they read.
func (tx *Tx) Assume(stream string, head, pack Head) {
	tx.assumed[stream] = assumption{head, &pack}
}

// move sets the head of a stream, and reports whether that and the pack stood where
// they were assumed to. It waits for who holds the stream.
func (tx *Tx) move(stream string, from assumption, to Head) (bool, error) {
	query := "UPDATE volmacht_streams SET revision = ?, hash = ? WHERE name = ? AND revision = ? AND hash = ?"
	args := []any{to.Revision, to.Hash[:], stream, from.stream.Revision, from.stream.Hash[:]}
	if from.pack != nil {
		// LIMIT, for MariaDB and MySQL would take the two tables for one without it.
		query += " AND (?, ?) = (SELECT revision, hash FROM (SELECT revision, hash FROM volmacht_streams WHERE name = ? LIMIT 1" + tx.share() + ") AS pack)"
		args = append(args, from.pack.Revision, from.pack.Hash[:], PackStream)
	}
	moved := tx.db.Exec(query, args...)
	return moved.RowsAffected == 1, moved.Error
}

func (s Stream) head() (Head, error) {
	head := Head{Revision: s.Revision}
	if copy(head.Hash[:], s.Hash) != len(head.Hash) || len(s.Hash) != len(head.Hash) {
		return Head{}, fmt.Errorf("%w: stream %s: hash of %d bytes", ErrCorrupt, s.Name, len(s.Hash))
	}
	return head, nil
}

// Shelve sets rows aside on the shelf of their tenant, whose stream must be
// locked. It is [ErrConflict] when an equal rule lies there. Whether they leave
// casbin_rule is for [Tx.Record] to say.
func (tx *Tx) Shelve(rows []Row) error {
	rows, err := tx.shelf(rows)
	if err == nil {
		err = insert(tx.db, shelfTable, rows)
	}
	if err != nil {
		return tx.fail(fmt.Errorf("store: shelve: %w", err))
	}
	return nil
}

// Unshelve takes rows from the shelf of their tenant, whose stream must be
// locked. Only Rule and Tenant count. It is [ErrConflict] when one is not there.
func (tx *Tx) Unshelve(rows []Row) error {
	rows, err := tx.shelf(rows)
	if err == nil {
		_, err = remove(tx.db, shelfTable, rows)
	}
	if err != nil {
		return tx.fail(fmt.Errorf("store: unshelve: %w", err))
	}
	return nil
}

func (tx *Tx) shelf(rows []Row) ([]Row, error) {
	if tx.err != nil {
		return nil, tx.err
	}
	for _, r := range rows {
		if _, ok := tx.locked[TenantStream(r.Tenant)]; !ok {
			return nil, fmt.Errorf("rule %v: stream %s is not locked", r.Rule, TenantStream(r.Tenant))
		}
	}
	return normal(rows)
}

// Shelved returns the rows on the shelf of tenant, in the order of the rules.
func (tx *Tx) Shelved(tenant model.TenantID) ([]Row, error) {
	var found []CasbinRule
	err := tx.db.Table(shelfTable).Where("tenant = ?", tenant.String()).Order(ruleColumns).Find(&found).Error
	if err != nil {
		return nil, fmt.Errorf("store: shelved: %w", Translate(err))
	}
	rows := make([]Row, len(found))
	for i, r := range found {
		if rows[i], err = r.Row(); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
