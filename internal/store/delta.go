package store

import (
	"encoding/json"
	"fmt"

	"github.com/volmacht/volmacht/model"
)

// delta is the JSON of the ledger's delta column. It is never written anew, so
// fields may be added to it, but none may change its meaning.
type delta struct {
	Added   []deltaRow `json:"added,omitempty"`
	Removed []deltaRow `json:"removed,omitempty"`
}

type deltaRow struct {
	Rule   []string `json:"rule"` // the type, and the fields up to the last one in use
	Tenant string   `json:"tenant,omitempty"`
	By     string   `json:"by,omitempty"`
	At     Micros   `json:"at,omitempty"`
	From   Micros   `json:"from,omitempty"`
	Until  Micros   `json:"until,omitempty"`
}

func encodeDelta(added, removed []Row) (string, error) {
	text, err := json.Marshal(delta{deltaRows(added), deltaRows(removed)})
	return string(text), err
}

func deltaRows(rows []Row) []deltaRow {
	var encoded []deltaRow
	for _, r := range rows {
		encoded = append(encoded, deltaRow{
			Rule: append([]string{r.Rule.PType}, r.Rule.Fields()...), Tenant: r.Tenant.String(),
			By: r.GrantedBy, At: At(r.GrantedAt), From: At(r.From), Until: At(r.Until),
		})
	}
	return encoded
}

func decodeDelta(text string) (added, removed []Row, err error) {
	var d delta
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return nil, nil, fmt.Errorf("delta: %w", err)
	}
	if added, err = rowsOf(d.Added); err == nil {
		removed, err = rowsOf(d.Removed)
	}
	return added, removed, err
}

func rowsOf(encoded []deltaRow) ([]Row, error) {
	var rows []Row
	for _, d := range encoded {
		if n := len(d.Rule); n < 1 || n > 7 {
			return nil, fmt.Errorf("delta: a rule of %d fields", n)
		}
		r := CasbinRule{Tenant: d.Tenant, GrantedBy: d.By, GrantedAt: d.At, ValidFrom: d.From, ValidUntil: d.Until}
		row, err := r.Row()
		if err != nil {
			return nil, err
		}
		row.Rule = model.NewRule(d.Rule[0], d.Rule[1:]...)
		rows = append(rows, row)
	}
	return rows, nil
}
