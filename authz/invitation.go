package authz

import (
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// InvitationTerms says how long the links of invitations are good.
type InvitationTerms struct {
	// NewAccount is how long a link that makes an account is good, from when
	// it is mailed. Zero is 24 hours, or Link where that is shorter.
	NewAccount time.Duration

	// Link is how long an invitation can be accepted at all, from when it was
	// made or sent again. Zero is 7 days. It cannot be shorter than NewAccount.
	Link time.Duration
}

func (t InvitationTerms) check() (InvitationTerms, error) {
	const day = 24 * time.Hour
	if t.Link == 0 {
		t.Link = max(t.NewAccount, 7*day)
	}
	if t.NewAccount == 0 {
		t.NewAccount = min(day, t.Link)
	}
	if t.NewAccount < time.Second || t.Link < t.NewAccount {
		return t, fmt.Errorf("Config.Invitations: NewAccount %v, Link %v: want a second or more, and Link not shorter: %w", t.NewAccount, t.Link, ErrInvalid)
	}
	return t, nil
}

// A NewInvitation says who is invited, and to what.
type NewInvitation struct {
	// User is somebody whom the inviter can find in the tenant, see
	// [Authz.AddContact]. Email is an address at which the user is a contact, or was
	// invited, where the inviter may invite; any other is answered with
	// [ErrNotFound], whether or not it is the user's. For [System] it may be any of
	// the user's own besides. Zero: whoever turns out to have that address.
	User model.UserID

	FirstName string
	LastName  string
	Email     string
	Locale    string // such as "nl"; optional
	Note      string // from the inviter, for the mail; optional, at most 1,000 characters

	// Grants is what the invitation offers. None: the tenant's default profile,
	// or no more than to be a member if the pack has no default there.
	Grants []InvitedGrant

	replaces string // the canonical address that loses its login on acceptance
}

// An InvitedGrant is a profile that an invitation offers: on a dossier, or
// throughout the tenant.
type InvitedGrant struct {
	Domain  model.Domain
	Profile model.Profile // zero in NewInvitation: the default profile of the place
}

// maxGrants is how much one invitation can offer.
const maxGrants = 200

// An Invitation is what those who may invite see of one. It does not tell whether
// the address belongs to an account.
type Invitation struct {
	ID        model.InvitationID
	Tenant    model.TenantID
	User      model.UserID // zero until it is known who it is
	FirstName string
	LastName  string
	Email     string
	Locale    string
	Note      string
	Grants    []InvitedGrant // see [Authz.Invitations] for which
	State     InvitationState
	Renewal   Renewal // why a pending one cannot be accepted until it is sent again; "": it can
	By        string  // who invited, as the ledger writes actors
	At        time.Time
	Expires   time.Time // when it ends if nobody accepts; a link that makes an account ends sooner
	Decided   time.Time // when it was accepted, declined or revoked; zero: not yet
	DecidedBy string    // who did, as the ledger writes actors
}

// An InvitationState is where an invitation stands.
type InvitationState string

// The states of an invitation.
const (
	InvitationPending  InvitationState = store.Pending
	InvitationAccepted InvitationState = store.Accepted
	InvitationDeclined InvitationState = store.Declined
	InvitationRevoked  InvitationState = store.Revoked
	InvitationExpired  InvitationState = "expired" // pending for too long; [Authz.Resend] makes it pending again
)

// A Renewal says why an invitation cannot be accepted as it is. Somebody who may
// give what it offers renews it with [Authz.Resend].
type Renewal string

// Why an invitation needs to be renewed.
const (
	InviterGone    Renewal = "the inviter is no longer an active member"
	InviterLimited Renewal = "the inviter may no longer give what it offers"
	ProfileGone    Renewal = "a profile in it is no longer given out"
	DossierClosed  Renewal = "a dossier in it is closed"
	MemberIdle     Renewal = "the member is deactivated: reactivate the member first"
	AddressTaken   Renewal = "the address has become another person's"
)

// invitation is how a row reads at a time.
func invitation(row store.Invitation, grants []store.InvitedGrant, at time.Time) (Invitation, error) {
	id, err := model.ParseInvitationID(row.ID)
	if err != nil {
		return Invitation{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	inv := Invitation{
		ID: id, Tenant: row.Tenant, User: row.Person, FirstName: row.FirstName, LastName: row.LastName,
		Email: row.Typed, Locale: row.Locale, Note: row.Note, State: stateOf(row, at), Renewal: Renewal(row.Renewal),
		By: row.InvitedBy, At: row.InvitedAt.Time(), Expires: row.ExpiresAt.Time(),
		Decided: row.DecidedAt.Time(), DecidedBy: row.DecidedBy,
	}
	for _, g := range grants {
		d, err := domainOfGrant(row.Tenant, g)
		if err != nil {
			return Invitation{}, err
		}
		inv.Grants = append(inv.Grants, InvitedGrant{d, g.Profile})
	}
	return inv, nil
}

func stateOf(row store.Invitation, at time.Time) InvitationState {
	if row.State == store.Pending && row.ExpiresAt <= store.At(at) {
		return InvitationExpired
	}
	return InvitationState(row.State)
}

func domainOfGrant(t model.TenantID, g store.InvitedGrant) (model.Domain, error) {
	return domainIn(t, g.Dossier)
}

// domainIn is a dossier of t, or t itself where that is "".
func domainIn(t model.TenantID, dossier string) (model.Domain, error) {
	if dossier == "" {
		return model.TenantDomain(t), nil
	}
	d, err := model.ParseDossierID(dossier)
	if err != nil {
		return model.Domain{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return model.DossierDomain(t, d), nil
}
