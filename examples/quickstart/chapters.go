package main

import (
	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

func clients(s *story) {
	s.title("Client users come in")
	s.do("Bob the baker gets full access, Dora may deliver documents", func() error {
		for _, add := range []func() error{
			s.person(bob, "Bob", "Baker"), s.member(asAnn, bob, accountancy.FullAccess, bakery),
			s.person(dora, "Dora", "Driver"), s.member(asAnn, dora, accountancy.DocumentDelivery, bakery),
		} {
			if err := add(); err != nil {
				return err
			}
		}
		return nil
	})
	s.ask(bob, accountancy.ViewFigure, bakery)
	s.ask(dora, accountancy.ViewFigure, bakery)
	s.ask(dora, accountancy.ViewDocument.Of(dora), bakery)
	s.ask(dora, accountancy.ViewDocument.Of(bob), bakery)
	s.ask(bob, accountancy.UsePayment, bakery)
	s.do("Ann switches the payment module on", func() error {
		return s.az.SetModule(s.ctx, asAnn, bakery, accountancy.ModulePayment, true)
	})
	s.ask(bob, accountancy.UsePayment, bakery)
}

func configurations(s *story) {
	s.title("The configuration is a ceiling")
	s.do("Ann configures the bakery as B: nothing comes back from the books", s.configure(accountancy.ConfigurationB))
	s.ask(bob, accountancy.ViewFigure, bakery)
	s.ask(ann, accountancy.ViewFigure, bakery)
	s.do("then as D: nothing goes in", s.configure(accountancy.ConfigurationD))
	s.ask(bob, accountancy.SubmitDocument, bakery)
	s.do("then as C, which waits for the bookkeeping software", s.configure(accountancy.ConfigurationC))
	s.ask(bob, accountancy.SubmitDocument, bakery)
	s.do("the host reports the synchronisation done", func() error {
		return s.az.FinishConfiguration(s.ctx, authz.System, bakery, accountancy.ConfigurationC)
	})
	s.ask(bob, accountancy.SubmitDocument, bakery)
}

func staff(s *story) {
	s.title("Staff see what they are assigned to")
	home := model.TenantDomain(acme)
	s.do("Emma joins as an employee, Sam as support", func() error {
		for _, add := range []func() error{
			s.person(emma, "Emma", "Jans"), s.member(asAnn, emma, accountancy.Employee, home),
			s.person(sam, "Sam", "Smets"), s.member(asAnn, sam, accountancy.Support, home),
		} {
			if err := add(); err != nil {
				return err
			}
		}
		return nil
	})
	s.ask(emma, accountancy.ViewFigure, bakery)
	s.do("Ann makes Emma the manager of the bakery", func() error {
		return s.az.Assign(s.ctx, asAnn, bakery, authz.Manager(emma))
	})
	s.ask(emma, accountancy.ViewFigure, bakery)
	s.responsible(bakery)
	s.do("Emma adds a private worklist dossier, with herself as manager and Sam in support", s.dossier(authz.By(emma), garage, authz.Dossier{
		Name: "Garage", Private: true, Flags: []model.Flag{accountancy.FlagWorklist}, Manager: emma, Supporting: []model.UserID{sam},
	}))
	s.ask(sam, accountancy.UseWorklist, garage)
	s.ask(sam, accountancy.EnterPortal, garage)
	s.ask(ann, accountancy.SeeDossier, garage)
	s.do("Ann lets only admins add clients", func() error {
		return s.az.SetSetting(s.ctx, asAnn, acme, accountancy.SettingAdminOnlyClients, true)
	})
	s.ask(emma, accountancy.CreateDossier, home)
}

func leaving(s *story) {
	s.title("People leave")
	s.do("Ann deactivates Emma", func() error {
		return s.az.DeactivateMember(s.ctx, asAnn.Because("left the office"), acme, emma)
	})
	s.ask(emma, accountancy.ViewFigure, bakery)
	s.responsible(bakery)
	if s.err == nil {
		err := s.az.Withdraw(s.ctx, authz.System, model.UserSubject(ann), accountancy.Admin, model.TenantDomain(acme))
		s.say("    taking Ann's own profile: %v\n", err)
	}
}

func ledger(s *story) {
	s.title("The ledger")
	if s.err != nil {
		return
	}
	entries, err := s.az.Ledger(s.ctx, asAnn, acme, 0, 100)
	if err != nil {
		s.err = err
		return
	}
	for _, e := range entries[max(0, len(entries)-4):] {
		why := ""
		if e.Reason != "" {
			why = " (" + e.Reason + ")"
		}
		s.say("    %2d  %-9s %s%s\n", e.Revision, e.Actor, e.Action, why)
		for _, r := range e.Added {
			s.say("        + %v\n", r)
		}
		for _, r := range e.Removed {
			s.say("        - %v\n", r)
		}
	}
	if s.err = s.az.VerifyLedger(s.ctx, acme); s.err == nil {
		s.say("    %d changes, chained and verified\n", len(entries))
	}
}
