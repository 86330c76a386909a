package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/packdiff"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A tenantDiff is what the people of one tenant gain and lose.
type tenantDiff struct {
	Tenant string          `json:"tenant"`
	Name   string          `json:"name"`
	People []changedPerson `json:"people"`
	Note   string          `json:"note,omitempty"`
}

type changedPerson struct {
	Change     string   `json:"change"` // gain or loss
	User       string   `json:"user"`
	Name       string   `json:"name"`
	Permission string   `json:"permission"`
	Domains    []string `json:"domains"`
}

func (t tenantDiff) differs() bool { return len(t.People) > 0 }

// peopleOf compares the packs for every tenant of a store, by what holds now.
func peopleOf(dsn string, old, new *model.Pack) (all []tenantDiff, err error) {
	ctx := context.Background()
	db, closeDB, err := openDB(dsn)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := closeDB(); err == nil {
			err = closing
		}
	}()
	if !db.Migrator().HasTable(store.Tenant{}.TableName()) {
		return nil, fmt.Errorf("database %s: no table %s: it holds no store", redacted(dsn), store.Tenant{}.TableName())
	}
	s, err := store.Open(ctx, db)
	if err != nil {
		return nil, err
	}
	var tenants []store.Tenant
	if err := db.WithContext(ctx).Order("id").Find(&tenants).Error; err != nil {
		return nil, err
	}
	now := time.Now()
	for _, row := range tenants {
		loaded, err := s.Load(ctx, row.ID)
		if err != nil {
			return nil, err
		}
		rows := make([]engine.Row, len(loaded.Rows))
		for i, r := range loaded.Rows {
			rows[i] = engine.Row{Rule: r.Rule, From: r.From, Until: r.Until}
		}
		people, err := packdiff.Tenant(old, new, rows, now)
		if err != nil {
			return nil, err
		}
		t := tenantDiff{Tenant: row.ID.String(), Name: row.Name, People: []changedPerson{}}
		if !inForce(loaded.PackRows, old) {
			t.Note = "the rows in force in the store are not those of " + titled(old)
		}
		names, err := namesOf(db, people)
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			c := changedPerson{Change: gainOrLoss(p.Gain), User: p.User.String(), Name: names[p.User], Permission: p.Permission.String()}
			for _, d := range p.Domains {
				c.Domains = append(c.Domains, d.String())
			}
			t.People = append(t.People, c)
		}
		all = append(all, t)
	}
	return all, nil
}

// redacted is dsn without a password, wherever that may stand.
func redacted(dsn string) string {
	if isPostgres(dsn) {
		u, err := url.Parse(dsn)
		if err != nil || strings.Contains(u.Path, "@") {
			return "postgres://…"
		}
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	}
	if i := strings.LastIndex(dsn, "@"); i >= 0 {
		dsn, _, _ = strings.Cut("…"+dsn[i:], "?")
	}
	return dsn
}

// inForce reports whether rows are those of p, in their order if that decides.
func inForce(rows []store.Row, p *model.Pack) bool {
	rules := make([]model.Rule, len(rows))
	for i, r := range rows {
		rules[i] = r.Rule
	}
	return p.WithRules(rules).Hash() == p.Hash()
}

// namesOf reads what people are called.
func namesOf(db *gorm.DB, people []packdiff.PersonChange) (map[model.UserID]string, error) {
	names := map[model.UserID]string{}
	var ids []model.UserID
	for _, p := range people {
		if _, seen := names[p.User]; !seen {
			names[p.User] = ""
			ids = append(ids, p.User)
		}
	}
	for batch := range slices.Chunk(ids, 500) {
		var found []store.Person
		if err := db.Where("id IN ?", batch).Find(&found).Error; err != nil {
			return nil, err
		}
		for _, p := range found {
			names[p.ID] = strings.TrimSpace(p.FirstName + " " + p.LastName)
		}
	}
	return names, nil
}

// maxDomains is how many domains are listed before the rest is counted.
const maxDomains = 5

func (t tenantDiff) print(out io.Writer) {
	paint := painter(out)
	fmt.Fprintf(out, "\n%s: %s\n", paint(bold, "people of "+t.Tenant), t.Name)
	if t.Note != "" {
		fmt.Fprintf(out, "  %s\n", paint(yellow, "note: "+t.Note))
	}
	if !t.differs() {
		fmt.Fprintln(out, "  nobody gains or loses anything")
	}
	heading, who := "", ""
	for _, p := range t.People {
		verb, colour := "gains", green
		if p.Change == "loss" {
			verb, colour = "loses", red
		}
		if p.Change+p.User != heading+who {
			heading, who = p.Change, p.User
			name := p.User
			if p.Name != "" {
				name = p.Name + " (" + p.User + ")"
			}
			fmt.Fprintf(out, "  %s %s\n", name, paint(colour, verb))
		}
		domains := strings.Join(p.Domains[:min(maxDomains, len(p.Domains))], ", ")
		if more := len(p.Domains) - maxDomains; more > 0 {
			domains += fmt.Sprintf(" and %d more", more)
		}
		fmt.Fprintf(out, "    %s: %s\n", p.Permission, domains)
	}
}
