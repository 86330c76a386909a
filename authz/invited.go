package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// An Offer is what the page behind a link shows before anybody accepts.
type Offer struct {
	Tenant  model.TenantID
	Name    string // of the tenant
	Inviter string // what the inviter is called
	Grants  []OfferedGrant
	Note    string

	FirstName string // whom it is for, as the inviter wrote it
	LastName  string
	Email     string
	Locale    string

	// User must be signed in to accept. Zero: the address belongs to nobody,
	// and accepting makes an account.
	User model.UserID
}

// An OfferedGrant is one profile of an [Offer], with its labels.
type OfferedGrant struct {
	Domain  model.Domain
	Dossier string // its name, where Domain is one
	Profile model.Profile
	Labels  model.Labels
}

// Invited reads what the page behind a link shows, and uses nothing up: any
// number of readers, such as a mail scanner, change nothing. A bad token gets
// the answer of [Authz.Accept], and so does one whose invitation would need renewal:
// it shows nothing of the tenant any more.
func (az *Authz) Invited(ctx context.Context, token string) (Offer, error) {
	if err := az.ready(); err != nil {
		return Offer{}, err
	}
	offer, err := az.offer(ctx, token)
	if err = store.Translate(err); errors.Is(err, ErrNotFound) {
		err = errLink // what it is about went while it was read
	}
	if err != nil {
		return Offer{}, fmt.Errorf("authz: invited: %w", err)
	}
	return offer, nil
}

func (az *Authz) offer(ctx context.Context, token string) (Offer, error) {
	db := az.db(ctx)
	at := az.now()
	l, err := follow(db, token, at, az.terms)
	if err != nil {
		return Offer{}, err
	}
	st, err := az.state(ctx, l.Tenant)
	if err != nil {
		return Offer{}, err
	}
	inviter, err := parseActor(l.InvitedBy)
	if err != nil {
		return Offer{}, err
	}
	grants, err := loadAlive(db, l.Invitation)
	if err != nil {
		return Offer{}, err
	}
	look := &transaction{core: az.core, store: store.Looking(db), looks: true}
	asked := &change{ctx: ctx, az: az, tx: look, by: inviter, at: at, tenant: l.Tenant, before: st}
	if err := asked.stands(l, grants); err != nil {
		return Offer{}, err
	}
	var tenant store.Tenant
	if err := db.Where("id = ?", l.Tenant).Take(&tenant).Error; err != nil {
		return Offer{}, err
	}
	o := Offer{
		Tenant: l.Tenant, Name: tenant.Name, Inviter: tenant.Name, Note: l.Note,
		FirstName: l.FirstName, LastName: l.LastName, Email: l.Typed, Locale: l.Locale, User: l.owner(),
	}
	if !inviter.system {
		p, err := loadPerson(db, inviter.user)
		if err != nil {
			return Offer{}, err
		}
		o.Inviter = p.FirstName + " " + p.LastName
	}
	for _, g := range grants {
		entry, _ := st.pack.Catalog.Profile(g.Profile)
		offered := OfferedGrant{Domain: g.Domain, Profile: g.Profile, Labels: entry.Labels}
		if g.Domain.IsDossier() {
			row, err := loadDossier(db, g.Domain)
			if err != nil {
				return Offer{}, err
			}
			offered.Dossier = row.Name
		}
		o.Grants = append(o.Grants, offered)
	}
	return o, nil
}

// stands is errLink for a link whose invitation [Authz.Accept] would find in need of
// renewal, as far as that can be told without a lock and before it is known who
// accepts. The actor is the inviter, and nothing is changed.
func (c *change) stands(l *link, grants []InvitedGrant) error {
	why, err := c.lapsed(grants)
	if err == nil && why == "" {
		why, err = c.inPlaceOfNamed(l.Canonical, l.owner(), l.Person)
	}
	if err == nil && (why != "" || l.taken()) {
		err = errLink
	}
	return err
}

// Invitations lists the invitations of a tenant, or those to one dossier, the
// oldest first: those after the given ID, at most limit and never more than
// 1,000. The zero ID is the start, the ID of the last one leads to the next
// page, an empty page is the end. With states, only those in one of them. It
// takes "member invite" in the domain. An entry of a tenant's list names the
// dossiers that the actor may know of, one of a dossier's list that dossier.
func (az *Authz) Invitations(ctx context.Context, by Actor, in model.Domain, after model.InvitationID, limit int, states ...InvitationState) ([]Invitation, error) {
	if limit < 1 || limit > maxPage {
		return nil, fmt.Errorf("authz: invitations: limit %d: want 1 to %d: %w", limit, maxPage, ErrInvalid)
	}
	return read(ctx, az, by, in, model.InviteMember, "invitations", func(q *query) ([]Invitation, error) {
		at := az.now()
		list := invitationsIn(q.db, in).Where("id > ?", after.String()).Order("id").Limit(limit)
		if len(states) > 0 {
			list = list.Where(inStates(q.db, states, at))
		}
		var rows []store.Invitation
		if err := list.Find(&rows).Error; err != nil {
			return nil, err
		}
		return q.invitations(by, in, rows, at)
	})
}

