package world

// A Permission is one of those that the workload asks for. Those from EditSelf
// on are asked in an office, the others on a dossier.
type Permission uint8

// The permissions of the workload. ForwardOwn and ViewOwn are about a document
// that belongs to the one who asks.
const (
	SeeDossier Permission = iota
	EnterPortal
	SubmitDocument
	ProcessDocument
	ForwardDocument
	ViewDocument
	ViewFigure
	ViewReport
	ViewArchive
	ViewHistory
	UsePayment
	ViewBankAccount
	PreparePayment
	UseCommunication
	EditPortalSettings
	UseWorklist
	InviteMember
	ConfigureDossier
	ForwardOwn
	ViewOwn

	EditSelf
	EnterManagement
	CreateDossier
	EditTenant

	Permissions                           // how many
	OnDossier   = EditSelf                // how many are asked on a dossier
	InOffice    = Permissions - OnDossier // how many in an office
	Listed      = ForwardOwn              // how many of a dossier's are listed: an own document is one in particular
)

var names = [Permissions][2]string{
	SeeDossier: {"dossier", "see"}, EnterPortal: {"portal", "enter"},
	SubmitDocument: {"document", "submit"}, ProcessDocument: {"document", "process"},
	ForwardDocument: {"document", "forward"}, ViewDocument: {"document", "view"},
	ForwardOwn: {"document:own", "forward"}, ViewOwn: {"document:own", "view"},
	ViewFigure: {"figure", "view"}, ViewReport: {"report", "view"},
	ViewArchive: {"archive", "view"}, ViewHistory: {"history", "view"},
	UsePayment: {"payment", "use"}, ViewBankAccount: {"bank_account", "view"},
	PreparePayment: {"purchase_invoice", "prepare_payment"}, UseCommunication: {"communication", "use"},
	EditPortalSettings: {"portal_settings", "edit"}, UseWorklist: {"worklist", "use"},
	InviteMember: {"member", "invite"}, ConfigureDossier: {"dossier", "configure"},
	EditSelf: {"self", "edit"}, EnterManagement: {"management", "enter"},
	CreateDossier: {"dossier", "create"}, EditTenant: {"tenant", "edit"},
}

// Object and Action are the permission as the pack writes it.
func (p Permission) Object() string { return names[p][0] }

// Action is the other half of [Permission.Object].
func (p Permission) Action() string { return names[p][1] }

// String returns object and action with a space between.
func (p Permission) String() string { return names[p][0] + " " + names[p][1] }

// Gives reports whether a client profile by itself gives the permission, in
// a dossier under configuration C with every module on.
func (p Profile) Gives(permission Permission) bool {
	switch permission {
	case SeeDossier, EnterPortal:
		return true
	case SubmitDocument:
		return p != FullFeedback
	case ProcessDocument, ForwardDocument, ViewDocument, PreparePayment:
		return p != FullFeedback && p != DocumentDelivery
	case ForwardOwn, ViewOwn:
		return p != FullFeedback
	case ViewFigure, ViewReport, ViewHistory, UsePayment, ViewBankAccount:
		return p == Administrator || p == FullAccess || p == FullFeedback
	case ViewArchive:
		return p != DocumentProcessing && p != DocumentDelivery
	case UseCommunication:
		return p == Administrator || p == FullAccess
	case EditPortalSettings, InviteMember:
		return p == Administrator
	}
	return false
}

// Allowed is what the accountancy pack says of a check, read from its rows into
// plain Go: the reference that the stream is made by. That every engine agrees
// with it, Volmacht with the pack itself, is what shows it right.
func (w *World) Allowed(c Check) bool {
	u := w.Users[c.User]
	if u.Office != c.Office {
		return false
	}
	if c.Dossier < 0 {
		return w.inOffice(u, c.Permission)
	}
	d, held := w.Dossiers[c.Dossier], w.holding(c.User, c.Dossier)
	if held.profiles != 0 && closed(d.Configuration, c.Permission) {
		return false
	}
	switch {
	case u.Staff == Admin && (!d.Private || held.assigned), u.Staff == Employee && held.assigned:
		return true
	case u.Staff == Support && held.assigned:
		if c.Permission == SeeDossier || c.Permission == UseWorklist && d.Worklist {
			return true
		}
	}
	switch {
	case c.Permission == UsePayment && !d.Payment,
		c.Permission == ViewBankAccount && !d.Financial,
		c.Permission == InviteMember && !w.Offices[d.Office].SelfService:
		return false
	}
	for p := range Profiles {
		if held.profiles&(1<<p) != 0 && p.Gives(c.Permission) {
			return true
		}
	}
	return false
}

func (w *World) inOffice(u User, p Permission) bool {
	switch p {
	case EditSelf:
		return true
	case EnterManagement:
		return u.Staff != 0
	case CreateDossier:
		return u.Staff == Admin || u.Staff == Employee && !w.Offices[u.Office].AdminOnly
	case EditTenant:
		return u.Staff == Admin
	}
	return false
}

// closed reports what a configuration denies to whoever is a client user.
func closed(configuration byte, p Permission) bool {
	switch p {
	case ViewFigure, ViewReport, ViewHistory:
		return configuration == 'B'
	case SubmitDocument, ProcessDocument, ForwardDocument, ForwardOwn:
		return configuration == 'D'
	}
	return false
}

func (w *World) holding(u, d int32) holding {
	for _, h := range w.held[u] {
		if h.dossier == d {
			return h
		}
	}
	return holding{}
}
