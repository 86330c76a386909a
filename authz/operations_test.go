package authz_test

import (
	"context"
	"slices"
	"time"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A call is what an operation is called with: each takes what it needs.
type call struct {
	by      authz.Actor
	domain  model.Domain // the tenant, or one of its dossiers
	user    model.UserID
	team    model.TeamID
	profile model.Profile
	text    string // a name or a reason
	email   string
	locale  string

	invitation    string                  // the address it went to
	contact       func(*authz.NewContact) // changes it; nil: as it is
	configuration model.Configuration
	module        model.Module
	setting       model.Setting
	flag          model.Flag

	request  model.RequestID
	review   model.ReviewID
	access   authz.Access
	schedule authz.ReviewSchedule
	topic    model.Topic
	message  model.MessageID
}

func (c call) tenant() model.TenantID { return c.domain.Tenant() }

// A position is a part of a call that an operation takes.
type position uint

const (
	aTenant    position = 1 << iota // domain, which is a tenant
	aDossier                        // domain, which is a dossier
	aClosed                         // the tenant or dossier is closed
	aSelf                           // user, who is the actor
	anActive                        // user, who is an active member
	aMember                         // user, who is a member, active or not
	aNewcomer                       // user, who need not be a member
	aTeam                           // team
	aProfile                        // profile
	aText                           // text
	anEmail                         // email
	anOptional                      // email, which may be left out
	aConfiguration
	aModule
	aSetting
	aFlag
	byClients // a client user of the dossier may, too
	aTopic
	onlySystem // no user may
)

// An operation is one way to call a method that changes something.
type operation struct {
	method  string
	variant string // of the method, when there are several
	valid   call   // succeeds in a scene, and changes it
	takes   position
	do      func(ctx context.Context, az *authz.Authz, c call) error
	more    []refusal // that only this operation has
}

func (o operation) String() string {
	if o.variant == "" {
		return o.method
	}
	return o.method + " " + o.variant
}

var (
	admin  = authz.By(uAnn)
	system = authz.System
)

// operations are all the ways to change something, but for Transaction.
func operations() []operation {
	return slices.Concat(tenantOperations(), personOperations(), memberOperations(),
		grantOperations(), teamOperations(), dossierOperations(), assignmentOperations(),
		invitationOperations(), contactOperations(), requestOperations(), reviewOperations(),
		messageOperations())
}

func tenantOperations() []operation {
	fresh, acme := home(parsedTenant("t-fresh")), home(tAcme)
	return []operation{
		{method: "CreateTenant", valid: call{by: system, domain: fresh, text: "Office"}, takes: aText | anOptional | onlySystem,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				_, err := az.CreateTenant(ctx, c.by, authz.Tenant{ID: c.tenant(), Name: c.text, Email: c.email})
				return err
			},
			more: []refusal{{name: "one that is there", change: func(c *call) { c.domain = acme }, want: authz.ErrConflict},
				{name: "one that is closed", change: func(c *call) { c.domain = home(tGone) }, want: authz.ErrConflict}}},
		{method: "EditTenant", valid: call{by: admin, domain: acme, text: "Firm"}, takes: aTenant | aText | anOptional,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.EditTenant(ctx, c.by, authz.Tenant{ID: c.tenant(), Name: c.text, Email: c.email})
			}},
		{method: "SetSetting", valid: call{by: admin, domain: acme, setting: accountancy.SettingAdminOnlyClients}, takes: aTenant | aSetting,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.SetSetting(ctx, c.by, c.tenant(), c.setting, true)
			}},
		{method: "SetActivated", valid: call{by: system, domain: acme, profile: accountancy.Support}, takes: aTenant | aProfile | onlySystem,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.SetActivated(ctx, c.by, c.tenant(), c.profile, true)
			}},
		{method: "CloseTenant", valid: call{by: system, domain: acme}, takes: aTenant | onlySystem,
			do: func(ctx context.Context, az *authz.Authz, c call) error { return az.CloseTenant(ctx, c.by, c.tenant()) }},
		{method: "ReopenTenant", valid: call{by: system, domain: home(tGone)}, takes: aTenant | aClosed | onlySystem,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.ReopenTenant(ctx, c.by, c.tenant())
			},
			more: []refusal{{name: "an open one", change: func(c *call) { c.domain = acme }, want: authz.ErrConflict}}},
	}
}

