package authz_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// The examples play in one office: the tenant acme, its admin ann, its
// employee emma, and the dossier of a bakery, where bob has full access.
var (
	ctx    = context.Background()
	acme   = model.Must(model.ParseTenantID("acme"))
	office = authz.Tenant{ID: acme, Name: "Acme", Email: "office@acme.example"}
	bakery = model.DossierDomain(acme, model.Must(model.ParseDossierID("bakery")))
	ann    = model.Must(model.ParseUserID("ann"))
	emma   = model.Must(model.ParseUserID("emma"))
	bob    = model.Must(model.ParseUserID("bob"))
)

// open opens an Authz on a new SQLite file, with the office in it. What it
// returns closes and removes it.
func open() (*authz.Authz, func()) {
	az, _, done := openDB()
	return az, done
}

// openDB is open for a host that has tables of its own.
func openDB() (*authz.Authz, *gorm.DB, func()) {
	dir := must(os.MkdirTemp("", "volmacht"))
	db := must(authz.OpenSQLite(filepath.Join(dir, "portal.db")))
	az := must(authz.Open(ctx, db, authz.Config{
		Pack:  accountancy.Pack(),
		Clock: func() time.Time { return time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC) },
	}))
	must(az.CreateTenant(ctx, authz.System, office))
	for _, m := range []struct {
		user    model.UserID
		name    string
		profile model.Profile
	}{{ann, "Ann", accountancy.Admin}, {emma, "Emma", accountancy.Employee}} {
		must(az.AddPerson(ctx, authz.System, authz.Person{ID: m.user, FirstName: m.name, LastName: "Peeters"}))
		check(az.AddMember(ctx, authz.System, office.Domain(), authz.NewMember{User: m.user, Profiles: []model.Profile{m.profile}}))
	}
	must(az.CreateDossier(ctx, authz.By(ann), acme, authz.Dossier{ID: bakery.Dossier(), Name: "Bakery"}))
	must(az.AddPerson(ctx, authz.System, authz.Person{ID: bob, FirstName: "Bob", LastName: "Baker"}))
	check(az.AddMember(ctx, authz.By(ann), bakery, authz.NewMember{User: bob, Profiles: []model.Profile{accountancy.FullAccess}}))
	return az, db, func() {
		check(az.Close())
		check(must(db.DB()).Close())
		check(os.RemoveAll(dir))
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleAuthz_Enforce() {
	az, done := open()
	defer done()
	fmt.Println(az.Enforce(ctx, bob, bakery, accountancy.ViewFigure))
	fmt.Println(az.Enforce(ctx, bob, bakery, accountancy.ConfigureDossier))
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleAuthz_Require() {
	az, done := open()
	defer done()
	err := az.Require(ctx, emma, bakery, accountancy.ViewFigure)
	var denied *authz.DeniedError
	fmt.Println(errors.Is(err, authz.ErrDenied), errors.As(err, &denied))
	fmt.Println(denied.Decision.Missing, denied.Decision.Profiles)
	// Output:
	// true true
	// [[assignment]] [admin administrator full_access full_feedback]
}

func ExampleAuthz_EnforceBatch() {
	az, done := open()
	defer done()
	fmt.Println(az.EnforceBatch(ctx, []authz.Request{
		{User: ann, Domain: bakery, Permission: accountancy.ViewFigure},
		{User: emma, Domain: bakery, Permission: accountancy.ViewFigure},
	}))
	// Output: [true false] <nil>
}

func ExampleAuthz_Explain() {
	az, done := open()
	defer done()
	for _, row := range must(az.Explain(ctx, bob, bakery, accountancy.ViewFigure)).Rows {
		fmt.Println(row)
	}
	fmt.Println(must(az.Explain(ctx, bob, bakery, accountancy.UsePayment)).Reason())
	// Output:
	// p, full_access, any, dossier, figure, view, allow
	// g, user:bob, full_access, acme/bakery
	// g2, acme/bakery, dossier
	// missing module payment; given by admin
}

func ExampleAuthz_Grant() {
	az, done := open()
	defer done()
	// Until the end of the month, Bob manages the portal's settings too.
	check(az.Grant(ctx, authz.By(ann), authz.Grant{
		Subject: model.UserSubject(bob), Profile: accountancy.Administrator, Domain: bakery,
		Until: time.Date(2026, time.February, 1, 0, 0, 0, 0, time.UTC),
	}))
	fmt.Println(az.Enforce(ctx, bob, bakery, accountancy.EditPortalSettings))

	// Emma is not assigned to the bakery: to her it does not exist.
	err := az.Grant(ctx, authz.By(emma), authz.Grant{
		Subject: model.UserSubject(bob), Profile: accountancy.Administrator, Domain: bakery,
	})
	fmt.Println(errors.Is(err, authz.ErrNotFound))
	// Output:
	// true <nil>
	// true
}

func ExampleAuthz_Assign() {
	az, done := open()
	defer done()
	check(az.Assign(ctx, authz.By(ann), bakery, authz.Manager(emma)))
	fmt.Println(az.Enforce(ctx, emma, bakery, accountancy.ViewFigure))
	fmt.Println(must(az.Responsible(ctx, bakery)).Name)
	// Output:
	// true <nil>
	// Emma Peeters
}

func ExampleAuthz_Configure() {
	az, done := open()
	defer done()
	check(az.Configure(ctx, authz.By(ann), bakery, accountancy.ConfigurationD))
	check(az.Configure(ctx, authz.By(ann), bakery, accountancy.ConfigurationC))
	d := must(az.Dossier(ctx, authz.By(ann), bakery))
	fmt.Println("in force:", d.Configuration, "pending:", d.Pending)

	// The host has synchronised the bookkeeping.
	check(az.FinishConfiguration(ctx, authz.System, bakery, accountancy.ConfigurationC))
	d = must(az.Dossier(ctx, authz.By(ann), bakery))
	fmt.Println("in force:", d.Configuration)
	// Output:
	// in force: D pending: C
	// in force: C
}

func ExampleAuthz_Permissions() {
	az, done := open()
	defer done()
	for p, err := range az.Permissions(ctx, emma, office.Domain()) {
		check(err)
		fmt.Println(p)
	}
	// Output:
	// self edit
	// dossier create
	// management enter
}

func ExampleAuthz_Dossiers() {
	az, done := open()
	defer done()
	for d, err := range az.Dossiers(ctx, bob, accountancy.EnterPortal, model.Domain{}) {
		check(err)
		fmt.Println(d)
	}
	// Output: acme/bakery
}

func ExampleAuthz_Subjects() {
	az, done := open()
	defer done()
	for u, err := range az.Subjects(ctx, bakery, accountancy.ViewFigure, model.UserID{}) {
		check(err)
		fmt.Println(u)
	}
	// Output:
	// ann
	// bob
}

func ExampleAuthz_Scope() {
	az, db, done := openDB()
	defer done()
	// The host has a table of files; each belongs to a dossier.
	type File struct {
		ID                     int
		Tenant, Dossier, Title string
	}
	check(db.AutoMigrate(&File{}))
	brewery := must(az.CreateDossier(ctx, authz.By(ann), acme, authz.Dossier{Name: "Brewery"}))
	check(db.Create([]File{
		{1, "acme", "bakery", "Invoice 1"}, {2, "acme", brewery.ID.String(), "Contract"}, {3, "acme", "bakery", "Invoice 2"},
	}).Error)

	for _, user := range []model.UserID{ann, bob, emma} {
		scope := must(az.Scope(ctx, user, accountancy.ViewDocument))
		var titles []string
		check(db.Model(&File{}).Scopes(scope.On("tenant", "dossier")).Order("id").Limit(2).Pluck("title", &titles).Error)
		var n int64
		check(db.Model(&File{}).Scopes(scope.On("tenant", "dossier")).Count(&n).Error)
		fmt.Println(user, titles, "of", n)
	}

	// The same in plain SQL, here for a table that is joined.
	where, args, err := must(az.Scope(ctx, bob, accountancy.ViewDocument)).SQL("f.tenant", "f.dossier")
	check(err)
	var n int
	check(db.Raw("SELECT COUNT(*) FROM files AS f WHERE "+where, args...).Scan(&n).Error)
	fmt.Println(n)
	// Output:
	// ann [Invoice 1 Contract] of 3
	// bob [Invoice 1 Invoice 2] of 2
	// emma [] of 0
	// 2
}

func ExampleAuthz_Places() {
	az, done := open()
	defer done()
	for place, err := range az.Places(ctx, bob, model.Domain{}) {
		check(err)
		fmt.Printf("%v %q %q\n", place.Domain, place.Tenant, place.Dossier)
		for _, p := range place.Profiles {
			fmt.Println("-", p.Labels.In("nl"))
		}
	}
	// Output:
	// acme/ "Acme" ""
	// acme/bakery "Acme" "Bakery"
	// - Volledige toegang
}

func ExampleAuthz_DeactivateMember() {
	az, done := open()
	defer done()
	check(az.DeactivateMember(ctx, authz.By(ann).Because("long leave"), acme, emma))
	fmt.Println(must(az.Explain(ctx, emma, office.Domain(), accountancy.CreateDossier)).Reason())
	check(az.ReactivateMember(ctx, authz.By(ann), acme, emma))
	fmt.Println(az.Enforce(ctx, emma, office.Domain(), accountancy.CreateDossier))
	// Output:
	// missing membership
	// true <nil>
}

func ExampleAuthz_Advice() {
	az, done := open()
	defer done()
	fmt.Println(must(az.Advice(ctx, authz.By(ann), bakery)))
	// Output: [acme/bakery: nobody holds the profile administrator]
}

func ExampleAuthz_Ledger() {
	az, done := open()
	defer done()
	check(az.SetModule(ctx, authz.By(ann).Because("order 7"), bakery, accountancy.ModulePayment, true))
	revision := must(az.Revision(ctx, acme))
	for _, e := range must(az.Ledger(ctx, authz.By(ann), acme, revision-1, 10)) {
		fmt.Println(e.At.Format(time.DateOnly), e.Actor, e.Action, e.Reason, e.Added)
	}
	fmt.Println(az.VerifyLedger(ctx, acme))
	// Output:
	// 2026-01-05 user:ann set module order 7 [g2, acme/bakery, module:payment]
	// <nil>
}

func ExampleAuthz_Transaction() {
	az, done := open()
	defer done()
	// A dossier and the host's own row of it, or neither.
	err := az.Transaction(ctx, func(tx *authz.Tx) error {
		d, err := tx.CreateDossier(ctx, authz.By(ann), acme, authz.Dossier{Name: "Brewery"})
		if err != nil {
			return err
		}
		return tx.DB().Exec("INSERT INTO ledgers_of_the_host (dossier) VALUES (?)", d.ID).Error
	})
	fmt.Println(err != nil) // the host has no such table
	n := 0
	for range az.Dossiers(ctx, ann, accountancy.SeeDossier, model.Domain{}) {
		n++
	}
	fmt.Println(n)
	// Output:
	// true
	// 1
}

func ExampleAuthz_CreateTenant() {
	az, done := open()
	defer done()
	tenant := must(az.CreateTenant(ctx, authz.System, authz.Tenant{Name: "Globex", Email: "office@globex.example"}))
	gina := must(az.AddPerson(ctx, authz.System, authz.Person{
		FirstName: "Gina", LastName: "Maes", Addresses: []authz.Address{{Email: "gina@globex.example"}},
	}))
	check(az.AddMember(ctx, authz.System, tenant.Domain(),
		authz.NewMember{User: gina.ID, Profiles: []model.Profile{accountancy.Admin}}))
	fmt.Println(az.Enforce(ctx, gina.ID, tenant.Domain(), accountancy.EditTenant))
	fmt.Println(az.Enforce(ctx, gina.ID, bakery, accountancy.ViewFigure)) // another office's
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleAuthz_CreateDossier() {
	az, done := open()
	defer done()
	// Emma is an employee: she may add a client, and names herself its manager.
	d := must(az.CreateDossier(ctx, authz.By(emma), acme, authz.Dossier{
		Name: "Garage", Modules: []model.Module{accountancy.ModulePayment}, Private: true, Manager: emma,
	}))
	fmt.Println(d.Configuration, d.Private)
	fmt.Println(az.Enforce(ctx, emma, d.Domain, accountancy.ViewFigure))
	fmt.Println(az.Enforce(ctx, ann, d.Domain, accountancy.SeeDossier))
	// Output:
	// C true
	// true <nil>
	// false <nil>
}

func ExampleAuthz_Withdraw() {
	az, done := open()
	defer done()
	check(az.Withdraw(ctx, authz.By(ann), model.UserSubject(bob), accountancy.FullAccess, bakery))
	fmt.Println(az.Enforce(ctx, bob, bakery, accountancy.ViewFigure))
	// Output: false <nil>
}

func ExampleAuthz_AddContact() {
	az, done := open()
	defer done()
	carla := must(az.AddContact(ctx, authz.By(ann), bakery, authz.NewContact{
		FirstName: "Carla", LastName: "Baker", Phone: "0470 12 34 56", Country: "BE",
		Addresses: []authz.ContactAddress{
			{Email: "carla@bakery.example", Label: "work", Login: true, Notify: true},
			{Email: "carla@home.example", Sync: true},
		},
	}))
	for _, c := range must(az.Contacts(ctx, authz.By(ann), bakery)) {
		fmt.Println(c.FirstName, c.LastName, c.Phone, c.Member)
		for _, a := range c.Addresses {
			fmt.Println(a.Email, a.Login, a.Notify, a.Sync, a.State)
		}
	}
	fmt.Println(az.Enforce(ctx, carla, bakery, accountancy.EnterPortal))
	// Output:
	// Carla Baker +32470123456 invited
	// carla@bakery.example true true false invited
	// carla@home.example false false true not invited
	// false <nil>
}

func ExampleAuthz_SetSwitch() {
	az, done := open()
	defer done()
	carla := must(az.AddContact(ctx, authz.By(ann), bakery, authz.NewContact{
		FirstName: "Carla", LastName: "Baker", Addresses: []authz.ContactAddress{{Email: "carla@bakery.example"}},
	}))
	check(az.SetSwitch(ctx, authz.By(ann), bakery, carla, "carla@bakery.example", authz.Sync, true))
	fmt.Println(must(az.Synced(ctx, bakery))[0].Email)
	check(az.SetSwitch(ctx, authz.By(ann), bakery, carla, "carla@bakery.example", authz.Login, true))
	for _, inv := range must(az.Invitations(ctx, authz.By(ann), bakery, model.InvitationID{}, 10)) {
		fmt.Println(inv.Email, inv.State, inv.Grants[0].Profile)
	}
	// Output:
	// carla@bakery.example
	// carla@bakery.example pending administrator
}

func ExampleAuthz_MoveAddress() {
	az, done := open()
	defer done()
	carla := must(az.AddContact(ctx, authz.By(ann), bakery, authz.NewContact{
		FirstName: "Carla", LastName: "Baker", Addresses: []authz.ContactAddress{{Email: "carla@bakery.example", Login: true}},
	}))
	// Nothing was accepted yet: there is no access to move.
	err := az.MoveAddress(ctx, authz.By(ann), bakery, carla, "carla@bakery.example", "carla@home.example")
	fmt.Println(errors.Is(err, authz.ErrConflict))
	check(az.ChangeAddress(ctx, authz.By(ann), bakery, carla, "carla@bakery.example", "carla@home.example"))
	a := must(az.Contacts(ctx, authz.By(ann), bakery))[0].Addresses[0]
	fmt.Println(a.Email, a.State)
	// Output:
	// true
	// carla@home.example invited
}

func ExampleAuthz_AddTeamMember() {
	az, done := open()
	defer done()
	north := must(az.CreateTeam(ctx, authz.By(ann), acme, authz.Team{Name: "North", Email: "north@acme.example"}))
	check(az.Assign(ctx, authz.By(ann), bakery, authz.Group(north.ID)))
	check(az.AddTeamMember(ctx, authz.By(ann), acme, north.ID, emma))
	fmt.Println(az.Enforce(ctx, emma, bakery, accountancy.ViewFigure))
	// Output: true <nil>
}