// Invitation reads one invitation of a tenant or to a dossier. It takes what
// [Authz.Invitations] takes.
func (az *Authz) Invitation(ctx context.Context, by Actor, in model.Domain, id model.InvitationID) (Invitation, error) {
	return read(ctx, az, by, in, model.InviteMember, "invitation", func(q *query) (Invitation, error) {
		var rows []store.Invitation
		if err := invitationsIn(q.db, in).Where("id = ?", id.String()).Find(&rows).Error; err != nil {
			return Invitation{}, err
		}
		found, err := q.invitations(by, in, rows, az.now())
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("invitation %v in %v: %w", id, in, ErrNotFound)
		}
		if err != nil {
			return Invitation{}, err
		}
		return found[0], nil
	})
}

// invitationsIn finds the invitations of a tenant, or those to a dossier.
func invitationsIn(db *gorm.DB, in model.Domain) *gorm.DB {
	db = db.Model(&store.Invitation{}).Where("tenant = ?", in.Tenant())
	if in.IsDossier() {
		db = db.Where("id IN (SELECT invitation FROM volmacht_invited_grants WHERE dossier = ?)", in.Dossier())
	}
	return db
}

// inStates is the condition that an invitation is in one of the states.
func inStates(db *gorm.DB, states []InvitationState, at time.Time) *gorm.DB {
	any := db.Where("1 = 0")
	for _, s := range states {
		switch s {
		case InvitationPending:
			any = any.Or("state = ? AND expires_at > ?", store.Pending, store.At(at))
		case InvitationExpired:
			any = any.Or("state = ? AND expires_at <= ?", store.Pending, store.At(at))
		default:
			any = any.Or("state = ?", s)
		}
	}
	return any
}

// invitations are rows as the actor may see them in a domain.
func (q *query) invitations(by Actor, in model.Domain, rows []store.Invitation, at time.Time) ([]Invitation, error) {
	offers := make(map[string][]store.InvitedGrant)
	for some := range slices.Chunk(rows, batch) {
		ids := make([]string, len(some))
		for i, r := range some {
			ids[i] = r.ID
		}
		var grants []store.InvitedGrant
		if err := q.db.Where("invitation IN ?", ids).Order("invitation, dossier, profile").Find(&grants).Error; err != nil {
			return nil, err
		}
		for _, g := range grants {
			offers[g.Invitation] = append(offers[g.Invitation], g)
		}
	}
	var all []Invitation
	for _, r := range rows {
		inv, err := invitation(r, offers[r.ID], at)
		if err != nil {
			return nil, err
		}
		inv.Grants = slices.DeleteFunc(inv.Grants, func(g InvitedGrant) bool {
			if in.IsDossier() {
				return g.Domain != in // the rest is no business of the dossier's
			}
			if by.system || err != nil {
				return false
			}
			var sees bool
			sees, err = q.state.sees(by.user, g.Domain, at)
			return !sees
		})
		if err != nil {
			return nil, err
		}
		all = append(all, inv)
	}
	return all, nil
}

// loadOffer reads what an invitation offers, in order.
func loadOffer(db *gorm.DB, row store.Invitation) ([]InvitedGrant, error) {
	var grants []store.InvitedGrant
	if err := db.Where("invitation = ?", row.ID).Order("dossier, profile").Find(&grants).Error; err != nil {
		return nil, err
	}
	var all []InvitedGrant
	for _, g := range grants {
		d, err := domainOfGrant(row.Tenant, g)
		if err != nil {
			return nil, err
		}
		all = append(all, InvitedGrant{d, g.Profile})
	}
	return all, nil
}

func loadInvitation(db *gorm.DB, id string, at time.Time) (Invitation, error) {
	var row store.Invitation
	if err := db.Where("id = ?", id).Take(&row).Error; err != nil {
		return Invitation{}, err
	}
	inv, err := invitation(row, nil, at)
	if err == nil {
		inv.Grants, err = loadOffer(db, row)
	}
	return inv, err
}
