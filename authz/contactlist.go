package authz

import (
	"context"
	"fmt"
	"slices"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A LoginState tells how far a contact's address has come towards signing in.
type LoginState string

// The states of a login.
const (
	NotInvited    LoginState = "not invited" // or no invitation waits any more
	LoginInvited  LoginState = "invited"     // the access is there once it is accepted
	LoginAccepted LoginState = "accepted"
)

// A Contact is a person with the addresses at which they are reached in one
// place.
type Contact struct {
	User                model.UserID
	FirstName, LastName string
	Salutation, Phone   string
	Member              MemberState
	Addresses           []ContactAddress
}

// Contacts lists the contacts of a dossier, or of the tenant itself, by ID, each
// with all addresses there, their switches, and how far each has come. It takes
// "member view" in the domain.
func (az *Authz) Contacts(ctx context.Context, by Actor, in model.Domain) ([]Contact, error) {
	return read(ctx, az, by, in, model.ViewMember, "contacts", func(q *query) ([]Contact, error) {
		var rows []struct {
			store.Contact
			FirstName, LastName, Salutation, Phone, State string
		}
		err := contactsIn(q.db, in).Select("volmacht_contacts.*, first_name, last_name, salutation, phone, m.state").
			Joins("JOIN volmacht_people p ON p.id = volmacht_contacts.person").
			Joins("JOIN volmacht_members m ON m.tenant = volmacht_contacts.tenant AND m.person = volmacht_contacts.person").
			Order("volmacht_contacts.person, volmacht_contacts.since, canonical").Find(&rows).Error
		if err != nil {
			return nil, err
		}
		pending, err := pendingLogins(q.db, in, q.state.pack.Catalog.LoginProfile(placeOf(in)), az.now())
		if err != nil {
			return nil, err
		}
		var all []Contact
		for _, r := range rows {
			if len(all) == 0 || all[len(all)-1].User != r.Person {
				all = append(all, Contact{
					User: r.Person, FirstName: r.FirstName, LastName: r.LastName,
					Salutation: r.Salutation, Phone: r.Phone, Member: MemberState(r.State),
				})
			}
			last := &all[len(all)-1]
			last.Addresses = append(last.Addresses, ContactAddress{
				Email: r.Typed, Label: r.Label, Login: r.Login, Notify: r.Notify, Sync: r.Sync,
				State: q.state.loginState(in, r.Contact, pending),
			})
		}
		return all, nil
	})
}

// loginState tells how far an address has come. It was accepted only as long as
// the access that was accepted is there.
func (s *state) loginState(in model.Domain, row store.Contact, pending map[string]bool) LoginState {
	login := s.pack.Catalog.LoginProfile(placeOf(in))
	held := s.granted(model.UserSubject(row.Person), in)
	switch {
	case !row.Login:
		return NotInvited
	case row.Accepted != 0 && (slices.Contains(held, login) || login.IsZero() && len(held) > 0):
		return LoginAccepted
	case pending[row.Canonical]:
		return LoginInvited
	}
	return NotInvited
}

// A SyncedAddress is one whose mail the tenant wants beside a dossier.
type SyncedAddress struct {
	User  model.UserID
	Email string // as it was typed
}

// Synced returns the addresses of a domain with Sync on, of contacts who may
// sign in and of those who may not, but not of deactivated members, sorted by
// address. A closed domain has none. It takes no actor: it is for the host that
// fetches the mail. Who may read that is a permission of the pack.
func (az *Authz) Synced(ctx context.Context, in model.Domain) ([]SyncedAddress, error) {
	found, err := az.synced(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("authz: synced: %w", store.Translate(err))
	}
	return found, nil
}

func (az *Authz) synced(ctx context.Context, in model.Domain) ([]SyncedAddress, error) {
	if err := az.ready(); err != nil {
		return nil, err
	}
	q, err := az.query(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := q.exists(in); err != nil || !q.state.isOpen(in) {
		return nil, err
	}
	var rows []store.Contact
	err = contactsIn(q.db, in).Select("volmacht_contacts.*").
		Joins("JOIN volmacht_members m ON m.tenant = volmacht_contacts.tenant AND m.person = volmacht_contacts.person").
		Where("sync AND m.state <> ?", store.Deactivated).Order("canonical").Find(&rows).Error
	if err != nil {
		return nil, err
	}
	var all []SyncedAddress
	for _, r := range rows {
		all = append(all, SyncedAddress{r.Person, r.Typed})
	}
	return all, nil
}