func personOperations() []operation {
	self := authz.By(uEmil)
	verified := func(c *call) { c.email = uAnn.String() + "@verified.example" }
	mine := uEmil.String() + "@new.example"
	return []operation{
		{method: "AddPerson", valid: call{by: system, user: parsedUser("u-fresh"), text: "Fien", email: "fien@new.example", locale: "nl"},
			takes: aText | anEmail | onlySystem,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				addresses := []authz.Address{{Email: "first@new.example"}, {Email: c.email, Verified: noon()}}
				_, err := az.AddPerson(ctx, c.by, authz.Person{ID: c.user, FirstName: c.text, LastName: c.text, Locale: c.locale, Addresses: addresses})
				return err
			},
			more: append(localeRefusals(),
				refusal{name: "one that is there", change: func(c *call) { c.user = uNina }, want: authz.ErrConflict},
				refusal{name: "an address that is another's", change: verified, want: authz.ErrConflict},
				refusal{name: "an address twice", change: func(c *call) { c.email = "FIRST@new.example" }, want: authz.ErrConflict})},
		{method: "EditPerson", valid: call{by: self, user: uEmil, text: "Emiel", locale: "nl"}, takes: aSelf | aText,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.EditPerson(ctx, c.by, authz.Person{ID: c.user, FirstName: c.text, LastName: c.text, Locale: c.locale})
			},
			more: localeRefusals()},
		{method: "AddAddress", valid: call{by: self, user: uEmil, email: "emil@other.example"}, takes: aSelf | anEmail,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.AddAddress(ctx, c.by, c.user, c.email)
			},
			more: []refusal{{name: "one's own again", change: func(c *call) { c.email = "U-Emil@NEW.example" }, want: authz.ErrConflict}}},
		{method: "VerifyAddress", valid: call{by: system, user: uEmil, email: mine}, takes: anEmail | onlySystem,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.VerifyAddress(ctx, c.by, c.user, c.email)
			},
			more: append(addressRefusals(), refusal{name: "by oneself", change: func(c *call) { c.by = self }, want: authz.ErrDenied})},
		{method: "RemoveAddress", valid: call{by: self, user: uEmil, email: mine}, takes: aSelf | anEmail,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.RemoveAddress(ctx, c.by, c.user, c.email)
			},
			more: addressRefusals()},
	}
}

