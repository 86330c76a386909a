package authz_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

// A kept person is a contact of dTwo at an address that uNina has verified, invited
// there, and at one that nobody has.
type keptPerson struct {
	user  model.UserID
	token string
	other string
}

func (n nodes) keep(t *testing.T, round int) keptPerson {
	t.Helper()
	k := keptPerson{other: fmt.Sprintf("kept%d@person.example", round)}
	var err error
	k.user, err = n.az[0].AddContact(t.Context(), system, dTwo, authz.NewContact{FirstName: "Kim", LastName: "Kuyper",
		Addresses: []authz.ContactAddress{{Email: verified(uNina), Login: true}, {Email: k.other}}})
	require.NoError(t, err)
	var inv store.Invitation
	require.NoError(t, n.db.Where("person = ?", k.user).Take(&inv).Error)
	k.token = n.token(t, model.Must(model.ParseInvitationID(inv.ID)))
	return k
}

// The host verifies an address of a person that a tenant keeps, which makes it an
// account, while the tenant gives its place away or ends it: one was first.
func TestVerifyWhileTakenOver(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, c := range map[string]struct {
		end  func(az *authz.Authz, k keptPerson) error
		both bool // an account can go through it
	}{
		"accepted by another": {func(az *authz.Authz, k keptPerson) error {
			_, err := az.Accept(ctx, k.token, authz.Acceptance{SignedIn: uNina})
			return err
		}, false},
		"removed": {func(az *authz.Authz, k keptPerson) error {
			return az.RemoveMember(ctx, system, home(tAcme), k.user)
		}, true},
		"its address removed": {func(az *authz.Authz, k keptPerson) error {
			return az.RemoveContactAddress(ctx, system, dTwo, k.user, k.other)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				n := newNodes(t, db)
				for round := range rounds() {
					k := n.keep(t, round)
					errs := together(func() error { return n.az[0].VerifyAddress(ctx, system, k.user, k.other) },
						func() error { return c.end(n.az[1], k) })
					if c.both {
						require.NoError(t, errs[1])
					} else {
						require.True(t, (errs[0] == nil) != (errs[1] == nil), errs)
					}
					p, err := n.az[0].PersonByAddress(ctx, k.other)
					if errs[0] == nil {
						require.NoError(t, err, "verified, and gone: %v", errs)
						require.Equal(t, k.user, p.ID)
					} else {
						require.ErrorIs(t, errs[0], authz.ErrNotFound)
						require.ErrorIs(t, err, authz.ErrNotFound)
					}
					n.forget(t, k.user, uNina)
				}
				n.requireSound(t)
			})
		})
	}
}

// forget ends memberships that there may be.
func (n nodes) forget(t *testing.T, who ...model.UserID) {
	t.Helper()
	for _, u := range who {
		if err := n.az[0].RemoveMember(t.Context(), system, home(tAcme), u); err != nil {
			require.ErrorIs(t, err, authz.ErrNotFound)
		}
	}
}

// The control: without the locks of the people, somebody accepts for a person that
// has become an account, and the test above would show it.
func TestVerifyWhileTakenOverControl(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		shown, round := 0, 0
		for ; round < rounds() || shown == 0 && round < 300; round++ {
			k := n.keep(t, round)
			errs := together(func() error { return n.az[0].VerifyAddress(ctx, system, k.user, k.other) }, func() error {
				_, err := authz.AcceptUnlocked(ctx, n.az[1], k.token, authz.Acceptance{SignedIn: uNina})
				return err
			})
			if errs[0] == nil && errs[1] == nil {
				shown++
			}
			n.forget(t, k.user, uNina)
		}
		t.Logf("%d of %d rounds accepted for an account", shown, round)
		require.Positive(t, shown, "they never met: the race proves nothing")
	})
}
