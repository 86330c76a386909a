package world

import (
	"github.com/volmacht/volmacht/model"
)

// Tenant, DossierDomain and Subject are how the policy writes an office, a
// dossier and a user.
func (w *World) Tenant(office int32) model.TenantID {
	return model.Must(model.ParseTenantID(w.Offices[office].ID))
}

// Domain is where a check is asked.
func (w *World) Domain(c Check) model.Domain {
	if c.Dossier < 0 {
		return model.TenantDomain(w.Tenant(c.Office))
	}
	return w.DossierDomain(c.Dossier)
}

// DossierDomain is a dossier as the policy writes it.
func (w *World) DossierDomain(d int32) model.Domain {
	return model.DossierDomain(w.Tenant(w.Dossiers[d].Office), model.Must(model.ParseDossierID(w.Dossiers[d].ID)))
}

// UserID is a user's.
func (w *World) UserID(u int32) model.UserID { return model.Must(model.ParseUserID(w.Users[u].ID)) }

// Subject is a user as the policy writes it.
func (w *World) Subject(u int32) model.Subject { return model.UserSubject(w.UserID(u)) }

// Traits are what is true of a dossier, as the policy writes it.
func (d Dossier) Traits() []string {
	traits := []string{"dossier", "configuration:" + string(d.Configuration)}
	for _, t := range []struct {
		on   bool
		name string
	}{{!d.Private, "shared"}, {d.Private, "private"}, {d.Worklist, "worklist"}, {d.Payment, "module:payment"}, {d.Financial, "module:financial"}} {
		if t.on {
			traits = append(traits, t.name)
		}
	}
	return traits
}

// Rules are the g and g2 rows of every office, each with the index of its
// office, in no order that means anything.
func (w *World) Rules(yield func(office int32, r model.Rule)) {
	for i, o := range w.Offices {
		t := w.Tenant(int32(i))
		for _, r := range model.TenantRules(t) {
			yield(int32(i), r)
		}
		everywhere := model.Everywhere(t)
		if o.SelfService {
			yield(int32(i), model.NewRule("g2", everywhere, "setting:self_service_users"))
		}
		if o.AdminOnly {
			yield(int32(i), model.NewRule("g2", everywhere, "setting:admin_only_clients"))
		}
	}
	for i, d := range w.Dossiers {
		domain := w.DossierDomain(int32(i))
		yield(d.Office, model.NewRule("g2", domain.String(), model.Everywhere(domain.Tenant())))
		for _, t := range d.Traits() {
			yield(d.Office, model.NewRule("g2", domain.String(), t))
		}
	}
	for i, u := range w.Users {
		who, everywhere := w.Subject(int32(i)).String(), model.Everywhere(w.Tenant(u.Office))
		yield(u.Office, model.NewRule("g", who, model.Member.String(), everywhere))
		if u.Staff != 0 {
			yield(u.Office, model.NewRule("g", who, u.Staff.Name(), everywhere))
		}
	}
	for _, l := range w.Links {
		yield(w.Users[l.User].Office, model.AssignedRule(w.Subject(l.User), w.DossierDomain(l.Dossier)))
	}
	for _, p := range w.Places {
		yield(w.Users[p.User].Office, w.PlaceRule(p))
	}
}

// PlaceRule is the row of a place.
func (w *World) PlaceRule(p Place) model.Rule {
	return model.NewRule("g", w.Subject(p.User).String(), p.Profile.Name(), w.DossierDomain(p.Dossier).String())
}
