package ours

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/internal/store"
)

// measureGrant times a grant, from the call until it is committed and published,
// against the same three rows written by plain gorm in one transaction of the
// same database: the rule, the line of the ledger, the head of the stream.
func measureGrant(ctx context.Context, d *Database, w *world.World) (report.Pair, error) {
	e, err := Load(ctx, d.DB, w)
	if err != nil {
		return report.Pair{}, err
	}
	plain := d.DB.Session(&gorm.Session{NewDB: true, Context: ctx})
	head := store.Stream{Name: "bench", Hash: make([]byte, 32)}
	if err := plain.Create(&head).Error; err != nil {
		return report.Pair{}, err
	}
	var ours, other []float64
	for i, p := range w.Vacant(100, 1) {
		began := time.Now()
		if err := e.Grant(p); err != nil {
			return report.Pair{}, err
		}
		ours = append(ours, float64(time.Since(began)))
		rule := w.PlaceRule(p)
		entry := firstEntry("bench", store.At(began))
		entry.Revision, entry.Action = uint64(i+1), "grant"
		entry.Detail = fmt.Sprintf(`{"domain":%q,"profile":%q,"subject":%q}`, rule.V[2], rule.V[1], rule.V[0])
		entry.Delta = fmt.Sprintf(`{"added":[{"rule":["g",%q,%q,%q]}]}`, rule.V[0], rule.V[1], rule.V[2])
		row := store.CasbinRule{
			PType: "g", V0: rule.V[0], V1: "bench", V2: rule.V[2], Tenant: "bench", GrantedBy: "system", GrantedAt: store.At(began),
		}
		began = time.Now()
		err := plain.Transaction(func(tx *gorm.DB) error {
			if err := tx.Create(&row).Error; err != nil {
				return err
			}
			if err := tx.Create(&entry).Error; err != nil {
				return err
			}
			return tx.Model(&store.Stream{}).Where("name = ?", "bench").
				Updates(map[string]any{"revision": entry.Revision, "hash": entry.Hash}).Error
		})
		if err != nil {
			return report.Pair{}, err
		}
		other = append(other, float64(time.Since(began)))
	}
	return report.Pair{Ours: report.Median(ours), Other: report.Median(other)}, e.Close()
}
