package authz

import (
	"context"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// EditContact changes what is known of the contact p.ID of a dossier, or of the
// tenant itself, whom the tenant keeps: names, salutation, locale and phone number,
// everywhere in the tenant, and in invitations that wait. Addresses have methods of
// their own, and those in p are passed over.
//
// It takes "member invite" in the domain, and that the actor may give all that the
// contact holds. Somebody who has an account edits themselves, with
// [Authz.EditPerson]; anybody else is refused with [ErrDenied].
func (az *Authz) EditContact(ctx context.Context, by Actor, in model.Domain, p Person) error {
	return az.writeContact(ctx, by, in, "edit contact", func(c *change) error {
		if p.ID.IsZero() {
			return fmt.Errorf("user is not set: %w", ErrInvalid)
		}
		rows, err := c.contactRows(in, p.ID)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("contact %v of %v: %w", p.ID, in, ErrNotFound)
		}
		kept, err := c.keeps(p.ID)
		if err != nil {
			return err
		}
		if !kept {
			return fmt.Errorf("contact %v has an account, and edits itself: %w", p.ID, ErrDenied)
		}
		if err := c.overHeld(in, p.ID, true); err != nil {
			return err
		}
		p.Addresses = nil
		if err := p.check(); err != nil {
			return err
		}
		c.detail["user"] = p.ID.String()
		err = c.db().Model(&store.Person{}).Where("id = ?", p.ID).
			Select("first_name", "last_name", "salutation", "locale", "phone").Updates(p.row()).Error
		if err != nil {
			return err
		}
		return c.db().Model(&store.Invitation{}).Where("tenant = ? AND person = ? AND state = ?", c.tenant, p.ID, store.Pending).
			Updates(map[string]any{"first_name": p.FirstName, "last_name": p.LastName, "locale": p.Locale}).Error
	})
}
