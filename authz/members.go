package authz

import (
	"context"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A MemberState is where a person stands in a tenant.
type MemberState string

// The states of a membership.
const (
	Invited     MemberState = store.Invited // known in the tenant, without access
	Active      MemberState = store.Active
	Deactivated MemberState = store.Deactivated
)

// A NewMember says who joins, and with what.
type NewMember struct {
	User     model.UserID
	Profiles []model.Profile // in the domain they join; none: that place's default profile, if the pack has one
	External bool            // an external member of staff; it changes no right
}

// A Member is a person in a tenant.
type Member struct {
	User      model.UserID
	FirstName string
	LastName  string
	State     MemberState
	External  bool
	Since     time.Time
	Profiles  []model.Profile // held directly in the domain that was asked about, while active
}

// AddMember makes a person an active member of the tenant, and gives the
// profiles: throughout the tenant when in is a tenant, on one dossier when
// in is a dossier. Somebody who is an active member already gets the
// profiles, and so does a contact without an account, who becomes active.
//
// It takes "member invite" in the domain, for External in the tenant, and the grant of
// each profile. Actors other than [System] can only add people who are in this tenant
// already, or in none: others must consent, by an invitation.
func (az *Authz) AddMember(ctx context.Context, by Actor, in model.Domain, m NewMember) error {
	return az.write(ctx, by, in.Tenant(), "add member", func(c *change) error {
		if err := c.require(in, model.InviteMember); err != nil {
			return err
		}
		if m.External { // as SetExternal does
			if err := c.require(model.TenantDomain(c.tenant), model.InviteMember); err != nil {
				return err
			}
		}
		if err := c.openDomain(in); err != nil {
			return err
		}
		if err := c.join(m); err != nil {
			return err
		}
		profiles := m.Profiles
		if len(profiles) == 0 {
			if p := c.catalog().DefaultProfile(placeOf(in)); !p.IsZero() {
				profiles = []model.Profile{p}
			}
		}
		for _, p := range profiles {
			if err := c.grant(Grant{Subject: model.UserSubject(m.User), Profile: p, Domain: in}); err != nil {
				return err
			}
		}
		if len(c.added) == 0 {
			return errUnchanged
		}
		c.detail["user"], c.detail["domain"] = m.User.String(), in.String()
		return nil
	})
}

// join makes a person a member, or finds that it is one.
func (c *change) join(m NewMember) error {
	if m.User.IsZero() {
		return fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	if c.by.is(m.User) {
		return fmt.Errorf("user %v cannot add itself: %w", m.User, ErrDenied)
	}
	var here, elsewhere int64
	if err := c.db().Model(&store.Member{}).Where("person = ? AND tenant = ?", m.User, c.tenant).Count(&here).Error; err != nil {
		return err
	}
	if here == 1 {
		return c.seat(m.User)
	}
	// Two tenants that add one person at once would both find it in none.
	if err := c.lockAccount(m.User); err != nil {
		return err
	}
	if err := c.db().Model(&store.Member{}).Where("person = ? AND tenant <> ?", m.User, c.tenant).Count(&elsewhere).Error; err != nil {
		return err
	}
	if elsewhere > 0 && !c.by.system {
		return fmt.Errorf("person %v: %w", m.User, ErrNotFound)
	}
	c.add(c.membership(m.User))
	return c.db().Create(&store.Member{
		Tenant: c.tenant, Person: m.User, State: store.Active, External: m.External, Since: store.At(c.at),
	}).Error
}

// membership is the row that every active member has.
func (c *change) membership(u model.UserID) model.Rule {
	return model.GrantRule(model.UserSubject(u), model.Member, model.TenantDomain(c.tenant))
}

// seat finds that u is an active member, or makes an invited one active. Who
// has an account must accept first: only the system adds them without.
func (c *change) seat(u model.UserID) error {
	m, err := c.member(u)
	if err != nil || m.State != store.Invited {
		return c.activeMember(u)
	}
	if kept, err := c.keeps(u); err != nil {
		return err
	} else if !kept && !c.by.system {
		return fmt.Errorf("member %v is invited and has not accepted: %w", u, ErrConflict)
	}
	c.add(c.membership(u))
	return c.setMember(u, "state", store.Active)
}

// openDomain refuses a dossier that is not there or closed.
func (c *change) openDomain(d model.Domain) error {
	if !d.IsDossier() || c.before.isOpen(d) {
		return nil
	}
	_, err := c.requireDossier(d)
	return err
}

// DeactivateMember takes all access to the tenant away, at once, and keeps
// what the member held for [Authz.ReactivateMember]. It takes "member remove"
// in the tenant, and the grant of every profile that the member holds
// throughout it, so that nobody can deactivate a member who may do more than they may.
func (az *Authz) DeactivateMember(ctx context.Context, by Actor, t model.TenantID, u model.UserID) error {
	return az.write(ctx, by, t, "deactivate member", func(c *change) error { return c.deactivate(u) })
}

// deactivate is [Authz.DeactivateMember] within a larger change.
func (c *change) deactivate(u model.UserID) error {
	if err := c.overMember(model.TenantDomain(c.tenant), u); err != nil {
		return err
	}
	if err := c.activeMember(u); err != nil {
		return err
	}
	if err := c.shelve(heldBy(model.UserSubject(u))); err != nil {
		return err
	}
	return c.setMember(u, "state", store.Deactivated)
}

// ReactivateMember gives a deactivated member back what it held. It takes
// what [Authz.DeactivateMember] takes.
func (az *Authz) ReactivateMember(ctx context.Context, by Actor, t model.TenantID, u model.UserID) error {
	return az.write(ctx, by, t, "reactivate member", func(c *change) error {
		if err := c.overMember(model.TenantDomain(t), u); err != nil {
			return err
		}
		m, err := c.member(u)
		if err != nil {
			return err
		}
		if m.State != store.Deactivated { // an invited one has accepted nothing yet
			return fmt.Errorf("member %v is %s: %w", u, m.State, ErrConflict)
		}
		if err := c.setMember(u, "state", store.Active); err != nil {
			return err
		}
		return c.restore(heldBy(model.UserSubject(u)))
	})
}

// RemoveMember ends a membership: in a tenant the whole of it, with
// everything held or set aside, for good; on a dossier the profiles and the
// assignments there, and the person stays a member of the tenant. The person
// stops being a contact there; somebody who was only a contact, and is not one anywhere
// else, leaves the tenant.
//
// A pending invitation that names the person, or goes to an address at which the person
// is a contact where it offers something, is revoked in the same way. One to another
// address of the person's looks as before, and gives nothing there any more until
// [Authz.Resend]. What the actor may not [Authz.Revoke] stays, where nothing shows that
// it is for this person.
//
// It takes "member remove" in the domain and the grant of every profile that the member
// holds there, or is known to be invited to there; "member invite" for the latter too;
// "dossier assign" to end an assignment; and of a contact of the dossier also what
// [Authz.RemoveContact] takes.
func (az *Authz) RemoveMember(ctx context.Context, by Actor, in model.Domain, u model.UserID) error {
	return az.write(ctx, by, in.Tenant(), "remove member", func(c *change) error { return c.leave(in, u) })
}

// leave is [Authz.RemoveMember] within a larger change.
func (c *change) leave(in model.Domain, u model.UserID) error {
	if err := c.overMember(in, u); err != nil {
		return err
	}
	if in.IsDossier() {
		return c.leaveDossier(in, u)
	}
	if _, err := c.member(u); err != nil {
		return err
	}
	return c.leaveTenant(u)
}

func (c *change) leaveTenant(u model.UserID) error {
	if err := c.forget(heldBy(model.UserSubject(u))); err != nil {
		return err
	}
	if err := c.revokeOf(u, model.TenantDomain(c.tenant)); err != nil {
		return err
	}
	if err := c.db().Where("tenant = ? AND person = ?", c.tenant, u).Delete(&store.Supporting{}).Error; err != nil {
		return err
	}
	err := c.db().Model(&store.Dossier{}).Where("tenant = ? AND manager = ?", c.tenant, u).Update("manager", nil).Error
	if err != nil {
		return err
	}
	return c.endMembership(u)
}

func (c *change) leaveDossier(d model.Domain, u model.UserID) error {
	row, err := c.requireDossier(d)
	if err != nil {
		return err
	}
	c.detail["domain"] = d.String()
	opened, err := c.opened()
	if err != nil {
		return err
	}
	held := heldBy(model.UserSubject(u)).and(inDossier(d).wants)
	contact, err := c.contactRows(d, u)
	if err != nil {
		return err
	}
	if len(opened.find(held)) == 0 && len(contact) == 0 {
		return fmt.Errorf("member %v of dossier %v: %w", u, d, ErrNotFound)
	}
	if opened.has(model.AssignedRule(model.UserSubject(u), d)) {
		if err := c.require(d, model.AssignDossier); err != nil {
			return err
		}
	}
	if len(contact) > 0 {
		if err := c.overSilence(d, u); err != nil {
			return err
		}
	}
	if err := c.forget(held); err != nil {
		return err
	}
	if err := c.revokeOf(u, d); err != nil {
		return err
	}
	if row.Manager == u {
		if err := c.setDossier(d, "manager", nil); err != nil {
			return err
		}
	}
	err = c.db().Where("tenant = ? AND dossier = ? AND person = ?", c.tenant, d.Dossier(), u).Delete(&store.Supporting{}).Error
	if err != nil {
		return err
	}
	if err := c.endContact(d, u, contact); err != nil {
		return err
	}
	return c.dropUnreached(u)
}

// overMember refuses an actor who may not remove u in d, or who is u, or who
// could not hand out all that u holds there.
func (c *change) overMember(d model.Domain, u model.UserID) error {
	if err := c.require(d, model.RemoveMember); err != nil {
		return err
	}
	if u.IsZero() {
		return fmt.Errorf("user is not set: %w", ErrInvalid)
	}
	if c.by.is(u) {
		return fmt.Errorf("user %v cannot do this to itself: %w", u, ErrDenied)
	}
	c.detail["user"] = u.String()
	return c.mayGiveHeld(d, u)
}

// mayGiveHeld refuses an actor who could not hand out all that u holds in d.
func (c *change) mayGiveHeld(d model.Domain, u model.UserID) error {
	held := c.before
	if !held.active(u) { // what is set aside counts as well
		shelved, err := c.store().Shelved(c.tenant)
		if err != nil {
			return err
		}
		if held, err = held.with(shelved, nil); err != nil {
			return err
		}
	}
	return c.mayGrantAll(c.before, d, held.profiles(u, d))
}

// mayGrantAll refuses an actor who could not hand out all of the profiles in a state. One
// that the vendor has not activated or released gives nothing, and nobody may
// grant it: it protects nobody.
func (c *change) mayGrantAll(st *state, d model.Domain, profiles []model.Profile) error {
	for _, p := range profiles {
		if c.before.dormant(p) {
			continue
		}
		if err := require(st, c.by, c.at, d, model.GrantOf(p)); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) setMember(u model.UserID, column string, value any) error {
	return c.db().Model(&store.Member{}).Where("tenant = ? AND person = ?", c.tenant, u).Update(column, value).Error
}

// SetExternal marks a member as external or internal staff, which changes no
// right. It takes "member invite" in the tenant.
func (az *Authz) SetExternal(ctx context.Context, by Actor, t model.TenantID, u model.UserID, external bool) error {
	return az.write(ctx, by, t, "set external", func(c *change) error {
		if err := c.require(model.TenantDomain(t), model.InviteMember); err != nil {
			return err
		}
		m, err := c.member(u)
		if err != nil {
			return err
		}
		if m.External == external {
			return errUnchanged
		}
		c.detail["user"], c.detail["external"] = u.String(), fmt.Sprint(external)
		return c.setMember(u, "external", external)
	})
}

// Members lists the people of a tenant, or those who hold something on a
// dossier, by ID. [Authz.Contacts] also has those who only get messages there. It
// takes "member view" in the domain.
func (az *Authz) Members(ctx context.Context, by Actor, in model.Domain) ([]Member, error) {
	return read(ctx, az, by, in, model.ViewMember, "members", func(q *query) ([]Member, error) {
		var rows []struct {
			store.Member
			FirstName, LastName string
		}
		err := q.db.Model(&store.Member{}).Select("volmacht_members.*, first_name, last_name").
			Joins("JOIN volmacht_people ON volmacht_people.id = volmacht_members.person").
			Where("tenant = ?", in.Tenant()).Order("person").Find(&rows).Error
		if err != nil {
			return nil, err
		}
		here := make(map[string]bool)
		for _, r := range q.state.find(inDossier(in)) {
			here[r.Rule.V[0]] = true
		}
		var members []Member
		for _, row := range rows {
			if in.IsDossier() && !here[model.UserSubject(row.Person).String()] {
				continue
			}
			members = append(members, Member{
				User: row.Person, FirstName: row.FirstName, LastName: row.LastName,
				State: MemberState(row.State), External: row.External, Since: row.Since.Time(),
				Profiles: q.state.granted(model.UserSubject(row.Person), in),
			})
		}
		return members, nil
	})
}
