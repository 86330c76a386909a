package authz

import (
	"context"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Accept uses the token of a link up: who accepts becomes an active member of
// the tenant and gets what the invitation offers, by the authority of the
// inviter. Call it when the person confirms, never when the link is merely
// opened: mail scanners open links too, for which there is [Authz.Invited].
//
// Where the address is verified as somebody's, exactly that person must be
// signed in; anything else is an [ErrDenied] and uses nothing up. Otherwise
// nobody may be, and an account comes into being, with the address verified. An
// account that is invited at one more address has that one verified only if it
// says so: see OwnAddress of [Acceptance]. A
// NewUser that is or was somebody else is an [ErrConflict], and uses nothing up
// either.
//
// Everything is checked again: the dossiers are open, and the inviter is
// active and may still give each profile as it is now. When that is not so,
// the invitation needs renewal, its links die, the inviter is told, and the
// answer is the [ErrExpired] that every link gets that is not good. In a
// [Authz.Transaction] that answer undoes the transaction, this included.
func (az *Authz) Accept(ctx context.Context, token string, a Acceptance) (Invitation, error) {
	return az.accept(ctx, token, a, (*change).claim)
}

func (az *Authz) accept(ctx context.Context, token string, a Acceptance, claim func(*change, string) (*link, error)) (Invitation, error) {
	const action = "accept"
	if err := az.ready(); err != nil {
		return Invitation{}, err
	}
	if err := a.check(); err != nil {
		return Invitation{}, az.refuse(action, err)
	}
	seen, err := follow(az.db(ctx), token, az.now(), az.terms)
	if err != nil {
		return Invitation{}, az.refuse(action, err)
	}
	var accepted Invitation
	var why Renewal
	err = az.Transaction(ctx, func(tx *Tx) error {
		accepted, why = Invitation{}, ""
		err := tx.byLink(ctx, seen, action, func(c *change) error {
			l, err := claim(c, token)
			if err != nil {
				return err
			}
			u, err := l.acceptor(a)
			if err == nil && u != l.Person {
				err = c.unused(a.NewUser)
			}
			if err != nil {
				return err
			}
			if why, err = c.admit(l, u, a); err == nil && why != "" {
				return c.lapse(l, why)
			}
			if err == nil {
				accepted, err = loadInvitation(c.db(), l.ID, c.at)
			}
			return err
		})
		if err != nil || why != "" || a.Account == nil {
			return err
		}
		p, err := loadPerson(tx.DB(), accepted.User)
		if err != nil {
			return err
		}
		return a.Account(ctx, tx, p)
	})
	if err == nil && why != "" {
		err = az.refuse(action, errLink)
	}
	if err != nil {
		return Invitation{}, err
	}
	return accepted, nil
}

// byLink is the write path of whoever has the link l.
func (az *Authz) byLink(ctx context.Context, l *link, action string, fn func(*change) error) error {
	id, err := model.ParseInvitationID(l.ID)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return az.record(ctx, Actor{invitation: id}, store.TenantStream(l.Tenant), action, func(c *change) (err error) {
		c.tenant = l.Tenant
		if c.before, err = c.tx.lock(ctx, l.Tenant); err != nil {
			return err
		}
		c.detail["invitation"] = l.ID
		return fn(c)
	})
}

// acceptor is who accepts, unless somebody else would have to.
func (l *link) acceptor(a Acceptance) (model.UserID, error) {
	switch owner := l.owner(); {
	case !owner.IsZero() && a.SignedIn != owner:
		return owner, fmt.Errorf("the invitation is for somebody with an account: sign in as who has the invited address: %w", ErrDenied)
	case !owner.IsZero():
		return owner, nil
	case !a.SignedIn.IsZero():
		return owner, fmt.Errorf("the invited address is no verified address of user %v: verify it, or sign out to make an account: %w", a.SignedIn, ErrDenied)
	case !a.NewUser.IsZero():
		return a.NewUser, nil
	case !l.Person.IsZero():
		return l.Person, nil
	}
	return model.NewUserID(), nil
}

// unused refuses an ID for a new account that is or was somebody's. Of whom, and
// what has become of them, is not told.
func (c *change) unused(u model.UserID) error {
	if u.IsZero() {
		return nil
	}
	_, err := c.store().Lock(store.PersonStream(u))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = personTaken(u)
	}
	return err
}

func personTaken(u model.UserID) error {
	return fmt.Errorf("there is or was a person %v already: %w", u, ErrConflict)
}

// admit makes u a member with what l offers, or says why l needs renewal.
func (c *change) admit(l *link, u model.UserID, a Acceptance) (Renewal, error) {
	inviter, err := parseActor(l.InvitedBy)
	if err != nil {
		return "", err
	}
	if inviter.is(u) {
		return "", fmt.Errorf("user %v cannot accept its own invitation: %w", u, ErrDenied)
	}
	left, why, err := c.give(l, u, inviter)
	if err != nil || why != "" {
		return why, err
	}
	c.by = By(u)
	if err := c.accountOf(l, u, a); err != nil {
		return "", err
	}
	if err := c.activate(u); err != nil {
		return "", err
	}
	err = c.decide(l.ID, map[string]any{"state": store.Accepted, "person": u})
	if err != nil {
		return "", err
	}
	c.detail = detail{"invitation": l.ID, "user": u.String()}
	if err := c.dropMoot(l.ID); err != nil {
		return "", err
	}
	return "", c.settleLogin(&l.Invitation, u, left)
}

