package authz_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/sophia"
)

// The users of a company that orders from a steel supplier, run by the company itself.
func TestSophia(t *testing.T) {
	s, ctx := tell(t, sophia.Pack()), t.Context()

	// How accounts are built up. A company comes into being when its first user registers,
	// and that user runs it (SOP-01).
	company, hanna := s.register("Van Dam Metal", "Hanna", "van Dam", "hanna@vandam.example")
	s.can(hanna, company, model.ViewMember, model.InviteMember, model.RemoveMember, sophia.PlaceOrder)
	s.post() // it takes no invitation

	// The right to view invoices is announced, and withheld: nobody has it, nobody can offer
	// it (SOP-04).
	s.cannot(hanna, company, sophia.ViewInvoice)
	_, err := s.az.Invite(ctx, authz.By(hanna), company.Tenant(), offer("pim@vandam.example", company, sophia.ViewInvoices))
	require.ErrorIs(t, err, authz.ErrDenied)

	// Adding users: first name, last name, address and the rights to give (SOP-02, SOP-07). A
	// mail goes to the address, with a link that confirms it.
	s.invite(hanna, "Bram Bos", "bram@vandam.example", company, sophia.PlaceOrders)
	s.post("bram@vandam.example")
	require.Contains(t, s.box.Last(t, "bram@vandam.example").Text, "until 6 January 2026, 12:00")
	offered, err := s.az.Invited(ctx, s.box.Token(t, "bram@vandam.example"))
	s.done(err)
	require.Equal(t, []string{"Van Dam Metal", "Hanna van Dam", "Bram", "Bos"}, []string{offered.Name, offered.Inviter, offered.FirstName, offered.LastName})
	require.True(t, offered.User.IsZero(), "an account is to be made")

	// In the window that the link opens go salutation, phone number and password, which is the
	// host's own; then the account is active (SOP-07).
	password := ""
	inv, err := s.az.Accept(ctx, s.box.Token(t, "bram@vandam.example"), authz.Acceptance{
		Salutation: "Mr", Phone: "06 12345678", Country: "NL",
		Account: func(_ context.Context, _ *authz.Tx, p authz.Person) error {
			password = "set for " + p.FirstName
			return nil
		},
	})
	s.done(err)
	bram := inv.User
	require.Equal(t, "set for Bram", password)
	p, err := s.az.Person(ctx, authz.By(bram), bram)
	s.done(err)
	require.Equal(t, []string{"Mr", "+31612345678"}, []string{p.Salutation, p.Phone})
	require.False(t, p.Addresses[0].Verified.IsZero(), "the link confirmed it")
	s.can(bram, company, sophia.PlaceOrder)
	s.cannot(bram, company, model.ViewMember, model.InviteMember)
	require.Equal(t, authz.Active, s.member(hanna, bram, company).State)

	// The list has all users of the company, for who may change rights (SOP-05).
	all, err := s.az.Members(ctx, authz.By(hanna), company)
	s.done(err)
	require.Len(t, all, 2)
	_, err = s.az.Members(ctx, authz.By(bram), company)
	require.ErrorIs(t, err, authz.ErrDenied)

	// Removing users. It is for the host to ask whether that was meant; then the user is shown
	// struck through, and the account is not active (SOP-08).
	carla := s.join(hanna, "Carla Claes", "carla@vandam.example", company, sophia.PlaceOrders)
	s.can(carla, company, sophia.PlaceOrder)
	s.done(s.az.DeactivateMember(ctx, authz.By(hanna), company.Tenant(), carla))
	s.cannot(carla, company, sophia.PlaceOrder, model.EditSelf)
	require.Equal(t, authz.Deactivated, s.member(hanna, carla, company).State)
	require.Equal(t, "Carla", s.member(hanna, carla, company).FirstName)
	require.ErrorIs(t, s.az.DeactivateMember(ctx, authz.By(bram), company.Tenant(), hanna), authz.ErrDenied)

	// Giving rights. Each is a switch of its own, on or off, in force at once (SOP-03, SOP-06):
	// with one, with two, and with none, which leaves the own profile (SOP-03).
	s.done(s.give(hanna, bram, sophia.ChangeRights, company))
	s.can(bram, company, sophia.PlaceOrder, model.InviteMember)
	s.done(s.take(hanna, bram, sophia.PlaceOrders, company))
	s.cannot(bram, company, sophia.PlaceOrder)
	s.can(bram, company, model.InviteMember)
	s.done(s.take(hanna, bram, sophia.ChangeRights, company))
	s.cannot(bram, company, sophia.PlaceOrder, model.InviteMember)
	s.can(bram, company, model.EditSelf)
	s.post() // and nobody is told (SOP-06)

	// Rights are switched for other users: nobody gives or takes their own (SOP-05).
	s.done(s.give(hanna, bram, sophia.ChangeRights, company))
	require.ErrorIs(t, s.give(bram, bram, sophia.PlaceOrders, company), authz.ErrDenied)
	require.ErrorIs(t, s.take(bram, bram, sophia.ChangeRights, company), authz.ErrDenied)

	// Somebody is left who may change rights (SOP-10): with Bram, Hanna's can be taken; then
	// Bram's cannot, whoever tries, nor can Bram be removed.
	s.done(s.take(bram, hanna, sophia.ChangeRights, company))
	require.ErrorIs(t, s.az.Withdraw(ctx, authz.System, model.UserSubject(bram), sophia.ChangeRights, company), authz.ErrConflict)
	require.ErrorIs(t, s.az.DeactivateMember(ctx, authz.System, company.Tenant(), bram), authz.ErrConflict)
	s.done(s.give(bram, hanna, sophia.ChangeRights, company))

	// Account settings have two sections, each saved by itself (SOP-09): one's own profile, and
	// the company's details. What the library does not keep of a company, such as where it is,
	// the host writes in the same transaction.
	p.LastName, p.Phone = "Bos-de Wit", "+31 6 87654321"
	s.done(s.az.EditPerson(ctx, authz.By(bram), p))
	p, err = s.az.Person(ctx, authz.By(bram), bram)
	s.done(err)
	require.Equal(t, []string{"Bos-de Wit", "+31687654321"}, []string{p.LastName, p.Phone})
	require.ErrorIs(t, s.az.EditPerson(ctx, authz.By(hanna), p), authz.ErrNotFound, "somebody else's profile")
	moved := authz.Tenant{ID: company.Tenant(), Name: "Van Dam Steel", Email: "info@vandam.example"}
	s.done(s.az.Transaction(ctx, func(tx *authz.Tx) error {
		if err := tx.EditTenant(ctx, authz.By(hanna), moved); err != nil {
			return err
		}
		return tx.DB().Exec("CREATE TABLE premises AS SELECT 'Dock 7' AS street").Error
	}))
	found, err := s.az.Tenant(ctx, authz.By(bram), company.Tenant())
	s.done(err)
	require.Equal(t, []string{"Van Dam Steel", "info@vandam.example"}, []string{found.Name, found.Email})
	s.done(s.take(hanna, bram, sophia.ChangeRights, company))
	require.ErrorIs(t, s.az.EditTenant(ctx, authz.By(bram), moved), authz.ErrDenied, "who may not change rights")

	// The right to view invoices is released: one row of the policy, with a higher version
	// (SOP-04). From then on it is given like the others.
	require.ErrorIs(t, s.give(hanna, bram, sophia.ViewInvoices, company), authz.ErrDenied)
	released := editedPack(t, sophia.Files(), "sophia", "\n# g2, *, released", "\ng2, *, released",
		"pack,       sophia,                 ,               1,", "pack,       sophia,                 ,               2,")
	_, err = s.az.Publish(ctx, authz.System, released)
	s.done(err)
	s.done(s.give(hanna, bram, sophia.ViewInvoices, company))
	s.done(s.give(hanna, bram, sophia.PlaceOrders, company))
	s.done(s.give(hanna, bram, sophia.ChangeRights, company)) // all three
	s.can(bram, company, sophia.ViewInvoice, sophia.PlaceOrder, model.InviteMember)
	s.cannot(hanna, company, sophia.ViewInvoice)
	s.post()
	s.sealed(company, hanna, bram, carla)
}
