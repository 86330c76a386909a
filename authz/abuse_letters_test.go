package authz_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// Attempted: to come to an address by another mailbox whose name has the same
// canonical form, in all of Unicode. An address is folded letter by letter, so
// names of one letter are all there is to try.
func TestA10NoTwoLettersAreOne(t *testing.T) {
	t.Parallel()
	folded := make(map[string][]rune)
	for r := range unicode.MaxRune + 1 {
		if !unicode.IsGraphic(r) {
			continue // refused, or nothing that has two cases
		}
		if canonical, err := authz.CanonicalEmail(string(r) + "@mail.example"); err == nil {
			folded[canonical] = append(folded[canonical], r)
		} else {
			require.ErrorIs(t, err, authz.ErrInvalid)
		}
	}
	pairs := 0
	for canonical, letters := range folded {
		if len(letters) == 1 {
			continue
		}
		pairs++
		require.Len(t, letters, 2, "%q: %q", canonical, letters)
		lower := []rune(canonical)[0]
		require.ElementsMatch(t, []rune{lower, unicode.ToUpper(lower)}, letters, "%q", canonical)
	}
	require.Greater(t, pairs, 1000, "of upper and lower case")

	for _, local := range []string{"\u0130vo", "ol\u0130via", "\u03f4", "\u01c5", "\u01c8", "\u01cb", "\u01f2", "gro\u1e9e", "\u212aim", "\u2126", "\u212bke"} {
		_, err := authz.CanonicalEmail(local + "@mail.example")
		require.ErrorIs(t, err, authz.ErrInvalid, "%q", local)
		require.ErrorContains(t, err, "a character in it can be taken for another", "%q", local)
	}
	for _, local := range []string{"Ivo", "\u0131vo", "Zo\u00eb", "stra\u00dfe", "\u0398\u03ad\u03c4\u03b9\u03c2", "\u0416\u0430\u043d", "\u01c4", "\uff49vo"} {
		canonical, err := authz.CanonicalEmail(local + "@mail.example")
		require.NoError(t, err, "%q", local)
		require.Equal(t, strings.ToLower(local)+"@mail.example", canonical)
	}
}

// Attempted: by such a letter, to own the address of somebody else, and to get the
// messages of somebody stronger.
func TestA10AnotherMailboxOfTheSameName(t *testing.T) {
	t.Parallel()
	o, ctx := newPractice(t, memory(t)), t.Context()
	_, err := o.az.AddContact(ctx, o.by, o.d1, authz.NewContact{FirstName: "I", LastName: "I", Addresses: []authz.ContactAddress{login("\u0130vo@mail.example")}})
	requireIs(t, err, authz.ErrInvalid, "a contact")
	_, err = o.az.Invite(ctx, o.by, o.firm, authz.NewInvitation{FirstName: "I", LastName: "I", Email: "\u0130vo@mail.example",
		Grants: []authz.InvitedGrant{{Domain: o.d1, Profile: taxdome.Client}}})
	requireIs(t, err, authz.ErrInvalid, "an invitation")
	ivo := model.NewUserID()
	o.add(t, o.d1, login("Ivo@mail.example"))
	inv, err := o.az.Accept(ctx, o.link(t, "ivo@mail.example"), authz.Acceptance{NewUser: ivo})
	require.NoError(t, err, "the control")
	require.Equal(t, ivo, inv.User)

	_, err = o.az.AddContact(ctx, system, o.d1, authz.NewContact{User: o.olga, Addresses: []authz.ContactAddress{{Email: "olivia@copy.example", Notify: true}}})
	require.NoError(t, err)
	change := func(to string) error {
		return o.az.ChangeAddress(ctx, o.by, o.d1, o.olga, "olivia@copy.example", to)
	}
	requireIs(t, change("mia2@copy.example"), authz.ErrDenied, "the rule")
	requireIs(t, change("ol\u0130via@copy.example"), authz.ErrInvalid, "another mailbox")
	require.NoError(t, change("Olivia@copy.example"), "the control: the same one")
}
