package authz_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// invited finds the invitation that went to an address; nowhere is one that is
// not there, and "" none at all.
func invited(ctx context.Context, az *authz.Authz, email string) (model.InvitationID, error) {
	if email == "" {
		return model.InvitationID{}, nil
	}
	for _, t := range []model.TenantID{tAcme, tBeta} {
		all, err := az.Invitations(ctx, system, home(t), model.InvitationID{}, 1000)
		if err != nil {
			return model.InvitationID{}, err
		}
		for _, inv := range all {
			if inv.Email == email {
				return inv.ID, nil
			}
		}
	}
	return model.Must(model.ParseInvitationID("nowhere")), nil
}

func readInvitations(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
	return az.Invitations(ctx, by, in, model.InvitationID{}, 10)
}

func readInvitation(ctx context.Context, az *authz.Authz, by authz.Actor, in model.Domain) (any, error) {
	id, err := invited(ctx, az, eIvo)
	if err != nil {
		return nil, err
	}
	return az.Invitation(ctx, by, in, id)
}

func invitationOperations() []operation {
	invite := func(ctx context.Context, az *authz.Authz, c call) error {
		n := authz.NewInvitation{
			User: c.user, FirstName: c.text, LastName: c.text, Email: c.email, Locale: c.locale, Note: "Hello\nthere",
			Grants: []authz.InvitedGrant{{Domain: c.domain, Profile: c.profile}},
		}
		_, err := az.Invite(ctx, c.by, c.tenant(), n)
		return err
	}
	all := func(lineByLine bool) func(ctx context.Context, az *authz.Authz, c call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			_, err := az.InviteAll(ctx, c.by, c.tenant(), []authz.InvitationLine{{NewInvitation: authz.NewInvitation{
				FirstName: c.text, LastName: c.text, Email: c.email, Locale: c.locale,
				Grants: []authz.InvitedGrant{{Domain: c.domain, Profile: c.profile}},
			}}}, authz.Bulk{LineByLine: lineByLine})
			return err
		}
	}
	on := func(do func(az *authz.Authz, ctx context.Context, c call, id model.InvitationID) error) func(context.Context, *authz.Authz, call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			id, err := invited(ctx, az, c.invitation)
			if err != nil {
				return err
			}
			return do(az, ctx, c, id)
		}
	}
	resend := on(func(az *authz.Authz, ctx context.Context, c call, id model.InvitationID) error {
		return az.Resend(ctx, c.by, c.domain, id)
	})
	revoke := on(func(az *authz.Authz, ctx context.Context, c call, id model.InvitationID) error {
		return az.Revoke(ctx, c.by, c.domain, id)
	})
	readdress := on(func(az *authz.Authz, ctx context.Context, c call, id model.InvitationID) error {
		return az.Readdress(ctx, c.by, c.domain, id, c.email)
	})
	undeclared := func(name string) refusal {
		return refusal{name: "profile " + name, change: func(c *call) { c.profile = model.Must(model.ParseProfile(name)) }, want: authz.ErrInvalid}
	}
	office := call{by: admin, domain: home(tAcme), text: "Ilse", email: "ilse@new.example", locale: "nl", profile: accountancy.Employee}
	client := office
	client.domain, client.profile = dTwo, accountancy.FullFeedback
	more := append(localeRefusals(), undeclared("z"), undeclared("member"), undeclared("client_user"),
		refusal{name: "a profile of dossiers", change: func(c *call) { c.domain, c.profile = home(tAcme), accountancy.FullAccess }, want: authz.ErrInvalid},
		refusal{name: "a profile of tenants", change: func(c *call) { c.domain, c.profile = dTwo, accountancy.Admin }, want: authz.ErrInvalid},
		refusal{name: "the same again", want: authz.ErrConflict,
			change: func(c *call) { c.domain, c.email, c.profile = dOne, "IVO@new.example", accountancy.FullAccess }})
	one := append(more[:len(more):len(more)],
		refusal{name: "oneself", change: func(c *call) { c.user, c.email = uAnn, uAnn.String()+"@new.example" }, want: authz.ErrDenied},
		refusal{name: "somebody unknown", change: func(c *call) { c.user = uNone }, want: authz.ErrNotFound, same: "user"},
		refusal{name: "somebody of another tenant", change: func(c *call) { c.user, c.email = uBen, uBen.String()+"@new.example" }, want: authz.ErrNotFound, same: "user"},
		refusal{name: "somebody of none", change: func(c *call) { c.user, c.email = uNina, uNina.String()+"@new.example" }, want: authz.ErrNotFound, same: "user"},
		refusal{name: "a deactivated member", change: func(c *call) { c.user, c.email = uDora, uDora.String()+"@new.example" }, want: authz.ErrConflict},
		refusal{name: "a member at another's address", change: func(c *call) { c.user, c.email = uEmil, uAnn.String()+"@new.example" }, want: authz.ErrNotFound, same: "address"},
		refusal{name: "a member at an address of their own", change: func(c *call) { c.user, c.email = uEmil, uEmil.String()+"@new.example" }, want: authz.ErrNotFound, same: "address"},
		refusal{name: "a member at an unknown address", change: func(c *call) { c.user = uEmil }, want: authz.ErrNotFound, same: "address"})
	which := []refusal{
		{name: "no invitation", change: func(c *call) { c.invitation = "" }, want: authz.ErrInvalid},
		{name: "an unknown invitation", change: func(c *call) { c.invitation = "nowhere" }, want: authz.ErrNotFound},
		{name: "an invitation of another tenant", change: func(c *call) { c.invitation = eBeta }, want: authz.ErrNotFound},
	}
	elsewhere := append(which[:len(which):len(which)],
		refusal{name: "an invitation to another dossier", change: func(c *call) { c.domain = dTwo }, want: authz.ErrNotFound})
	there, here := call{by: admin, domain: home(tAcme), invitation: eIvo, email: "ivo@other.example"}, call{by: admin, domain: dOne, invitation: eIvo, email: "ivo@other.example"}
	shut := []refusal{{name: "to a closed dossier", change: func(c *call) { c.invitation = eShut }, want: authz.ErrDenied},
		{name: "to a closed dossier, by the system", change: func(c *call) { c.by, c.invitation = system, eShut }, want: authz.ErrConflict}}
	user := refusal{name: "somebody who is known, and more", change: func(c *call) { c.user = uNina }, want: authz.ErrInvalid}
	return []operation{
		{method: "Invite", variant: "to a tenant", valid: office, do: invite, takes: aTenant | aText | anEmail, more: one},
		{method: "Invite", variant: "to a dossier", valid: client, do: invite, takes: aDossier | aText | anEmail, more: one},
		{method: "Invite", variant: "a member", do: invite, takes: aDossier,
			valid: call{by: admin, domain: dTwo, user: uEmil, text: "Emil", email: eQuiet, profile: accountancy.FullAccess}},
		{method: "InviteAll", variant: "together", valid: office, do: all(false), takes: aTenant | aText | anEmail, more: more},
		{method: "InviteAll", variant: "line by line", valid: client, do: all(true), takes: aDossier | aText | anEmail, more: more},
		{method: "InviteAll", variant: "nobody", valid: office, takes: aTenant,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				if c.email != office.email {
					_, err := az.InviteAll(ctx, c.by, c.tenant(), nil, authz.Bulk{})
					return err
				}
				return all(true)(ctx, az, c)
			},
			more: []refusal{{name: "an empty list", change: func(c *call) { c.email = "" }, want: authz.ErrInvalid}}},
		{method: "Resend", variant: "in a tenant", valid: there, do: resend, takes: aTenant, more: append(which, shut...)},
		{method: "Resend", variant: "on a dossier", valid: here, do: resend, takes: aDossier, more: elsewhere},
		{method: "Revoke", variant: "in a tenant", valid: there, do: revoke, takes: aTenant, more: which},
		{method: "Revoke", variant: "on a dossier", valid: here, do: revoke, takes: aDossier, more: elsewhere},
		{method: "Readdress", variant: "in a tenant", valid: there, do: readdress, takes: aTenant | anEmail, more: append(which, shut...)},
		{method: "Readdress", variant: "on a dossier", valid: here, do: readdress, takes: aDossier | anEmail, more: elsewhere},
		{method: "Register", valid: call{by: system, domain: home(parsedTenant("t-fresh")), text: "Firm", email: "fien@new.example"},
			takes: aText | anEmail | onlySystem, more: []refusal{user,
				{name: "a tenant that is there", change: func(c *call) { c.domain = home(tAcme) }, want: authz.ErrConflict},
				{name: "an address that is another's", change: func(c *call) { c.email = uAnn.String() + "@verified.example" }, want: authz.ErrConflict},
				{name: "that the host refuses", change: func(c *call) { c.locale = "xx" }, want: errHost}},
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				_, err := az.Register(ctx, c.by, authz.Registration{
					Tenant: authz.Tenant{ID: c.tenant(), Name: c.text}, User: c.user,
					Person: authz.Person{FirstName: c.text, LastName: c.text, Addresses: []authz.Address{{Email: c.email, Verified: noon()}}},
					Account: func(context.Context, *authz.Tx, authz.Person) error {
						if c.locale != "" {
							return fmt.Errorf("the host: %w", errHost)
						}
						return nil
					},
				})
				return err
			}},
		{method: "Register", variant: "somebody known", valid: call{by: system, domain: home(parsedTenant("t-fresh")), user: uNina}, takes: onlySystem,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				_, err := az.Register(ctx, c.by, authz.Registration{Tenant: authz.Tenant{ID: c.tenant(), Name: "Firm"}, User: c.user})
				return err
			},
			more: []refusal{{name: "somebody unknown", change: func(c *call) { c.user = uNone }, want: authz.ErrNotFound}}},
	}
}

var errHost = errors.New("refused by the host")
