package authz_test

import (
	"context"
	"errors"
	"strings"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Addresses of carl as a contact of dOne, and of emil.
const (
	ePending  = "carl@pending.example"
	eAccepted = "carl@accepted.example"
	eQuiet    = "emil@quiet.example"
)

// populateContacts makes carl and emil contacts of dOne, and carl's second
// address one that was accepted; and emil one of the tenant at an address of his own.
func populateContacts(tx *authz.Tx) error {
	ctx := context.Background()
	_, err := tx.AddContact(ctx, system, dOne, authz.NewContact{User: uCarl, Addresses: []authz.ContactAddress{login(ePending), login(eAccepted)}})
	if err != nil {
		return err
	}
	if _, err = tx.AddContact(ctx, system, dOne, authz.NewContact{User: uEmil, Addresses: []authz.ContactAddress{{Email: eQuiet}}}); err != nil {
		return err
	}
	if _, err = tx.AddContact(ctx, system, home(tAcme), authz.NewContact{User: uEmil, Addresses: []authz.ContactAddress{{Email: verified(uEmil)}}}); err != nil {
		return err
	}
	return tx.DB().Model(&store.Contact{}).Where("canonical = ?", eAccepted).Update("accepted", store.At(noon())).Error
}

func readContacts(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
	return az.Contacts(ctx, by, in)
}

func contactOperations() []operation {
	fresh := func(ctx context.Context, az *authz.Authz, c call) error {
		n := authz.NewContact{FirstName: c.text, LastName: c.text, Locale: c.locale, Phone: "+32 470 12 34 56",
			Addresses: []authz.ContactAddress{{Email: "first@new.example", Label: "work"}, {Email: c.email, Notify: true}}}
		if c.contact != nil {
			c.contact(&n)
		}
		_, err := az.AddContact(ctx, c.by, c.domain, n)
		return err
	}
	known := func(ctx context.Context, az *authz.Authz, c call) error {
		_, err := az.AddContact(ctx, c.by, c.domain, authz.NewContact{
			User: c.user, FirstName: c.text, Addresses: []authz.ContactAddress{{Email: c.email, Login: true}}})
		return err
	}
	set := func(s authz.Switch, on bool) func(ctx context.Context, az *authz.Authz, c call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			s := s
			if c.text != "" {
				s = authz.Switch(c.text)
			}
			return az.SetSwitch(ctx, c.by, c.domain, c.user, c.email, s, on)
		}
	}
	from := func(do func(*authz.Authz, context.Context, authz.Actor, model.Domain, model.UserID, string, string) error) func(context.Context, *authz.Authz, call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			return do(az, ctx, c.by, c.domain, c.user, c.email, "carl@next.example")
		}
	}
	to := func(start string, do func(*authz.Authz, context.Context, authz.Actor, model.Domain, model.UserID, string, string) error) func(context.Context, *authz.Authz, call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			return do(az, ctx, c.by, c.domain, c.user, start, c.email)
		}
	}
	// edit makes the contact, whom the tenant keeps, unless another one is named. Where
	// it is closed there is none.
	edit := func(ctx context.Context, az *authz.Authz, c call) error {
		p := authz.Person{ID: c.user, FirstName: c.text, LastName: c.text, Locale: c.locale}
		var none error
		err := az.Transaction(ctx, func(tx *authz.Tx) error {
			if c.user.IsZero() {
				p.ID, none = tx.AddContact(ctx, system, dOne, authz.NewContact{FirstName: "F", LastName: "L",
					Addresses: []authz.ContactAddress{{Email: "kim@kept.example"}}})
			}
			if none != nil {
				return none
			}
			return tx.EditContact(ctx, c.by, c.domain, p)
		})
		if errors.Is(none, authz.ErrConflict) {
			p.ID = uNina
			err = az.EditContact(ctx, c.by, c.domain, p)
		}
		return err
	}
	carl := func(email string) call { return call{by: admin, domain: dOne, user: uCarl, email: email} }
	emil := call{by: admin, domain: dOne, user: uEmil, email: eQuiet}
	with := func(name string, want error, change func(*call)) refusal {
		return refusal{name: name, want: want, change: change}
	}
	twice := with("an address twice", authz.ErrInvalid, func(c *call) { c.email = "FIRST@new.example" })
	taken := with("an address of a contact", authz.ErrConflict, func(c *call) { c.email = strings.ToUpper(ePending[:1]) + ePending[1:] })
	elsewhere := with("a place without it", authz.ErrNotFound, func(c *call) { c.domain = dTwo })
	inTenant := with("a tenant without it", authz.ErrNotFound, func(c *call) { c.domain = home(tAcme) })
	noSwitch := with("no such switch", authz.ErrInvalid, func(c *call) { c.text = "door" })
	mine := append(addressRefusals(), elsewhere, inTenant)
	itself := func(do func(*call)) refusal {
		return with("oneself", authz.ErrDenied, func(c *call) { c.user = uAnn; do(c) })
	}
	malformed := func(name string, change func(*authz.NewContact)) refusal {
		return with(name, authz.ErrInvalid, func(c *call) { c.contact = change })
	}
	return []operation{
		{method: "AddContact", variant: "to a dossier", do: fresh, takes: aDossier | aText | anEmail,
			valid: call{by: admin, domain: dOne, text: "Fien", email: "fien@new.example", locale: "nl"},
			more: append(localeRefusals(), twice, taken,
				malformed("no address", func(n *authz.NewContact) { n.Addresses = nil }),
				malformed("a phone number of nowhere", func(n *authz.NewContact) { n.Phone = "0470 12 34 56" }),
				malformed("a label that is none", func(n *authz.NewContact) { n.Addresses[1].Label = "a\nb" }),
				malformed("a salutation that is none", func(n *authz.NewContact) { n.Salutation = "a\nb" }),
				malformed("a note that is none", func(n *authz.NewContact) { n.Note, n.Addresses[0].Login = "a\x00b", true }),
				malformed("profiles that would be access", func(n *authz.NewContact) { n.Profiles = []model.Profile{accountancy.FullAccess} }))},
		{method: "AddContact", variant: "to a tenant", do: fresh, takes: aTenant | aText | anEmail,
			valid: call{by: admin, domain: home(tAcme), text: "Fien", email: "fien@new.example"}, more: []refusal{twice}},
		{method: "AddContact", variant: "who is known", do: known, takes: aDossier | anActive | anEmail,
			valid: call{by: admin, domain: dTwo, user: uEmil, email: "emil@new.example"},
			more: []refusal{itself(func(*call) {}),
				with("a name", authz.ErrInvalid, func(c *call) { c.text = "Other" }),
				with("login in a tenant of this pack", authz.ErrInvalid, func(c *call) { c.domain = home(tAcme) })}},
		{method: "SetSwitch", variant: "login on", do: set(authz.Login, true), takes: aDossier | aMember | anEmail, valid: emil, more: append(mine, noSwitch)},
		{method: "SetSwitch", variant: "login off", do: set(authz.Login, false), takes: aDossier | aMember | anEmail, valid: carl(ePending), more: mine},
		{method: "SetSwitch", variant: "login of an accepted one off", do: set(authz.Login, false), takes: aDossier, valid: carl(eAccepted)},
		{method: "SetSwitch", variant: "notify", do: set(authz.Notify, true), takes: aDossier | aMember | anEmail, valid: emil, more: append(mine, noSwitch)},
		{method: "SetSwitch", variant: "sync", do: set(authz.Sync, true), takes: aDossier | aMember | anEmail, valid: emil, more: mine},
		{method: "ChangeAddress", variant: "from", do: from((*authz.Authz).ChangeAddress), takes: aDossier | aMember | anEmail, valid: carl(ePending),
			more: append(mine, with("an accepted one", authz.ErrConflict, func(c *call) { c.email = eAccepted }))},
		{method: "ChangeAddress", variant: "to", do: to(ePending, (*authz.Authz).ChangeAddress), takes: aDossier | anEmail, valid: carl("carl@next.example"),
			more: []refusal{with("another's", authz.ErrConflict, func(c *call) { c.email = eQuiet }),
				with("another of one's own", authz.ErrConflict, func(c *call) { c.email = eAccepted })}},
		{method: "MoveAddress", variant: "from", do: from((*authz.Authz).MoveAddress), takes: aDossier | aMember | anEmail, valid: carl(eAccepted),
			more: append(mine, with("a pending one", authz.ErrConflict, func(c *call) { c.email = ePending }))},
		{method: "MoveAddress", variant: "to", do: to(eAccepted, (*authz.Authz).MoveAddress), takes: aDossier | anEmail, valid: carl("carl@next.example"),
			more: []refusal{with("another's", authz.ErrConflict, func(c *call) { c.email = eQuiet }),
				with("itself", authz.ErrConflict, func(c *call) { c.email = eAccepted })}},
		{method: "MoveAddress", variant: "to a pending one", do: to(eAccepted, (*authz.Authz).MoveAddress), takes: aDossier, valid: carl(ePending)},
		{method: "EditContact", do: edit, takes: aDossier | aText, valid: call{by: admin, domain: dOne, text: "Kim", locale: "nl"},
			more: append(localeRefusals(), elsewhere, inTenant,
				with("one with an account", authz.ErrDenied, func(c *call) { c.user = uCarl }),
				with("another tenant's", authz.ErrNotFound, func(c *call) { c.user = uBea }))},
		{method: "RemoveContact", takes: aDossier | aMember, valid: carl(""), more: []refusal{elsewhere, inTenant},
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.RemoveContact(ctx, c.by, c.domain, c.user)
			}},
		{method: "RemoveContactAddress", takes: aDossier | aMember | anEmail, valid: emil, more: mine,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.RemoveContactAddress(ctx, c.by, c.domain, c.user, c.email)
			}},
	}
}
