// Command hello is the program of the README: an office, an admin, a dossier,
// a client user, and the answers.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

func main() {
	ctx := context.Background()
	az := must(authz.Open(ctx, must(authz.OpenSQLite("portal.db")), authz.Config{Pack: accountancy.Pack()}))
	defer az.Close()

	// The host makes an office and two people, and Ann the office's admin.
	office := must(az.CreateTenant(ctx, authz.System, authz.Tenant{Name: "Acme Accountants"}))
	ann := must(az.AddPerson(ctx, authz.System, authz.Person{FirstName: "Ann", LastName: "Peeters"}))
	bob := must(az.AddPerson(ctx, authz.System, authz.Person{FirstName: "Bob", LastName: "Baker"}))
	check(az.AddMember(ctx, authz.System, office.Domain(),
		authz.NewMember{User: ann.ID, Profiles: []model.Profile{accountancy.Admin}}))

	// Ann does the rest: a dossier, with Bob as its client user.
	bakery := must(az.CreateDossier(ctx, authz.By(ann.ID), office.ID, authz.Dossier{Name: "Bakery"}))
	check(az.AddMember(ctx, authz.By(ann.ID), bakery.Domain,
		authz.NewMember{User: bob.ID, Profiles: []model.Profile{accountancy.FullAccess}}))
	fmt.Println("Bob sees the figures:", must(az.Enforce(ctx, bob.ID, bakery.Domain, accountancy.ViewFigure)))

	// Under configuration B no client user sees figures, whatever the profile.
	check(az.Configure(ctx, authz.By(ann.ID), bakery.Domain, accountancy.ConfigurationB))
	fmt.Println("Bob sees the figures:", must(az.Enforce(ctx, bob.ID, bakery.Domain, accountancy.ViewFigure)))
	fmt.Println(must(az.Explain(ctx, bob.ID, bakery.Domain, accountancy.ViewFigure)).Reason())

	// Nobody does more than the policy lets them.
	_, err := az.CreateDossier(ctx, authz.By(bob.ID), office.ID, authz.Dossier{Name: "Brewery"})
	if denied := new(authz.DeniedError); errors.As(err, &denied) {
		fmt.Println("denied:", denied.Decision.Reason())
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