func memberOperations() []operation {
	addMember := func(ctx context.Context, az *authz.Authz, c call) error {
		return az.AddMember(ctx, c.by, c.domain, authz.NewMember{User: c.user, Profiles: []model.Profile{c.profile}})
	}
	removeMember := func(ctx context.Context, az *authz.Authz, c call) error {
		return az.RemoveMember(ctx, c.by, c.domain, c.user)
	}
	itself := refusal{name: "oneself", change: func(c *call) { c.user = uAnn }, want: authz.ErrDenied}
	return []operation{
		{method: "AddMember", variant: "to a tenant", do: addMember, takes: aTenant | aNewcomer | aProfile,
			valid: call{by: admin, domain: home(tAcme), user: uNina, profile: accountancy.Employee},
			more: []refusal{itself, {name: "a profile of dossiers", want: authz.ErrInvalid,
				change: func(c *call) { c.profile = accountancy.FullAccess }}}},
		{method: "AddMember", variant: "to a dossier", do: addMember, takes: aDossier | aNewcomer | aProfile,
			valid: call{by: admin, domain: dOne, user: uNina, profile: accountancy.FullAccess},
			more: []refusal{itself, {name: "a profile of tenants", want: authz.ErrInvalid,
				change: func(c *call) { c.profile = accountancy.Admin }}}},
		{method: "DeactivateMember", valid: call{by: admin, domain: home(tAcme), user: uEmil}, takes: aTenant | anActive, more: []refusal{itself},
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.DeactivateMember(ctx, c.by, c.tenant(), c.user)
			}},
		{method: "ReactivateMember", valid: call{by: admin, domain: home(tAcme), user: uDora}, takes: aTenant | aMember,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.ReactivateMember(ctx, c.by, c.tenant(), c.user)
			},
			more: []refusal{itself, {name: "an active one", change: func(c *call) { c.user = uEmil }, want: authz.ErrConflict}}},
		{method: "RemoveMember", variant: "of a tenant", do: removeMember, takes: aTenant | aMember, more: []refusal{itself},
			valid: call{by: admin, domain: home(tAcme), user: uEmil}},
		{method: "RemoveMember", variant: "of a dossier", do: removeMember, takes: aDossier | aMember,
			valid: call{by: admin, domain: dOne, user: uCarl},
			more:  []refusal{itself, {name: "who is not on it", change: func(c *call) { c.user = uOlga }, want: authz.ErrNotFound}}},
		{method: "RemoveMember", variant: "of a dossier, deactivated", do: removeMember, takes: aDossier,
			valid: call{by: admin, domain: dOne, user: uDora}},
		{method: "RemoveMember", variant: "of a dossier, its manager", do: removeMember, takes: aDossier,
			valid: call{by: admin, domain: dOne, user: uEmil}},
		{method: "SetExternal", valid: call{by: admin, domain: home(tAcme), user: uDora}, takes: aTenant | aMember,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.SetExternal(ctx, c.by, c.tenant(), c.user, true)
			}},
	}
}

func grantOperations() []operation {
	until := func(end time.Time, who func(c call) model.Subject) func(context.Context, *authz.Authz, call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			return az.Grant(ctx, c.by, authz.Grant{Subject: who(c), Profile: c.profile, Domain: c.domain, Until: end})
		}
	}
	user := func(c call) model.Subject { return model.UserSubject(c.user) }
	team := func(c call) model.Subject { return model.TeamSubject(c.team) }
	withdraw := func(who func(c call) model.Subject) func(context.Context, *authz.Authz, call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			return az.Withdraw(ctx, c.by, who(c), c.profile, c.domain)
		}
	}
	none := refusal{name: "not held", change: func(c *call) { c.profile = accountancy.DocumentDelivery }, want: authz.ErrNotFound}
	itself := refusal{name: "oneself", change: func(c *call) { c.user = uAnn }, want: authz.ErrDenied}
	office := call{by: admin, domain: home(tAcme), user: uEmil, profile: accountancy.Admin}
	client := call{by: admin, domain: dTwo, user: uCarl, profile: accountancy.FullAccess}
	group := call{by: admin, domain: dTwo, team: gSpare, profile: accountancy.FullFeedback}
	more := func(c call, p model.Profile) call { c.profile = p; return c }
	return []operation{
		{method: "Grant", variant: "in a tenant", valid: office, do: until(time.Time{}, user), takes: aTenant | anActive | aProfile,
			more: []refusal{itself, {name: "a profile of dossiers", change: func(c *call) { c.profile = accountancy.FullAccess }, want: authz.ErrInvalid}}},
		{method: "Grant", variant: "on a dossier", valid: more(client, accountancy.Administrator), do: until(time.Time{}, user),
			takes: aDossier | anActive | aProfile,
			more:  []refusal{itself, {name: "a profile of tenants", change: func(c *call) { c.profile = accountancy.Employee }, want: authz.ErrInvalid}}},
		{method: "Grant", variant: "again, with an end", valid: client, do: until(noon().Add(time.Hour), user), takes: aDossier | anActive | aProfile},
		{method: "Grant", variant: "to a team", valid: more(group, accountancy.FullAccess), do: until(time.Time{}, team), takes: aDossier | aTeam | aProfile},
		{method: "Withdraw", variant: "from a user", valid: client, do: withdraw(user), takes: aDossier | anActive | aProfile, more: []refusal{itself, none}},
		{method: "Withdraw", variant: "from a team", valid: group, do: withdraw(team), takes: aDossier | aTeam | aProfile, more: []refusal{none}},
	}
}
