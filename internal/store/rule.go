package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/model"
)

// A Row is a rule in force: whose it is, who gave it, and from when until
// when it counts. A zero From or Until is no limit.
type Row struct {
	Rule                   model.Rule
	Tenant                 model.TenantID // zero for a row of the pack
	GrantedBy              string
	GrantedAt, From, Until time.Time // UTC, in microseconds
}

// CasbinRule is a row of casbin_rule: the columns of gorm-adapter, and ours
// beside them. Read it with [Tx.DB], but leave the writing to [Tx.Record].
type CasbinRule struct {
	ID         uint64 `gorm:"column:id;primaryKey;autoIncrement"`
	PType      string `gorm:"column:ptype"`
	V0         string `gorm:"column:v0"`
	V1         string `gorm:"column:v1"`
	V2         string `gorm:"column:v2"`
	V3         string `gorm:"column:v3"`
	V4         string `gorm:"column:v4"`
	V5         string `gorm:"column:v5"`
	Tenant     string `gorm:"column:tenant"` // "" for a row of the pack
	GrantedBy  string `gorm:"column:granted_by"`
	GrantedAt  Micros `gorm:"column:granted_at"`
	ValidFrom  Micros `gorm:"column:valid_from"`
	ValidUntil Micros `gorm:"column:valid_until"`
}

const (
	rulesTable   = "casbin_rule"
	shelfTable   = "volmacht_shelved_rules"
	ruleColumns  = "ptype, v0, v1, v2, v3, v4, v5"
	grantColumns = "granted_by, granted_at, valid_from, valid_until"

	insertBatch = 50 // rows in one statement
	deleteBatch = 50
)

// TableName implements gorm's Tabler.
func (CasbinRule) TableName() string { return rulesTable }

// Row returns r as a Row. A tenant that is none is [ErrCorrupt].
func (r CasbinRule) Row() (Row, error) {
	row := Row{
		Rule:      model.Rule{PType: r.PType, V: [6]string{r.V0, r.V1, r.V2, r.V3, r.V4, r.V5}},
		GrantedBy: r.GrantedBy,
		GrantedAt: r.GrantedAt.Time(), From: r.ValidFrom.Time(), Until: r.ValidUntil.Time(),
	}
	if r.Tenant == "" {
		return row, nil
	}
	var err error
	if row.Tenant, err = model.ParseTenantID(r.Tenant); err != nil {
		return Row{}, fmt.Errorf("%w: rule %v: %w", ErrCorrupt, row.Rule, err)
	}
	return row, nil
}

// normal returns r as it reads back from a table, and refuses what some
// database would refuse, cut or take for something else.
func (r Row) normal() (Row, error) {
	fault := func(err error) (Row, error) { return Row{}, fmt.Errorf("rule %.200q: %w", r.Rule.String(), err) }
	if r.Rule.PType == "" {
		return fault(fmt.Errorf("no type: %w", model.ErrInvalid))
	}
	last := r.Rule.PType
	for _, v := range r.Rule.V {
		if last == "" && v != "" {
			return fault(fmt.Errorf("an empty field among others: %w", model.ErrInvalid))
		}
		last = v
	}
	for _, text := range append(r.Rule.V[:], r.Rule.PType, r.GrantedBy) {
		if err := checkText(text, 100); err != nil {
			return fault(err)
		}
	}
	for _, t := range []*time.Time{&r.GrantedAt, &r.From, &r.Until} {
		if err := checkTime(*t); err != nil {
			return fault(err)
		}
		*t = At(*t).Time()
	}
	return r, nil
}

// checkText refuses what not every database takes: text of more than limit
// characters, NUL, and what is not UTF-8.
func checkText(s string, limit int) error {
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return fmt.Errorf("%.80q: want UTF-8 without NUL: %w", s, model.ErrInvalid)
	case utf8.RuneCountInString(s) > limit:
		return fmt.Errorf("%.80q…: want at most %d characters: %w", s, limit, model.ErrInvalid)
	}
	return nil
}

// checkTime refuses what a table cannot hold, and the very start of 1970 above
// all: as 0 it would become "no limit".
func checkTime(t time.Time) error {
	if !t.IsZero() && (t.UnixMicro() <= 0 || t.Year() > 9999) {
		return fmt.Errorf("time %v: want one between 1970 and 9999: %w", t, model.ErrInvalid)
	}
	return nil
}

func normal(rows []Row) ([]Row, error) {
	normal := make([]Row, 0, len(rows))
	for _, r := range rows {
		n, err := r.normal()
		if err != nil {
			return nil, err
		}
		normal = append(normal, n)
	}
	return normal, nil
}

