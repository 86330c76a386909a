package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
)

// A person is read back as it was written, the phone number in one form.
func TestPersonIsKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s, ctx := setScene(t, db), t.Context()
		p := authz.Person{ID: parsedUser("u-fien"), FirstName: "Fien", LastName: "Maes", Salutation: "Dr", Locale: "nl-BE", Phone: "0470/12.34.56", Country: "BE",
			Addresses: []authz.Address{{Email: "Fien@Work.example", Label: "work"}, {Email: "fien@home.example", Label: "on the boat", Verified: noon()}}}
		made, err := s.az.AddPerson(ctx, system, p)
		require.NoError(t, err)
		p.Phone, p.Country = "+32470123456", ""
		require.Equal(t, p, made)
		is := func(want authz.Person) {
			t.Helper()
			got, err := s.az.Person(ctx, system, want.ID)
			require.NoError(t, err)
			want.Addresses = append([]authz.Address(nil), want.Addresses...)
			require.ElementsMatch(t, want.Addresses, got.Addresses)
			want.Addresses, got.Addresses = nil, nil
			require.Equal(t, want, got)
		}
		is(p)

		// Refused as a whole.
		for _, bad := range []authz.Person{
			{ID: p.ID, FirstName: "F", LastName: "M", Phone: "0470 12 34 56"},
			{ID: p.ID, FirstName: "F", LastName: "M", Phone: "12", Country: "BE"},
			{ID: p.ID, FirstName: "F", LastName: "M", Salutation: "a\nb"},
			{ID: p.ID, FirstName: "F", LastName: "M", Addresses: []authz.Address{{Email: "fien@home.example", Label: " x"}}},
			{ID: p.ID, FirstName: "F", LastName: "M", Addresses: []authz.Address{{Email: "none", Label: "x"}}},
		} {
			requireIs(t, s.az.EditPerson(ctx, system, bad), authz.ErrInvalid, bad.Phone)
			is(p)
		}

		// A label is changed at the address that has it, whatever its spelling.
		edit := p
		edit.Salutation, edit.Phone = "", ""
		edit.Addresses = []authz.Address{{Email: "FIEN@work.example", Label: ""}}
		require.NoError(t, s.az.EditPerson(ctx, system, edit))
		p.Salutation, p.Phone, p.Addresses[0].Label = "", "", ""
		is(p)

		found, err := s.az.PersonByAddress(ctx, "FIEN@home.example")
		require.NoError(t, err)
		require.Equal(t, p.ID, found.ID)
		_, err = s.az.PersonByAddress(ctx, "fien@work.example")
		requireIs(t, err, authz.ErrNotFound, "not verified")
		_, err = s.az.PersonByAddress(ctx, "fien")
		requireIs(t, err, authz.ErrInvalid, "no address")
		require.NoError(t, s.az.RemoveAddress(ctx, system, p.ID, "fien@home.example"))
		_, err = s.az.PersonByAddress(ctx, "fien@home.example")
		requireIs(t, err, authz.ErrNotFound, "removed")
	})
}
