package authz_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// mailed stands for the mail: in it is the token, and nowhere else.
func mailed(az *authz.Authz, inv authz.Invitation) string { return must(authz.Token(ctx, az, inv.ID)) }

func ExampleAuthz_Register() {
	az, done := open()
	defer done()
	made, err := az.Register(ctx, authz.System, authz.Registration{
		Tenant: authz.Tenant{Name: "Beta"},
		Person: authz.Person{FirstName: "Bea", LastName: "Maes"},
		Account: func(ctx context.Context, tx *authz.Tx, p authz.Person) error {
			fmt.Println("a password for", p.FirstName) // a row of the host's, through tx.DB()
			return nil
		},
	})
	fmt.Println(made.Tenant.Name, err)
	fmt.Println(az.Enforce(ctx, made.Person.ID, made.Tenant.Domain(), model.InviteMember))
	// Output:
	// a password for Bea
	// Beta <nil>
	// true <nil>
}

func ExampleAuthz_Invite() {
	az, done := open()
	defer done()
	inv, err := az.Invite(ctx, authz.By(ann), acme, authz.NewInvitation{
		FirstName: "Cora", LastName: "Claes", Email: "cora@bakery.example", Locale: "nl",
		Grants: []authz.InvitedGrant{{Domain: bakery, Profile: accountancy.FullAccess}},
	})
	fmt.Println(inv.State, err)
	// One may offer what one may grant.
	_, err = az.Invite(ctx, authz.By(bob), acme, authz.NewInvitation{
		FirstName: "Dirk", LastName: "Daems", Email: "dirk@bakery.example",
		Grants: []authz.InvitedGrant{{Domain: bakery, Profile: accountancy.FullAccess}},
	})
	fmt.Println(errors.Is(err, authz.ErrDenied))
	for _, inv := range must(az.Invitations(ctx, authz.By(ann), bakery, model.InvitationID{}, 100)) {
		fmt.Println(inv.FirstName, inv.Email, inv.State, inv.Expires.Format("2 January"))
	}
	// Output:
	// pending <nil>
	// true
	// Cora cora@bakery.example pending 12 January
}

func ExampleAuthz_Accept() {
	az, done := open()
	defer done()
	inv := must(az.Invite(ctx, authz.By(ann), acme, authz.NewInvitation{
		FirstName: "Cora", LastName: "Claes", Email: "cora@bakery.example",
		Grants: []authz.InvitedGrant{{Domain: bakery, Profile: accountancy.FullAccess}},
	}))
	token := mailed(az, inv)

	// The page behind the link uses nothing up.
	offer := must(az.Invited(ctx, token))
	fmt.Printf("%s invites you to %s: %s of %s\n", offer.Inviter, offer.Name, offer.Grants[0].Labels.In("en"), offer.Grants[0].Dossier)
	fmt.Println("sign in first:", !offer.User.IsZero())

	// The form on it does.
	inv, err := az.Accept(ctx, token, authz.Acceptance{
		Salutation: "Mrs", Phone: "0470 12 34 56", Country: "BE",
		Account: func(ctx context.Context, tx *authz.Tx, p authz.Person) error {
			fmt.Println("a password for", p.Addresses[0].Email)
			return nil
		},
	})
	fmt.Println(inv.State, err)
	fmt.Println(az.Enforce(ctx, inv.User, bakery, accountancy.ViewFigure))
	_, err = az.Accept(ctx, token, authz.Acceptance{})
	fmt.Println(errors.Is(err, authz.ErrExpired))
	// Output:
	// Ann Peeters invites you to Acme: Full access of Bakery
	// sign in first: false
	// a password for cora@bakery.example
	// accepted <nil>
	// true <nil>
	// true
}

func ExampleAuthz_InviteAll() {
	az, done := open()
	defer done()
	file := strings.NewReader(`first_name,last_name,email,dossier,profile
Cora,Claes,cora@bakery.example,bakery,full_access
Dirk,Daems,dirk@bakery.example,butcher,full_access
Els,Evers,els@bakery.example,,employee
`)
	lines, err := authz.ReadInvitations("people.csv", file, acme)
	check(err)
	report, err := az.InviteAll(ctx, authz.By(ann), acme, lines, authz.Bulk{File: "people.csv", LineByLine: true})
	fmt.Println(len(report.Invited), "invited")
	for _, failed := range report.Failed {
		fmt.Println(failed)
	}
	fmt.Println(err != nil)
	// Output:
	// 2 invited
	// people.csv:3: dossier acme/butcher: not found
	// true
}
