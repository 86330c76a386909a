package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Invite offers somebody profiles in a tenant. A link is mailed to the
// address; whoever follows it and accepts gets what is offered, if the inviter
// may still give it then: see [Authz.Accept]. Somebody who has an account is
// asked to sign in instead of making another one, and the inviter is not told.
//
// It takes "member invite" in each domain of the grants and the grant of each
// profile, and of a User what [Authz.AddContact] takes. Offering an address what is
// offered to it already is an [ErrConflict], unless that has expired.
func (az *Authz) Invite(ctx context.Context, by Actor, t model.TenantID, n NewInvitation) (Invitation, error) {
	var made Invitation
	err := az.write(ctx, by, t, "invite", func(c *change) error {
		id, err := c.invite(n)
		if err != nil {
			return err
		}
		made, err = loadInvitation(c.db(), id.String(), c.at)
		return err
	})
	if err != nil {
		return Invitation{}, err
	}
	return made, nil
}

// invite is [Authz.Invite] within a larger change.
func (c *change) invite(n NewInvitation) (model.InvitationID, error) {
	var none model.InvitationID
	d, err := c.draft(n)
	if err != nil {
		return none, err
	}
	faults, err := c.offeredAlready([]draft{d})
	if err == nil {
		err = faults[0]
	}
	if err != nil {
		return none, err
	}
	if c.detail["invitation"] = d.row.ID; !n.User.IsZero() {
		c.detail["user"] = n.User.String()
	}
	c.detail["offers"] = d.offers()
	if err := c.issue([]draft{d}); err != nil {
		return none, err
	}
	return model.ParseInvitationID(d.row.ID)
}

// A draft is an invitation that may be made.
type draft struct {
	row    store.Invitation
	grants []store.InvitedGrant
}

// offers lists what is offered, as the ledger's detail has it.
func (d draft) offers() string {
	var all []string
	for _, g := range d.grants {
		all = append(all, strings.TrimSpace(g.Dossier+" "+g.Profile.String()))
	}
	return strings.Join(all, ", ")
}

// draft refuses an invitation that the actor may not make, or that is
// malformed.
func (c *change) draft(n NewInvitation) (draft, error) {
	grants, err := c.offered(n.Grants)
	if err != nil {
		return draft{}, err
	}
	if !n.User.IsZero() {
		if err := c.invitee(&n); err != nil {
			return draft{}, err
		}
	}
	canonical, err := n.check()
	if err != nil {
		return draft{}, err
	}
	d := draft{row: store.Invitation{
		ID: model.NewInvitationID().String(), Tenant: c.tenant, Person: n.User, FirstName: n.FirstName, LastName: n.LastName,
		Canonical: canonical, Typed: n.Email, Locale: n.Locale, Note: n.Note, Replaces: n.replaces,
		State: store.Pending, InvitedBy: c.by.String(), InvitedAt: store.At(c.at), ExpiresAt: store.At(c.at.Add(c.az.terms.Link)),
	}}
	for _, g := range grants {
		d.grants = append(d.grants, store.InvitedGrant{Invitation: d.row.ID, Dossier: g.Domain.Dossier().String(), Profile: g.Profile})
	}
	return d, nil
}

func (n NewInvitation) check() (canonical string, err error) {
	if err := checkText("first name", n.FirstName, required, 200); err != nil {
		return "", err
	}
	if err := checkText("last name", n.LastName, required, 200); err != nil {
		return "", err
	}
	if err := checkText("locale", n.Locale, optional, 35); err != nil {
		return "", err
	}
	// A note may have several lines.
	if err := checkText("note", strings.ReplaceAll(n.Note, "\n", " "), optional, 1000); err != nil {
		return "", err
	}
	return canonicalEmail(n.Email)
}

