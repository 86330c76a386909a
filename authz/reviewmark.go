package authz

import (
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// itemBatch is how many items one statement names, at three values each.
const itemBatch = 300

// itemsOf selects the items of r that are about rules, of which there are some.
func (c *change) itemsOf(r store.Review, rules []model.Rule) *gorm.DB {
	keys := make([][]any, len(rules))
	for i, rule := range rules {
		item := itemOf(c.tenant, rule)
		keys[i] = []any{item.Subject, item.Dossier, item.Role}
	}
	return c.db().Model(&store.ReviewItem{}).Where("tenant = ? AND review = ?", r.Tenant, r.ID).
		Where("(subject, dossier, role) IN ?", keys)
}

// mark records a decision on the items of r that are about rules and have
// one of the decisions before, "" unless given, and closes r when none is left
// undecided.
func (c *change) mark(r store.Review, rules []model.Rule, decision string, became model.Profile, before ...string) (int64, error) {
	var n int64
	for part := range slices.Chunk(rules, itemBatch) {
		done := c.itemsOf(r, part).Where("decision IN ?", before).Updates(map[string]any{
			"decision": decision, "became": became, "decided_by": c.by.String(), "decided_at": store.At(c.at),
		})
		if done.Error != nil {
			return n, done.Error
		}
		n += done.RowsAffected
	}
	var left int64
	err := c.db().Model(&store.ReviewItem{}).Where("tenant = ? AND review = ? AND decision = ''", r.Tenant, r.ID).Count(&left).Error
	if err != nil || n == 0 || left > 0 {
		return n, err
	}
	c.detail["closed"] = r.ID.String()
	return n, c.db().Model(&r).Update("closed_at", store.At(c.at)).Error
}

// settleReview records in the tenant's open review what this change, of
// whatever kind, took away. It asks for nothing unless something was.
func (c *change) settleReview() error {
	if c.before == nil || len(c.removed)+len(c.ended) == 0 {
		return nil
	}
	gone := slices.Clone(c.ended)
	for _, r := range c.removed {
		if r.Rule == model.TenantRules(c.tenant)[0] {
			return nil // the tenant is closed, and can come back as it was
		}
		back := hasRule(c.added, r.Rule)
		if r.Rule.PType == "g" && !back && !slices.Contains(c.ended, r.Rule) {
			gone = append(gone, r.Rule)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	r, err := c.openReview()
	if err != nil || r == nil {
		return err
	}
	_, err = c.mark(*r, gone, store.Removed, model.Profile{}, "", store.Confirmed)
	return err
}

// unsettleReview makes undecided again, in the tenant's open review, what settleReview
// took for removed when rows were set aside: they are back, and nobody has looked at
// them. The last review, if it was over, is open again then, unless it would be overdue.
// What was taken away before the row was granted is another matter.
func (c *change) unsettleReview(rows []store.Row) error {
	granted := make(map[model.Rule]store.Micros)
	for _, r := range rows {
		if r.Rule.PType == "g" {
			granted[r.Rule] = store.At(r.GrantedAt)
		}
	}
	if len(granted) == 0 {
		return nil
	}
	var last []store.Review
	err := c.db().Where("tenant = ?", c.tenant).Order("closed_at = 0 DESC, opened_at DESC, id DESC").Limit(1).Find(&last).Error
	if err != nil || len(last) == 0 || last[0].ClosedAt != 0 && last[0].DueAt <= store.At(c.at) {
		return err
	}
	r := last[0]
	for part := range slices.Chunk(slices.Collect(maps.Keys(granted)), itemBatch) {
		var found []store.ReviewItem
		if err := c.itemsOf(r, part).Where("decision = ?", store.Removed).Find(&found).Error; err != nil {
			return err
		}
		var again []model.Rule
		for _, item := range found {
			if rule := itemRule(item); item.DecidedAt > granted[rule] {
				again = append(again, rule)
			}
		}
		if len(again) == 0 {
			continue
		}
		err := c.itemsOf(r, again).Updates(map[string]any{"decision": "", "decided_by": "", "decided_at": 0}).Error
		if err == nil && r.ClosedAt != 0 {
			c.detail["opened again"] = r.ID.String()
			err = c.db().Model(&r).Update("closed_at", 0).Error
		}
		if err != nil {
			return err
		}
	}
	return nil
}
