package ours

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/bench/world"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

const (
	fillBatch = 100  // rows of one table in one statement: more cost the SQLite driver more, for each
	fillEntry = 2000 // rules in one entry of the ledger
)

// fill writes w into a database that authz.Open has prepared, as authz itself
// would write it, but with few statements: one transaction and a few entries of
// the ledger for an office. Rows, streams and the chains of the ledger are
// right; only the ledger's story is shorter.
func fill(ctx context.Context, db *gorm.DB, w *world.World, filled func(offices int)) error {
	s, err := store.Open(ctx, db)
	if err != nil {
		return err
	}
	f := filling{w: w, at: time.Now(), rules: make([][]model.Rule, len(w.Offices)), users: make([][]int32, len(w.Offices))}
	w.Rules(func(o int32, r model.Rule) { f.rules[o] = append(f.rules[o], r) })
	for i, u := range w.Users {
		f.users[u.Office] = append(f.users[u.Office], int32(i))
	}
	f.managers, f.supporting = make(map[int32]int32), make(map[int32][]int32)
	for _, l := range w.Links {
		if l.Manager {
			f.managers[l.Dossier] = l.User
		} else {
			f.supporting[l.Dossier] = append(f.supporting[l.Dossier], l.User)
		}
	}
	for o := range w.Offices {
		if err := s.Transaction(ctx, func(tx *store.Tx) error { return f.office(tx, int32(o)) }); err != nil {
			return err
		}
		filled(o + 1)
	}
	return nil
}

type filling struct {
	w          *world.World
	at         time.Time
	rules      [][]model.Rule
	users      [][]int32
	managers   map[int32]int32
	supporting map[int32][]int32
}

func (f *filling) office(tx *store.Tx, o int32) error {
	tenant, at := f.w.Tenant(o), store.At(f.at)
	if _, err := tx.Create(store.TenantStream(tenant)); err != nil {
		return err
	}
	office := store.Tenant{ID: tenant, Name: "Office", Email: "office@office.example", CreatedAt: at}
	if err := tx.DB().Create(&office).Error; err != nil {
		return err
	}
	if err := f.people(tx, o); err != nil {
		return err
	}
	var dossiers []store.Dossier
	var supporting []store.Supporting
	for i, until := f.w.DossiersOf(o); i < until; i++ {
		d := f.w.Dossiers[i]
		domain := f.w.DossierDomain(i)
		row := store.Dossier{
			Tenant: tenant, ID: domain.Dossier(), Name: "Dossier", Private: d.Private, CreatedAt: at,
			Configuration: model.Must(model.ParseConfiguration(string(d.Configuration))),
		}
		if m, ok := f.managers[i]; ok {
			row.Manager = f.w.UserID(m)
		}
		for _, u := range f.supporting[i] {
			supporting = append(supporting, store.Supporting{Tenant: tenant, Dossier: domain.Dossier(), Person: f.w.UserID(u)})
		}
		dossiers = append(dossiers, row)
	}
	if err := tx.DB().CreateInBatches(dossiers, fillBatch).Error; err != nil {
		return err
	}
	if len(supporting) > 0 {
		if err := tx.DB().CreateInBatches(supporting, fillBatch).Error; err != nil {
			return err
		}
	}
	return f.record(tx, o)
}

// people makes the office's people and members. The stream of each person has
// one entry, without rules.
func (f *filling) people(tx *store.Tx, o int32) error {
	tenant, at := f.w.Tenant(o), store.At(f.at)
	var streams []store.Stream
	var entries []ledgerRow
	var people []store.Person
	var members []store.Member
	for _, u := range f.users[o] {
		id := f.w.UserID(u)
		e := firstEntry(store.PersonStream(id), at)
		entries = append(entries, e)
		streams = append(streams, store.Stream{Name: e.Stream, Revision: e.Revision, Hash: e.Hash})
		people = append(people, store.Person{ID: id, FirstName: "F", LastName: "L", CreatedAt: at})
		members = append(members, store.Member{Tenant: tenant, Person: id, State: store.Active, Since: at})
	}
	for _, rows := range []any{streams, entries, people, members} {
		if err := tx.DB().CreateInBatches(rows, fillBatch).Error; err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) record(tx *store.Tx, o int32) error {
	tenant := f.w.Tenant(o)
	for rules := f.rules[o]; len(rules) > 0; {
		n := min(len(rules), fillEntry)
		e := &store.Entry{Stream: store.TenantStream(tenant), At: f.at, Actor: "system", Action: "fill"}
		for _, r := range rules[:n] {
			e.Added = append(e.Added, store.Row{Rule: r, Tenant: tenant, GrantedBy: "system", GrantedAt: f.at})
		}
		if err := tx.Record(e); err != nil {
			return err
		}
		rules = rules[n:]
	}
	return nil
}
