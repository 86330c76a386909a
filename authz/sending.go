package authz

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A sending is one message at the moment it is sent: whether there still is a
// reason to, and what the mail says.
type sending struct {
	az    *Authz
	db    *gorm.DB
	state *state // of the tenant, which is locked
	at    time.Time
	*envelope

	domain model.Domain
	user   model.UserID // zero for one without an account
	why    string       // it should not go
}

// prepare fills the envelope in, and reports whether the message should go.
func (s *sending) prepare() (reason bool, err error) {
	s.domain = model.TenantDomain(s.state.tenant)
	if s.Dossier != "" {
		id, err := model.ParseDossierID(s.Dossier)
		if err != nil {
			return false, err
		}
		s.domain = model.DossierDomain(s.state.tenant, id)
	}
	if s.Person != "" {
		if s.user, err = model.ParseUserID(s.Person); err != nil {
			return false, err
		}
	}
	// That the dossier is closed can be why an invitation needs renewal.
	if !s.state.open() || !s.state.isOpen(s.domain) && MessageKind(s.Kind) != RenewalMessage {
		return false, nil
	}
	if err := json.Unmarshal([]byte(s.Data), &s.content.Data); err != nil {
		return false, fmt.Errorf("data: %w", err)
	}
	if err := s.places(); err != nil {
		return false, err
	}
	prepare := map[MessageKind]func() (bool, error){
		InvitationMessage: s.invitation, LinkMessage: s.invitation, RenewalMessage: s.renewal,
		RequestMessage: s.request, DecisionMessage: s.decision, ReviewMessage: s.review, ReminderMessage: s.review,
		TopicMessage: s.topic, CopyMessage: s.copied,
	}[MessageKind(s.Kind)]
	if prepare == nil {
		return false, fmt.Errorf("kind %q is unknown to this version", s.Kind)
	}
	return none(prepare())
}

// drop says why a message should not go.
func (s *sending) drop(why string) (bool, error) {
	s.why = why
	return false, nil
}

// none makes no reason of what is not there any more.
func none(reason bool, err error) (bool, error) {
	if errors.Is(store.Translate(err), ErrNotFound) {
		return false, nil
	}
	return reason, err
}

// places names the addressee, the tenant and the dossier.
func (s *sending) places() error {
	s.content.Name = s.Name
	var tenant store.Tenant
	if err := s.db.Where("id = ?", s.state.tenant).Take(&tenant).Error; err != nil {
		return err
	}
	s.content.Tenant = tenant.Name
	if !s.domain.IsDossier() {
		return nil
	}
	row, err := loadDossier(s.db, s.domain)
	s.content.Dossier = row.Name
	return err
}

// pending reads the invitation that the message is about, if it is still open.
func (s *sending) pending() (inv store.Invitation, err error) {
	err = s.db.Where("id = ? AND tenant = ? AND state = ? AND expires_at > ?", s.Subject, s.Tenant, store.Pending, store.At(s.at)).Take(&inv).Error
	return inv, err
}

// invitation is for one that can be accepted, at the address that it is for.
func (s *sending) invitation() (bool, error) {
	inv, err := s.pending()
	if err != nil {
		return false, err
	}
	canonical, err := canonicalEmail(s.Email)
	if err != nil || canonical != inv.Canonical || inv.Renewal != "" {
		return false, err
	}
	err = s.db.Model(&store.Dossier{}).Distinct("volmacht_dossiers.name").
		Joins("JOIN volmacht_invited_grants g ON g.dossier = volmacht_dossiers.id").
		Where("volmacht_dossiers.tenant = ? AND g.invitation = ?", s.Tenant, inv.ID).Order("name").Pluck("name", &s.content.Dossiers).Error
	if err != nil {
		return false, err
	}
	s.content.Note, s.content.Until = inv.Note, inv.ExpiresAt.Time()
	if end := s.at.Add(s.az.terms.NewAccount); MessageKind(s.Kind) == InvitationMessage && end.Before(s.content.Until) {
		s.content.Until = end // of this link; the invitation may last longer
	}
	if s.content.Inviter, err = s.nameOf(inv.InvitedBy); err != nil {
		return false, err
	}
	if s.token, err = mint(s.db, inv.ID, s.at); err != nil {
		return false, err
	}
	s.content.Link = s.az.mail.links.invitation(s.token)
	return true, nil
}

// renewal is for an invitation that still waits to be sent again, to who is told
// of it now.
func (s *sending) renewal() (bool, error) {
	var inv store.Invitation
	err := s.db.Where("id = ? AND tenant = ? AND state = ?", s.Subject, s.Tenant, store.Pending).Take(&inv).Error
	if err != nil || inv.Renewal == "" {
		return false, err
	}
	s.content.About, s.content.AboutEmail = strings.TrimSpace(inv.FirstName+" "+inv.LastName), inv.Typed
	s.content.Link = s.az.mail.links.Portal
	to, err := renewer(s.db, s.state, inv, s.domain, s.at)
	if err != nil {
		return false, err
	}
	return s.handOn(to)
}

