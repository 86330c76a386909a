package peer

import (
	"github.com/volmacht/volmacht/internal/bench/world"
)

// What a hand-written map holds of a dossier, in one byte.
type facts uint8

const (
	configurationB facts = 1 << iota
	configurationD
	payment
	financial
	selfService // of the office
	private
	worklist
)

// What it holds of a user on a dossier: a bit for each profile, and one more.
type roles uint8

const assigned roles = 1 << world.Profiles

// What it holds of a member of an office.
type member uint8

const (
	admin member = 1 + iota
	employee
	support
	nothing // a member without a profile in the office

	adminOnly member = 8 // added to the above: the office's setting
)

// A set of permissions on a dossier.
type set uint32

func of(permissions ...world.Permission) (s set) {
	for _, p := range permissions {
		s |= 1 << p
	}
	return s
}

var (
	everything = set(1)<<world.OnDossier - 1
	anyClient  = of(world.SeeDossier, world.EnterPortal)
	intake     = of(world.SubmitDocument, world.ProcessDocument, world.ForwardDocument, world.ForwardOwn)
	feedback   = of(world.ViewFigure, world.ViewReport, world.ViewHistory)
	documents  = intake | of(world.ViewDocument, world.ViewOwn, world.PreparePayment)
	money      = of(world.UsePayment, world.ViewBankAccount)
	full       = documents | feedback | money | of(world.ViewArchive, world.UseCommunication)

	profiles = [world.Profiles]set{
		world.Administrator:             full | of(world.EditPortalSettings, world.InviteMember),
		world.FullAccess:                full,
		world.DocumentProcessing:        documents,
		world.DocumentProcessingArchive: documents | of(world.ViewArchive),
		world.FullFeedback:              feedback | money | of(world.ViewArchive),
		world.DocumentDelivery:          of(world.SubmitDocument, world.ForwardOwn, world.ViewOwn),
	}

	// clients and closed are what profiles give and deny together, for every
	// set of profiles and of the first five facts.
	clients, closed [1 << world.Profiles][1 << 5]set
)

func init() {
	for r := range clients {
		for f := range clients[r] {
			clients[r][f], closed[r][f] = client(roles(r), facts(f))
		}
	}
}

func client(r roles, f facts) (gives, denies set) {
	if r == 0 {
		return 0, 0
	}
	gives = anyClient
	for p, s := range profiles {
		if r&(1<<p) != 0 {
			gives |= s
		}
	}
	for _, need := range []struct {
		fact facts
		of   world.Permission
	}{{payment, world.UsePayment}, {financial, world.ViewBankAccount}, {selfService, world.InviteMember}} {
		if f&need.fact == 0 {
			gives &^= of(need.of)
		}
	}
	if f&configurationB != 0 {
		denies |= feedback
	}
	if f&configurationD != 0 {
		denies |= intake
	}
	return gives, denies
}

// onDossier is all that somebody may do on a dossier of the own office.
func onDossier(m member, r roles, f facts) set {
	profiles, first := r&(assigned-1), f&(private-1)
	s := clients[profiles][first]
	if m != 0 {
		switch kind, linked := m&^adminOnly, r&assigned != 0; {
		case kind == admin && (f&private == 0 || linked), kind == employee && linked:
			s = everything
		case kind == support && linked:
			s |= of(world.SeeDossier)
			if f&worklist != 0 {
				s |= of(world.UseWorklist)
			}
		}
	}
	return s &^ closed[profiles][first]
}

// inOffice is whether a member may do p in the office.
func inOffice(m member, p world.Permission) bool {
	kind := m &^ adminOnly
	switch p {
	case world.EditSelf:
		return m != 0
	case world.EnterManagement:
		return kind == admin || kind == employee || kind == support
	case world.CreateDossier:
		return kind == admin || kind == employee && m&adminOnly == 0
	case world.EditTenant:
		return kind == admin
	}
	return false
}

func factsOf(w *world.World, d world.Dossier) (f facts) {
	for _, x := range []struct {
		on bool
		f  facts
	}{
		{d.Configuration == 'B', configurationB}, {d.Configuration == 'D', configurationD},
		{d.Payment, payment}, {d.Financial, financial}, {w.Offices[d.Office].SelfService, selfService},
		{d.Private, private}, {d.Worklist, worklist},
	} {
		if x.on {
			f |= x.f
		}
	}
	return f
}

func memberOf(w *world.World, u world.User) member {
	m := nothing
	if u.Staff != 0 {
		m = member(u.Staff)
	}
	if w.Offices[u.Office].AdminOnly {
		m |= adminOnly
	}
	return m
}
