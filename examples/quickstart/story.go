package main

import (
	"context"
	"fmt"
	"io"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A story asks and tells. After its first error it does nothing more.
type story struct {
	ctx context.Context
	az  *authz.Authz
	out io.Writer
	err error
}

func (s *story) title(text string) { s.say("\n%s\n", text) }

func (s *story) say(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.out, format, args...)
	}
}

// do tells of a change; change is not made after an error.
func (s *story) do(text string, change func() error) {
	if s.err != nil {
		return
	}
	if err := change(); err != nil {
		s.err = fmt.Errorf("%s: %w", text, err)
		return
	}
	s.say("  • %s\n", text)
}

// ask tells whether somebody may do something, and why.
func (s *story) ask(who model.UserID, p model.Permission, in model.Domain) {
	if s.err != nil {
		return
	}
	d, err := s.az.Explain(s.ctx, who, in, p)
	if err != nil {
		s.err = err
		return
	}
	answer := "no "
	if d.Allowed {
		answer = "yes"
	}
	s.say("    %s  %-5s %-18s in %-13s %s\n", answer, who, p, in, d.Reason())
}

// The people and places of the story. A host that has no ids of its own leaves
// them out and gets UUIDs.
var (
	acme   = model.Must(model.ParseTenantID("acme"))
	bakery = model.DossierDomain(acme, model.Must(model.ParseDossierID("bakery")))
	garage = model.DossierDomain(acme, model.Must(model.ParseDossierID("garage")))

	ann  = model.Must(model.ParseUserID("ann"))  // runs the office
	emma = model.Must(model.ParseUserID("emma")) // an employee
	sam  = model.Must(model.ParseUserID("sam"))  // support
	bob  = model.Must(model.ParseUserID("bob"))  // the baker
	dora = model.Must(model.ParseUserID("dora")) // drives for the baker
)

func (s *story) person(u model.UserID, first, last string) func() error {
	return func() error {
		_, err := s.az.AddPerson(s.ctx, authz.System, authz.Person{
			ID: u, FirstName: first, LastName: last, Addresses: []authz.Address{{Email: u.String() + "@acme.example"}},
		})
		return err
	}
}

func (s *story) member(by authz.Actor, u model.UserID, p model.Profile, in model.Domain) func() error {
	return func() error {
		return s.az.AddMember(s.ctx, by, in, authz.NewMember{User: u, Profiles: []model.Profile{p}})
	}
}

func (s *story) dossier(by authz.Actor, in model.Domain, d authz.Dossier) func() error {
	return func() error {
		d.ID = in.Dossier()
		_, err := s.az.CreateDossier(s.ctx, by, in.Tenant(), d)
		return err
	}
}

func (s *story) configure(to model.Configuration) func() error {
	return func() error { return s.az.Configure(s.ctx, authz.By(ann), bakery, to) }
}

// asAnn are the things Ann does, who runs the office.
var asAnn = authz.By(ann)

func office(s *story) {
	s.title("The office opens")
	s.do("the host makes the office Acme and its first admin, Ann", func() error {
		_, err := s.az.CreateTenant(s.ctx, authz.System, authz.Tenant{ID: acme, Name: "Acme", Email: "office@acme.example"})
		if err == nil {
			err = s.person(ann, "Ann", "Peeters")()
		}
		if err == nil {
			err = s.member(authz.System, ann, accountancy.Admin, model.TenantDomain(acme))()
		}
		return err
	})
	s.do("Ann adds the dossier of a bakery, which nobody manages yet", s.dossier(asAnn, bakery, authz.Dossier{Name: "Bakery Baker"}))
	s.ask(ann, accountancy.ViewFigure, bakery)
	s.responsible(bakery)
	s.advice(bakery)
}

func (s *story) responsible(d model.Domain) {
	if s.err != nil {
		return
	}
	r, err := s.az.Responsible(s.ctx, d)
	if err != nil {
		s.err = err
		return
	}
	s.say("    responsible for %v: %s <%s>\n", d, r.Name, r.Email)
}

func (s *story) advice(d model.Domain) {
	if s.err != nil {
		return
	}
	all, err := s.az.Advice(s.ctx, asAnn, d)
	if err != nil {
		s.err = err
		return
	}
	for _, a := range all {
		s.say("    advice: %v\n", a)
	}
}
