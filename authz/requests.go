package authz

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A RequestState is where a request for an account stands.
type RequestState string

// The states of a request for an account.
const (
	RequestOpen     RequestState = store.RequestOpen
	RequestApproved RequestState = store.Approved // it became an invitation
	RequestDeclined RequestState = store.Declined
	RequestExpired  RequestState = store.Expired // nobody decided within [Config.Requests]
)

// A NewRequest says for whom an account is asked.
type NewRequest struct {
	FirstName, LastName string
	Email               string
	Locale              string        // such as "nl"; optional
	Profile             model.Profile // zero: the default one of a dossier
	Note                string        // to who decides, on one line; optional
}

// An AccountRequest is a request for an account on a dossier.
type AccountRequest struct {
	NewRequest
	ID      model.RequestID
	Domain  model.Domain // the dossier
	State   RequestState
	AskedBy string // as the ledger writes actors
	Asked   time.Time
	Expires time.Time

	// Mailed reports whether the responsible was sent a mail. It is false when
	// there was no address to send one to, or was none any more when its turn
	// came: then only the list tells of the request.
	Mailed bool

	// Once it is decided:
	DecidedBy  string // as the ledger writes actors
	Decided    time.Time
	Reason     string             // why it was declined
	Invitation model.InvitationID // what it became
}

// RequestAccount asks the responsible of a dossier, by mail, for an account for
// somebody else. It takes "account_request submit". There is one open request
// for an address on a dossier, a second one is an [ErrConflict]; one that
// expired is not in the way. The answer is the same whether or not the address
// has an account somewhere.
func (az *Authz) RequestAccount(ctx context.Context, by Actor, d model.Domain, n NewRequest) (AccountRequest, error) {
	var made AccountRequest
	err := az.writeDossier(ctx, by, d, model.SubmitAccountRequest, "request account", func(c *change, _ store.Dossier) error {
		n := n // which is filled in, in each run of this anew
		canonical, err := c.checkRequest(&n)
		if err != nil {
			return err
		}
		to, err := responsibleFor(c.db(), c.before, d, c.at)
		if err != nil {
			return err
		}
		row := store.AccountRequest{
			Tenant: c.tenant, ID: model.NewRequestID(), Dossier: d.Dossier(),
			FirstName: n.FirstName, LastName: n.LastName, Canonical: canonical, Typed: n.Email, Locale: n.Locale, Profile: n.Profile, Note: n.Note,
			State: store.RequestOpen, AskedBy: c.by.String(), AskedAt: store.At(c.at), ExpiresAt: store.At(c.at.Add(az.requests)),
			Mailed: to.Email != "",
		}
		err = c.db().Model(&store.AccountRequest{}).
			Where("tenant = ? AND dossier = ? AND canonical = ? AND state = ? AND expires_at <= ?",
				c.tenant, d.Dossier(), canonical, store.RequestOpen, store.At(c.at)).
			Update("state", store.Expired).Error
		if err == nil {
			err = store.Translate(c.db().Create(&row).Error)
		}
		if errors.Is(err, ErrConflict) {
			return fmt.Errorf("an account for this address on dossier %v is asked for already: %w", d, ErrConflict)
		}
		if err != nil {
			return err
		}
		made = requestOf(row, c.at)
		c.detail["request"], c.detail["profile"] = row.ID.String(), n.Profile.String()
		if !row.Mailed {
			return nil
		}
		return c.send(message{
			kind: RequestMessage, domain: d, subject: row.ID.String(), to: to.addressee(),
		})
	})
	if err != nil {
		return AccountRequest{}, err
	}
	return made, nil
}

// checkRequest refuses a request that nobody could approve, fills in the
// default profile, and returns the canonical address.
func (c *change) checkRequest(n *NewRequest) (string, error) {
	p := Person{FirstName: n.FirstName, LastName: n.LastName, Locale: n.Locale}
	if err := p.check(); err != nil {
		return "", err
	}
	if err := checkText("note", n.Note, optional, 1000); err != nil {
		return "", err
	}
	canonical, err := canonicalEmail(n.Email)
	if err != nil {
		return "", err
	}
	if n.Profile.IsZero() {
		if n.Profile = c.catalog().DefaultProfile(model.AtDossier); n.Profile.IsZero() {
			return "", fmt.Errorf("profile is not set, and the pack %s has no default: %w", c.before.pack.Name, ErrInvalid)
		}
	}
	entry, ok := c.catalog().Profile(n.Profile)
	if !ok || entry.Place == 0 {
		return "", c.undeclaredProfile(n.Profile)
	}
	if entry.Place&model.AtDossier == 0 {
		return "", fmt.Errorf("profile %v is held in a %v, not on a dossier: %w", n.Profile, entry.Place, ErrInvalid)
	}
	if c.by.system {
		return canonical, nil
	}
	var own int64
	err = c.db().Model(&store.Address{}).Where("person = ? AND canonical = ?", c.by.user, canonical).Count(&own).Error
	if err == nil && own > 0 {
		err = fmt.Errorf("the address is of user %v, who asks: %w", c.by.user, ErrInvalid)
	}
	return canonical, err
}

