package ours

import (
	"context"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/internal/store"
)

// measureLoad times opening and reading every tenant, against one query that
// scans all of the rules into structs with database/sql.
func measureLoad(ctx context.Context, d *Database, w *world.World) (report.Pair, int, error) {
	var ours, scan []float64
	var rows int
	for range 3 {
		e, err := Load(ctx, d.DB, w)
		if err != nil {
			return report.Pair{}, 0, err
		}
		ours = append(ours, float64(e.Loading()))
		if err := e.Close(); err != nil {
			return report.Pair{}, 0, err
		}
		began := time.Now()
		all, err := scanAll(ctx, d)
		if err != nil {
			return report.Pair{}, 0, err
		}
		scan, rows = append(scan, float64(time.Since(began))), len(all)
	}
	return report.Pair{Ours: report.Median(ours), Other: report.Median(scan)}, rows, nil
}

func scanAll(ctx context.Context, d *Database) ([]store.CasbinRule, error) {
	pool, err := d.DB.DB()
	if err != nil {
		return nil, err
	}
	rows, err := pool.QueryContext(ctx, `SELECT id, ptype, v0, v1, v2, v3, v4, v5, tenant, granted_by,
		granted_at, valid_from, valid_until FROM casbin_rule`)
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	defer rows.Close()
	var all []store.CasbinRule
	for rows.Next() {
		var r store.CasbinRule
		if err := rows.Scan(&r.ID, &r.PType, &r.V0, &r.V1, &r.V2, &r.V3, &r.V4, &r.V5, &r.Tenant, &r.GrantedBy,
			&r.GrantedAt, &r.ValidFrom, &r.ValidUntil); err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
