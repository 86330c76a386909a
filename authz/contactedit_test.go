package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Whom a tenant keeps it edits, until it is an account: then it edits itself.
func TestEditContact(t *testing.T) {
	t.Parallel()
	eachPractice(t, func(t *testing.T, o *practice) {
		ctx := t.Context()
		jan := o.add(t, o.d1, login("jan@home.example"))
		next := authz.Person{ID: jan, FirstName: "Johannes", LastName: "Smits", Salutation: "Dr", Locale: "de", Phone: "06 12345678", Country: "NL",
			Addresses: []authz.Address{{Email: "evil@home.example", Verified: o.now()}}}
		require.NoError(t, o.az.EditContact(ctx, o.by, o.d1, next))
		is := func() {
			t.Helper()
			got, err := o.az.Person(ctx, system, jan)
			require.NoError(t, err)
			require.Equal(t, "jan@home.example", got.Addresses[0].Email)
			got.Addresses = nil
			require.Equal(t, authz.Person{ID: jan, FirstName: "Johannes", LastName: "Smits", Salutation: "Dr", Locale: "de", Phone: "+31612345678"}, got)
		}
		is()

		o.accept(t, "jan@home.example", model.UserID{}) // the invitation has the new name, too
		is()
		next.FirstName = "Piet"
		requireIs(t, o.az.EditContact(ctx, o.by, o.d1, next), authz.ErrDenied, "an account")
		requireIs(t, o.az.EditContact(ctx, system, o.d1, next), authz.ErrDenied, "an account, by the system")
		is()
	})
}

// A11: nobody renames a contact who holds more than they may give.
func TestEditContactWhoIsStronger(t *testing.T) {
	t.Parallel()
	o, ctx := newFixture(t), t.Context()
	require.NoError(t, o.az.SetSetting(ctx, authz.System, o.tenant, accountancy.SettingSelfServiceUsers, true))
	kim, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{
		FirstName: "Kim", LastName: "Kuyper", Addresses: []authz.ContactAddress{{Email: "kim@home.example"}},
	})
	require.NoError(t, err)
	edit := func() error {
		return o.az.EditContact(ctx, authz.By(o.carl), o.d1, authz.Person{ID: kim, FirstName: "Carl", LastName: "Claes"})
	}
	require.NoError(t, edit())
	require.NoError(t, o.az.AddMember(ctx, authz.System, o.home, authz.NewMember{User: kim, Profiles: []model.Profile{accountancy.Admin}}))
	requireIs(t, edit(), authz.ErrDenied, "an admin")
}
