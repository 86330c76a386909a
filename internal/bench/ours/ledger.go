package ours

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/volmacht/volmacht/internal/store"
)

// A ledgerRow is a row of volmacht_ledger, for the few rows that are written
// past [store.Tx.Record]: the entries of people, of whom there are too many to
// write one by one, and those of plain gorm that a grant is held against.
type ledgerRow struct {
	Stream   string       `gorm:"column:stream;primaryKey"`
	Revision uint64       `gorm:"column:revision;primaryKey;autoIncrement:false"`
	At       store.Micros `gorm:"column:at"`
	Actor    string       `gorm:"column:actor"`
	Action   string       `gorm:"column:action"`
	Reason   string       `gorm:"column:reason"`
	Detail   string       `gorm:"column:detail"`
	Delta    string       `gorm:"column:delta"`
	Prev     []byte       `gorm:"column:prev"`
	Hash     []byte       `gorm:"column:hash"`
}

// TableName implements gorm's Tabler.
func (ledgerRow) TableName() string { return "volmacht_ledger" }

// firstEntry is what AddPerson leaves in the ledger of a new person, with the
// hash that VerifyLedger wants.
func firstEntry(stream string, at store.Micros) ledgerRow {
	e := ledgerRow{
		Stream: stream, Revision: 1, At: at, Actor: "system", Action: "add person",
		Detail: "{}", Delta: "{}", Prev: make([]byte, 32),
	}
	e.Hash = e.sum()
	return e
}

// sum is the hash that internal/store describes.
func (e *ledgerRow) sum() []byte {
	buf := []byte("volmacht ledger 1\n")
	number := func(n uint64) { buf = binary.BigEndian.AppendUint64(buf, n) }
	text := func(s string) {
		number(uint64(len(s)))
		buf = append(buf, s...)
	}
	text(e.Stream)
	number(e.Revision)
	number(uint64(e.At))
	for _, s := range []string{e.Actor, e.Action, e.Reason, e.Detail, e.Delta, string(e.Prev)} {
		text(s)
	}
	sum := sha256.Sum256(buf)
	return sum[:]
}