// ApproveRequest makes an open request an invitation, whose inviter is the
// actor, to the profile p or, when that is zero, to the one that was asked for.
// It takes "account_request decide" and what inviting to p takes. Whoever asked
// gets a mail that says so, unless they are the actor. A request that
// expired is an [ErrExpired], one that was decided an [ErrConflict].
func (az *Authz) ApproveRequest(ctx context.Context, by Actor, d model.Domain, id model.RequestID, p model.Profile) (model.InvitationID, error) {
	var made model.InvitationID
	err := az.writeRequest(ctx, by, d, id, "approve request", func(c *change, row store.AccountRequest) (err error) {
		profile := p
		if profile.IsZero() {
			profile = row.Profile
		}
		// The note was to who decides, not to who is invited.
		made, err = c.invite(NewInvitation{
			FirstName: row.FirstName, LastName: row.LastName, Email: row.Typed, Locale: row.Locale,
			Grants: []InvitedGrant{{Domain: d, Profile: profile}},
		})
		if err != nil {
			return err
		}
		c.detail["profile"], c.detail["invitation"] = profile.String(), made.String()
		return c.decideRequest(row, map[string]any{"state": store.Approved, "invitation": made})
	})
	if err != nil {
		return model.InvitationID{}, err
	}
	return made, nil
}

// DeclineRequest turns an open request down. Whoever asked gets a mail with the
// reason, and sees it in the list. It takes "account_request decide". A request that
// expired is an [ErrExpired], one that was decided an [ErrConflict].
func (az *Authz) DeclineRequest(ctx context.Context, by Actor, d model.Domain, id model.RequestID, reason string) error {
	return az.writeRequest(ctx, by, d, id, "decline request", func(c *change, row store.AccountRequest) error {
		if err := checkText("reason", reason, required, 500); err != nil {
			return err
		}
		return c.decideRequest(row, map[string]any{"state": store.Declined, "reason": reason})
	})
}

// writeRequest is the write path of who may decide on the open request id.
func (az *Authz) writeRequest(ctx context.Context, by Actor, d model.Domain, id model.RequestID, action string, fn func(*change, store.AccountRequest) error) error {
	return az.writeDossier(ctx, by, d, model.DecideAccountRequest, action, func(c *change, _ store.Dossier) error {
		if id.IsZero() {
			return fmt.Errorf("request is not set: %w", ErrInvalid)
		}
		var row store.AccountRequest
		err := c.db().Where("tenant = ? AND dossier = ? AND id = ?", c.tenant, d.Dossier(), id).Take(&row).Error
		if err != nil {
			return notFound(store.Translate(err), "request %v of dossier %v", id, d)
		}
		switch state := requestState(row, c.at); state {
		case RequestOpen:
		case RequestExpired:
			return fmt.Errorf("request %v waited until %v: it can be made again: %w", id, row.ExpiresAt.Time(), ErrExpired)
		default:
			return fmt.Errorf("request %v is %s: %w", id, state, ErrConflict)
		}
		c.detail["request"] = id.String()
		return fn(c, row)
	})
}

// decideRequest ends a request, and tells who asked.
func (c *change) decideRequest(row store.AccountRequest, columns map[string]any) error {
	columns["decided_by"], columns["decided_at"] = c.by.String(), store.At(c.at)
	err := c.db().Model(&store.AccountRequest{}).Where("tenant = ? AND id = ?", row.Tenant, row.ID).Updates(columns).Error
	if err != nil {
		return err
	}
	asker, err := parseActor(row.AskedBy)
	if err != nil || asker.system || c.by.is(asker.user) || !c.before.active(asker.user) {
		return err
	}
	p, err := loadPerson(c.db(), asker.user)
	if err != nil || p.email() == "" {
		return err // the list tells
	}
	return c.send(message{
		kind: DecisionMessage, domain: model.DossierDomain(row.Tenant, row.Dossier), subject: row.ID.String(),
		to: addressee{p.ID, p.FirstName + " " + p.LastName, p.email(), p.Locale},
	})
}