// insert adds rows to table. It is ErrConflict when an equal rule is there.
func insert(db *gorm.DB, table string, rows []Row) error {
	const places = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	for batch := range slices.Chunk(rows, insertBatch) {
		var values []any
		for _, r := range batch {
			values = append(append(values, r.key()...), r.GrantedBy, At(r.GrantedAt), At(r.From), At(r.Until))
		}
		query := "INSERT INTO " + table + " (" + ruleColumns + ", tenant, " + grantColumns + ") VALUES " +
			strings.Repeat(places+", ", len(batch)-1) + places
		if err := db.Exec(query, values...).Error; err != nil {
			return fmt.Errorf("add rules: %w", Translate(err))
		}
	}
	return nil
}

// Granted returns rows of casbin_rule as they are there, with their grants. Only
// Rule and Tenant count. It is [ErrConflict] when one is not there.
func (tx *Tx) Granted(rows []Row) ([]Row, error) {
	var all []Row
	for batch := range slices.Chunk(rows, deleteBatch) {
		found, err := find(tx.db, rulesTable, batch)
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		for _, r := range found {
			row, err := r.Row()
			if err != nil {
				return nil, err
			}
			all = append(all, row)
		}
	}
	return all, nil
}

// All eight columns are named, the empty ones too: a condition left out would
// reach other rows, and other tenants. IS TRUE keeps PostgreSQL from the index
// of tenant, which finds all of the tenant's rows for each of these.
const equal = "ptype = ? AND v0 = ? AND v1 = ? AND v2 = ? AND v3 = ? AND v4 = ? AND v5 = ? AND (tenant = ?) IS TRUE"

// key returns what equal compares.
func (r Row) key() []any {
	v := r.Rule.V
	return []any{r.Rule.PType, v[0], v[1], v[2], v[3], v[4], v[5], r.Tenant.String()}
}

func keys(rows []Row) []any {
	var values []any
	for _, r := range rows {
		values = append(values, r.key()...)
	}
	return values
}

// find returns the records of rows in table, all of them.
func find(db *gorm.DB, table string, rows []Row) ([]CasbinRule, error) {
	// One query for each row, in one statement: each goes by the unique index,
	// which one query with OR is not sure to do.
	one := "SELECT id, " + ruleColumns + ", tenant, " + grantColumns + " FROM " + table + " WHERE " + equal
	var found []CasbinRule
	err := db.Raw(strings.Repeat(one+" UNION ALL ", len(rows)-1)+one, keys(rows)...).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("find rules: %w", Translate(err))
	}
	if len(found) != len(rows) {
		return nil, fmt.Errorf("%w: of %d rules %d are there; one that is not: %v",
			ErrConflict, len(rows), len(found), missing(rows, found))
	}
	return found, nil
}

// remove deletes rows from table and returns them as they were there, with
// their grants. It is ErrConflict when one of them is not there.
func remove(db *gorm.DB, table string, rows []Row) ([]Row, error) {
	var removed []Row
	for batch := range slices.Chunk(rows, deleteBatch) {
		found, err := find(db, table, batch)
		if err != nil {
			return nil, err
		}
		ids := make([]uint64, len(found))
		for i, r := range found {
			ids[i] = r.ID
			row, err := r.Row()
			if err != nil {
				return nil, err
			}
			removed = append(removed, row)
		}
		// Whoever writes without our lock may have made another rule of that id.
		// IS TRUE, so that the ids are what the rows are found by.
		same := strings.Repeat(equal+" OR ", len(batch)-1) + equal
		result := db.Exec("DELETE FROM "+table+" WHERE id IN ? AND ("+same+") IS TRUE", append([]any{ids}, keys(batch)...)...)
		if result.Error != nil {
			return nil, fmt.Errorf("remove rules: %w", Translate(result.Error))
		}
		if result.RowsAffected != int64(len(batch)) {
			return nil, fmt.Errorf("%w: of %d rules to remove %d were there", ErrConflict, len(batch), result.RowsAffected)
		}
	}
	slices.SortFunc(removed, func(a, b Row) int { return a.Rule.Compare(b.Rule) })
	return removed, nil
}

// missing returns the first rule of want that is not in found.
func missing(want []Row, found []CasbinRule) model.Rule {
	for _, w := range want {
		if !slices.ContainsFunc(found, func(f CasbinRule) bool {
			return w.Rule == model.Rule{PType: f.PType, V: [6]string{f.V0, f.V1, f.V2, f.V3, f.V4, f.V5}}
		}) {
			return w.Rule
		}
	}
	return want[0].Rule
}