// offered refuses grants that the actor may not offer, and fills in the
// default profiles.
func (c *change) offered(asked []InvitedGrant) ([]InvitedGrant, error) {
	if len(asked) == 0 {
		asked = []InvitedGrant{{Domain: model.TenantDomain(c.tenant)}}
	}
	if len(asked) > maxGrants {
		return nil, fmt.Errorf("%d grants in one invitation: want at most %d: %w", len(asked), maxGrants, ErrInvalid)
	}
	var all []InvitedGrant
	for _, g := range asked {
		if err := c.mayInvite(g.Domain); err != nil {
			return nil, err
		}
		if g.Profile.IsZero() {
			g.Profile = c.catalog().DefaultProfile(placeOf(g.Domain))
		}
		if g.Profile.IsZero() && !g.Domain.IsDossier() {
			continue // to be a member is all
		}
		if err := c.overProfile(g.Profile, g.Domain); err != nil {
			return nil, err
		}
		if slices.Contains(all, g) {
			return nil, fmt.Errorf("profile %v in %v is offered twice: %w", g.Profile, g.Domain, ErrInvalid)
		}
		all = append(all, g)
	}
	return all, nil
}

// mayInvite refuses an actor who may not invite to d, and a d that is not open.
func (c *change) mayInvite(d model.Domain) error {
	if d.IsZero() {
		return fmt.Errorf("domain is not set: %w", ErrInvalid)
	}
	if d.Tenant() != c.tenant {
		return unknown(d)
	}
	if err := c.require(d, model.InviteMember); err != nil {
		return err
	}
	return c.openDomain(d)
}

// invitee refuses a User who is not known here, who is deactivated or the
// actor, or whom the actor does not know by the address; and calls the person by name.
func (c *change) invitee(n *NewInvitation) error {
	if c.by.is(n.User) {
		return fmt.Errorf("user %v cannot invite itself: %w", n.User, ErrDenied)
	}
	m, err := c.named(n.User)
	if err != nil {
		return err
	}
	if m.State == store.Deactivated {
		return fmt.Errorf("member %v is %s: %w", n.User, m.State, ErrConflict)
	}
	if err := c.reaches(n.User, n.Email, ""); err != nil {
		return err
	}
	if n.FirstName == "" && n.LastName == "" {
		var p store.Person
		if err := c.db().Where("id = ?", n.User).Take(&p).Error; err != nil {
			return store.Translate(err)
		}
		n.FirstName, n.LastName = p.FirstName, p.LastName
	}
	return nil
}

// An offer is one thing that is offered to one address.
type offer struct{ Canonical, Dossier, Profile string }

// offers of a draft. To be a member and no more is the one with neither.
func (d draft) each() []offer {
	if len(d.grants) == 0 {
		return []offer{{Canonical: d.row.Canonical}}
	}
	var all []offer
	for _, g := range d.grants {
		all = append(all, offer{d.row.Canonical, g.Dossier, g.Profile.String()})
	}
	return all
}

// offeredAlready says of each draft why it cannot be made, or nil, since
// something in it is offered to its address already, by what is pending or by
// a draft before it.
func (c *change) offeredAlready(drafts []draft) ([]error, error) {
	taken := make(map[offer]bool)
	for some := range slices.Chunk(drafts, batch) {
		addresses := make([]string, len(some))
		for i, d := range some {
			addresses[i] = d.row.Canonical
		}
		var found []offer
		err := c.db().Raw(`SELECT i.canonical, COALESCE(g.dossier, '') AS dossier, COALESCE(g.profile, '') AS profile
			FROM volmacht_invitations i LEFT JOIN volmacht_invited_grants g ON g.invitation = i.id
			WHERE i.canonical IN ? AND i.tenant = ? AND i.state = ? AND i.expires_at > ?`,
			addresses, c.tenant, store.Pending, store.At(c.at)).Scan(&found).Error
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			taken[o] = true
		}
	}
	faults := make([]error, len(drafts))
	for i, d := range drafts {
		mine := d.each()
		if slices.ContainsFunc(mine, func(o offer) bool { return taken[o] }) {
			faults[i] = fmt.Errorf("e-mail address %q is invited to this already: send that invitation again or revoke it: %w", d.row.Typed, ErrConflict)
			continue
		}
		for _, o := range mine {
			taken[o] = true
		}
	}
	return faults, nil
}
