package authz_test

import (
	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
)

// actors are the actors who must be refused.
func (o operation) actors() []refusal {
	var all []refusal
	by := func(name string, a authz.Actor, want error, same string, elsewhere ...func(*call)) {
		all = append(all, refusal{name, func(c *call) {
			c.by = a
			for _, change := range elsewhere {
				change(c)
			}
		}, want, same})
	}
	unknownTenant := func(c *call) { *c = c.at(tNone) }
	unknownDossier := func(c *call) { c.domain = dossier(c.tenant(), "d-none") }
	switch has := func(p position) bool { return o.takes&p != 0 }; {
	case o.method == "CreateTenant", o.method == "AddPerson", o.method == "Register":
		for _, u := range []model.UserID{uAnn, uBea, uDora, uGhost} {
			by("user "+u.String(), authz.By(u), authz.ErrDenied, "actor")
		}
	case has(aSelf), o.method == "VerifyAddress":
		for _, u := range []model.UserID{uAnn, uBea, uGhost} {
			by("another user", authz.By(u), authz.ErrNotFound, "person")
			by("another user, of nobody", authz.By(u), authz.ErrNotFound, "person", func(c *call) { c.user = uNone })
		}
		for name, u := range map[string]model.UserID{"deactivated": uDora, "in no tenant": uNina, "in a closed tenant": uGus} {
			by("oneself, "+name, authz.By(u), authz.ErrDenied, "", func(c *call) { c.user = u })
		}
	case has(aClosed) && !has(aDossier): // nobody is a member of a closed tenant
		for _, u := range []model.UserID{uGus, uAnn, uGhost} {
			by("user "+u.String(), authz.By(u), authz.ErrNotFound, "stranger")
			by("user, where nothing is", authz.By(u), authz.ErrNotFound, "stranger", unknownTenant)
		}
	default:
		for name, u := range map[string]model.UserID{"of another tenant": uBea, "of no tenant": uNina, "unknown": uGhost, "deactivated": uDora} {
			by("actor "+name, authz.By(u), authz.ErrNotFound, "stranger")
			by("actor "+name+", where nothing is", authz.By(u), authz.ErrNotFound, "stranger", unknownTenant)
			if has(aDossier) {
				by("actor "+name+", on no dossier", authz.By(u), authz.ErrNotFound, "stranger", unknownDossier)
			}
		}
		if has(aDossier) {
			by("a member who does not see it", authz.By(uOlga), authz.ErrNotFound, "unseen")
			by("a member, where nothing is", authz.By(uOlga), authz.ErrNotFound, "unseen", unknownDossier)
			if !has(byClients) {
				by("a member who sees it", authz.By(uCarl), authz.ErrDenied, "")
			}
		} else {
			by("a member", authz.By(uOlga), authz.ErrDenied, "")
		}
		if has(onlySystem) {
			by("an admin", admin, authz.ErrDenied, "")
		}
	}
	return all
}

// at returns the call in another tenant, on a dossier of the same name if it
// is on one.
func (c call) at(t model.TenantID) call {
	if d := c.domain.Dossier(); !d.IsZero() {
		c.domain = model.DossierDomain(t, d)
	} else {
		c.domain = home(t)
	}
	return c
}

// places are the tenants and dossiers that must be refused.
func (o operation) places() []refusal {
	var all []refusal
	in := func(name string, d model.Domain, want error, same string, as ...authz.Actor) {
		all = append(all, refusal{name, func(c *call) {
			c.domain = d
			for _, a := range as {
				c.by = a
			}
		}, want, same})
	}
	has := func(p position) bool { return o.takes&p != 0 }
	if !has(aTenant | aDossier) {
		return nil
	}
	in("nowhere", model.Domain{}, authz.ErrInvalid, "")
	in("system in an unknown tenant", o.valid.at(tNone).domain, authz.ErrNotFound, "", system)
	if !has(aClosed) || has(aDossier) {
		in("system in a closed tenant", o.valid.at(tGone).domain, authz.ErrConflict, "", system)
	}
	user := admin
	if !has(onlySystem) {
		in("unknown tenant", o.valid.at(tNone).domain, authz.ErrNotFound, "tenant")
		in("another tenant", o.valid.at(tBeta).domain, authz.ErrNotFound, "tenant")
		in("closed tenant", o.valid.at(tGone).domain, authz.ErrNotFound, "tenant")
		in("closed tenant of one's own", o.valid.at(tGone).domain, authz.ErrNotFound, "tenant", authz.By(uGus))
	}
	if !has(aDossier) {
		return all
	}
	in("a closed tenant's dossier", dGone, authz.ErrConflict, "", system)
	in("system on an unknown dossier", dNone, authz.ErrNotFound, "", system)
	in("system on a dossier of another tenant", dossier(tAcme, "d-beta"), authz.ErrNotFound, "", system)
	eitherPlace := map[string]bool{"RemoveMember": true, "Resend": true, "Revoke": true, "Readdress": true, "AddContact": true, "EditContact": true, "SetSwitch": true, "ChangeAddress": true,
		"MoveAddress": true, "RemoveContact": true, "RemoveContactAddress": true}
	if !has(aProfile|aTopic) && !eitherPlace[o.method] {
		in("a tenant, not a dossier", home(tAcme), authz.ErrInvalid, "", system)
	}
	in("dossier of another tenant", dBeta, authz.ErrNotFound, "tenant", user)
	in("dossier of a closed tenant", dGone, authz.ErrNotFound, "tenant", user)
	in("unknown dossier", dNone, authz.ErrNotFound, "dossier", user)
	in("id of another tenant's dossier", dossier(tAcme, "d-beta"), authz.ErrNotFound, "dossier", user)
	if !has(aClosed) {
		in("closed dossier", dShut, authz.ErrNotFound, "dossier", user)
		in("system on a closed dossier", dShut, authz.ErrConflict, "", system)
	}
	return all
}

// people are the users who must be refused as those whom it is about.
func (o operation) people() []refusal {
	var all []refusal
	who := func(name string, u model.UserID, want error, same string) {
		all = append(all, refusal{name, func(c *call) { c.user = u }, want, same})
	}
	has := func(p position) bool { return o.takes&p != 0 }
	if has(aSelf) {
		all = append(all, refusal{"nobody", func(c *call) { c.user, c.by = model.UserID{}, system }, authz.ErrInvalid, ""},
			refusal{"an unknown person", func(c *call) { c.user, c.by = uNone, system }, authz.ErrNotFound, ""})
	}
	if has(anActive | aMember | aNewcomer) {
		who("unknown user", uNone, authz.ErrNotFound, "user")
		who("a user of another tenant", uBen, authz.ErrNotFound, "user")
		if o.method != "CreateDossier" { // where none is fine
			who("no user", model.UserID{}, authz.ErrInvalid, "")
		}
	}
	if has(anActive) {
		who("a person of no tenant", uNina, authz.ErrNotFound, "user")
	}
	if has(anActive | aNewcomer) {
		who("a deactivated member", uDora, authz.ErrConflict, "")
	}
	return all
}
