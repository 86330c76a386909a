package store

import (
	"context"
	"fmt"
)

// A Pack is a pack as its author wrote it, by the revision of [PackStream]
// that put it in force.
type Pack struct {
	Revision uint64 `gorm:"column:revision;primaryKey;autoIncrement:false"`
	Name     string `gorm:"column:name"`
	Version  int    `gorm:"column:version"`
	Model    string `gorm:"column:model"`
	Policy   string `gorm:"column:policy"`
	Catalog  string `gorm:"column:catalog"`
}

// TableName is volmacht_packs.
func (Pack) TableName() string { return "volmacht_packs" }

// Pack returns the pack that a revision put in force. It is [ErrNotFound] when
// there is none.
func (r reader) Pack(ctx context.Context, revision uint64) (Pack, error) {
	var p Pack
	if err := r.db.WithContext(ctx).Where("revision = ?", revision).Take(&p).Error; err != nil {
		return Pack{}, fault(ctx, fmt.Errorf("store: pack of revision %d: %w", revision, err))
	}
	return p, nil
}