// give adds the rules of what l offers, as the inviter would by [Authz.Grant], and
// returns whose place u does not take: see inPlaceOf.
func (c *change) give(l *link, u model.UserID, inviter Actor) (left []model.UserID, why Renewal, err error) {
	if l.taken() {
		return nil, AddressTaken, nil
	}
	grants, err := loadAlive(c.db(), l.Invitation)
	if err != nil {
		return nil, "", err
	}
	self := c.by
	c.by = inviter
	defer func() { c.by = self }()
	if why, err := c.lapsed(grants); err != nil || why != "" {
		return nil, why, err
	}
	if left, why, err = c.inPlaceOf(l, u, grants); err != nil || why != "" {
		return nil, why, err
	}
	c.add(c.membership(u))
	for _, g := range grants {
		err := c.grantTo(Grant{Subject: model.UserSubject(u), Profile: g.Profile, Domain: g.Domain})
		if errors.Is(err, ErrDenied) {
			return nil, InviterLimited, nil
		}
		if err != nil {
			return nil, "", err
		}
	}
	return left, "", nil
}

// inPlaceOf says why u cannot accept l: the person that l is for, or u itself, is
// deactivated, or kept and has what the inviter, who is the actor, may not give.
//
// Others that have the address where l offers something may have been put there by
// somebody else, who could so keep anybody from accepting. In whose place u cannot
// come is left alone, and returned. Only somebody deactivated is in the way of an
// inviter who could not reactivate them: who reads that address is out.
func (c *change) inPlaceOf(l *link, u model.UserID, grants []InvitedGrant) (left []model.UserID, why Renewal, err error) {
	if why, err := c.inPlaceOfNamed(l.Canonical, u, l.Person); err != nil || why != "" {
		return nil, why, err
	}
	places := make([]string, len(grants))
	for i, g := range grants {
		places[i] = g.Domain.Dossier().String()
	}
	var others []model.UserID
	err = c.db().Model(&store.Contact{}).Distinct("person").Where("tenant = ? AND canonical = ? AND dossier IN ?", c.tenant, l.Canonical, places).
		Order("person").Pluck("person", &others).Error
	if err != nil {
		return nil, "", err
	}
	for _, who := range others {
		why, err := c.inPlace(l.Canonical, who)
		if err != nil {
			return nil, "", err
		}
		if why == MemberIdle {
			if err := c.mayEnd(who); refused(err) {
				return nil, why, nil
			} else if err != nil {
				return nil, "", err
			}
		}
		if why != "" {
			left = append(left, who)
		}
	}
	return left, "", nil
}

// inPlaceOfNamed says why nobody can come in the place of those whom an invitation to
// an address is for.
func (c *change) inPlaceOfNamed(canonical string, whom ...model.UserID) (Renewal, error) {
	for _, who := range whom {
		if why, err := c.inPlace(canonical, who); err != nil || why != "" {
			return why, err
		}
	}
	return "", nil
}

// inPlace says why nobody can come in the place of who by an invitation to an address,
// which whoever accepts has shown to be theirs, or by one to an address that is not to
// be told, "".
func (c *change) inPlace(canonical string, who model.UserID) (Renewal, error) {
	if who.IsZero() {
		return "", nil
	}
	m, err := c.member(who)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if m.State == store.Deactivated {
		return MemberIdle, nil
	}
	kept, err := c.keeps(who)
	if err != nil || !kept {
		return "", err
	}
	if err := c.overReader(model.TenantDomain(c.tenant), who, canonical); errors.Is(err, ErrDenied) {
		return InviterLimited, nil
	} else if err != nil {
		return "", err
	}
	return "", nil
}

// lapsed says why the actor, who is the inviter, could not offer this now.
func (c *change) lapsed(grants []InvitedGrant) (Renewal, error) {
	if !c.by.system && !c.before.active(c.by.user) {
		return InviterGone, nil
	}
	for _, g := range grants {
		switch {
		case !c.before.isOpen(g.Domain):
			return DossierClosed, nil
		case c.holdable(g.Profile, g.Domain) != nil:
			return ProfileGone, nil
		}
	}
	if len(grants) == 0 {
		grants = []InvitedGrant{{Domain: model.TenantDomain(c.tenant)}}
	}
	for _, g := range grants {
		needs := []model.Permission{model.InviteMember}
		if !g.Profile.IsZero() {
			needs = append(needs, model.GrantOf(g.Profile))
		}
		err := c.require(g.Domain, needs...)
		if refused(err) {
			return InviterLimited, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// activate makes u an active member, whatever u was.
func (c *change) activate(u model.UserID) error {
	m, err := c.member(u)
	switch {
	case errors.Is(err, ErrNotFound):
		return c.db().Create(&store.Member{Tenant: c.tenant, Person: u, State: store.Active, Since: store.At(c.at)}).Error
	case err != nil || m.State == store.Active:
		return err
	}
	return c.setMember(u, "state", store.Active)
}

// decide ends an invitation, and its links with it.
func (c *change) decide(id string, to map[string]any) error {
	to["decided_by"], to["decided_at"] = c.by.String(), store.At(c.at)
	if err := c.db().Model(&store.Invitation{}).Where("id = ?", id).Updates(to).Error; err != nil {
		return err
	}
	return c.killLinks(id)
}

// Decline says no to the invitation of a token, and uses the token up. A bad
// token gets the answer of [Authz.Accept]. In the ledger the actor is whoever
// has the link.
func (az *Authz) Decline(ctx context.Context, token string) error {
	const action = "decline"
	if err := az.ready(); err != nil {
		return err
	}
	l, err := follow(az.db(ctx), token, az.now(), az.terms)
	if err != nil {
		return az.refuse(action, err)
	}
	return az.byLink(ctx, l, action, func(c *change) error {
		l, err := c.claim(token)
		if err != nil {
			return err
		}
		return c.decide(l.ID, map[string]any{"state": store.Declined})
	})
}