// request is for an account request that is open, to the responsible of now.
func (s *sending) request() (bool, error) {
	var row store.AccountRequest
	err := s.db.Where("id = ? AND tenant = ? AND state = ?", s.Subject, s.Tenant, store.RequestOpen).Take(&row).Error
	if err != nil {
		return false, err
	}
	if row.ExpiresAt != 0 && row.ExpiresAt <= store.At(s.at) {
		return false, nil
	}
	s.content.About, s.content.AboutEmail = strings.TrimSpace(row.FirstName+" "+row.LastName), row.Typed
	s.content.Note, s.content.Until = row.Note, row.ExpiresAt.Time()
	s.content.Link = s.az.mail.links.about(s.az.mail.links.Request, s.domain, s.Subject)
	if s.content.Inviter, err = s.nameOf(row.AskedBy); err != nil {
		return false, err
	}
	to, err := responsibleFor(s.db, s.state, s.domain, s.at)
	if err != nil {
		return false, err
	}
	if to.Email == "" {
		err := s.db.Model(&store.AccountRequest{}).Where("tenant = ? AND id = ?", row.Tenant, row.ID).Update("mailed", false).Error
		if err != nil {
			return false, err
		}
	}
	return s.handOn(to.addressee())
}

// decision is for an account request that was approved or declined, to who asked
// while they see the dossier. It says what they can read in the list.
func (s *sending) decision() (bool, error) {
	var row store.AccountRequest
	err := s.db.Where("id = ? AND tenant = ? AND state IN ?", s.Subject, s.Tenant, []string{store.Approved, store.Declined}).Take(&row).Error
	if err != nil {
		return false, err
	}
	sees, err := s.state.sees(s.user, s.domain, s.at)
	if err != nil {
		return false, err
	}
	if !sees {
		return s.drop("who asked sees the dossier no more")
	}
	s.content.About, s.content.AboutEmail = strings.TrimSpace(row.FirstName+" "+row.LastName), row.Typed
	s.content.Approved, s.content.Note = row.State == store.Approved, row.Reason
	s.content.Link = s.az.mail.links.Portal
	return s.reachable()
}

// handOn reports whether a message is addressed to whom it is for now. If that is
// somebody else, they get one in its place: whoever lost the dossier meanwhile, or
// was deactivated, is told nothing more of it.
func (s *sending) handOn(to addressee) (bool, error) {
	still := s.user == to.user
	if still && s.user.IsZero() {
		still = s.Email == to.email
	} else if still {
		var err error
		if still, err = s.reachable(); err != nil {
			return false, err
		}
	}
	switch {
	case still:
		return true, nil
	case to.email == "":
		return s.drop("it is no longer for this recipient, and nobody else has an address")
	}
	row, err := message{kind: MessageKind(s.Kind), domain: s.domain, subject: s.Subject, to: to, data: s.content.Data}.row(s.at)
	if err != nil {
		return false, err
	}
	if err := s.db.Create(&row).Error; err != nil {
		return false, err
	}
	return s.drop("it is no longer for this recipient: whoever it is for now gets it instead")
}

// review is for a review that is open, to who may still conduct it.
func (s *sending) review() (bool, error) {
	var row store.Review
	err := s.db.Where("id = ? AND tenant = ?", s.Subject, s.Tenant).Take(&row).Error
	if err != nil || row.ClosedAt != 0 {
		return false, err
	}
	s.content.Until, s.content.Overdue = row.DueAt.Time(), row.DueAt < store.At(s.at)
	s.content.Link = s.az.mail.links.about(s.az.mail.links.Review, s.domain, s.Subject)
	if !s.user.IsZero() {
		may, err := s.state.enforce(s.user, model.TenantDomain(s.state.tenant), model.ConductReview, s.at)
		if err != nil || !may {
			return false, err
		}
	}
	return s.reachable()
}

// reachable reports whether a person who is written to is still an active
// member, and still has the address. Others have no account to lose.
func (s *sending) reachable() (bool, error) {
	if s.user.IsZero() {
		return true, nil
	}
	canonical, err := canonicalEmail(s.Email)
	if err != nil || !s.state.active(s.user) {
		return false, err
	}
	var n int64
	err = s.db.Model(&store.Address{}).Where("person = ? AND canonical = ?", s.user, canonical).Count(&n).Error
	return n > 0, err
}

// nameOf returns how people call an actor, and "" for the system or for who is
// not known any more.
func (s *sending) nameOf(actor string) (string, error) {
	who, err := model.ParseSubject(actor)
	if err != nil {
		return "", nil
	}
	u, ok := who.User()
	if !ok {
		return "", nil
	}
	p, err := loadPerson(s.db, u)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return strings.TrimSpace(p.FirstName + " " + p.LastName), err
}
