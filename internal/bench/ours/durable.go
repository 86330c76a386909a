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

// publishing is the tenant in which a publish is measured, and a small one
// beside it.
var publishing = world.Size{Name: "publish", Offices: 1, Dossiers: 100_000, Clients: 1}

// measurePublish times a grant and the check that sees it, in a large tenant and
// in a small one of one database that does not wait for a disk. What the first
// costs more is what grows with the tenant, publishing above all.
func measurePublish(ctx context.Context) (*report.Publish, error) {
	db, err := store.OpenMemory()
	if err != nil {
		return nil, err
	}
	defer closePool(db)
	small := publishing
	small.Dossiers = 10
	worlds := []*world.World{world.New(publishing, 1), world.New(small, 2)}
	if err := Prepare(ctx, db, worlds...); err != nil {
		return nil, err
	}
	az, err := OpenAuthz(ctx, db)
	if err != nil {
		return nil, err
	}
	times := make([][]float64, len(worlds))
	began := time.Now()
	for round := 0; round < 100 && (round < 3 || time.Since(began) < 30*time.Second); round++ {
		for i, w := range worlds {
			e := &Engine{w: w, az: az}
			p := w.Lone(1, uint64(round))[0]
			ask := e.Ask([]world.Check{{User: p.User, Dossier: p.Dossier, Permission: world.EditPortalSettings}})
			if _, err := ask(0); err != nil { // the tenant is in memory
				return nil, err
			}
			add := world.Place{User: p.User, Dossier: p.Dossier, Profile: (p.Profile + 1) % world.Profiles}
			began := time.Now()
			if err := e.Grant(add); err != nil {
				return nil, err
			}
			if _, err := ask(0); err != nil {
				return nil, err
			}
			times[i] = append(times[i], float64(time.Since(began)))
			if err := e.Revoke(add); err != nil {
				return nil, err
			}
			if _, err := ask(0); err != nil {
				return nil, err
			}
		}
	}
	return &report.Publish{Dossiers: publishing.Dossiers, Large: report.Median(times[0]), Small: report.Median(times[1])}, az.Close()
}
