package authz

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// SetCopies makes a tenant get a copy of every message that is sent in its name
// to the recipients of a topic: who got it and what it said, without any link.
// An empty address ends that. It takes "tenant edit".
//
// A copy tells nobody what they may not see themselves: it is sent only while
// whoever set the address last still has "tenant edit", sees the dossier that the
// message is about, and may do what its topic needs. So an administrator gets none
// about a private dossier of others. When that person leaves, copies stop until
// somebody sets the address again, and [Authz.Advice] says so with [CopiesStopped].
// Copies that [System] has set are of all messages.
func (az *Authz) SetCopies(ctx context.Context, by Actor, t model.TenantID, email string) error {
	return az.write(ctx, by, t, "set copies", func(c *change) error {
		if err := c.require(model.TenantDomain(t), model.EditTenant); err != nil {
			return err
		}
		if err := checkEmail(email, optional); err != nil {
			return err
		}
		old, err := copiesOf(c.db(), t)
		if err != nil {
			return err
		}
		if old.Email == email && (email == "" || old.SetBy == by.String()) {
			return errUnchanged
		}
		c.detail["copies"] = map[bool]string{true: "on", false: "off"}[email != ""]
		err = c.db().Where("tenant = ?", t).Delete(&store.Copy{}).Error
		if err == nil && email != "" {
			err = c.db().Create(&store.Copy{Tenant: t, Email: email, SetBy: by.String()}).Error
		}
		return err
	})
}

// Copies returns where a tenant gets its copies, or "". It takes "tenant view".
func (az *Authz) Copies(ctx context.Context, by Actor, t model.TenantID) (string, error) {
	return read(ctx, az, by, model.TenantDomain(t), model.ViewTenant, "copies", func(q *query) (string, error) {
		to, err := copiesOf(q.db, t)
		return to.Email, err
	})
}

// copiesOf returns where t gets its copies; without an address it gets none.
func copiesOf(db *gorm.DB, t model.TenantID) (store.Copy, error) {
	var row store.Copy
	err := store.Translate(db.Where("tenant = ?", t).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return row, err
}

// copy puts the tenant's copy of a message that was just sent into the outbox.
func (az *Authz) copy(db *gorm.DB, e *envelope, at time.Time) error {
	if MessageKind(e.Kind) != TopicMessage {
		return nil
	}
	tenant, err := model.ParseTenantID(e.Tenant)
	if err != nil {
		return err
	}
	copies, err := copiesOf(db, tenant)
	if err != nil || copies.Email == "" || asciiDomain(copies.Email) == asciiDomain(e.Email) {
		return err
	}
	domain := model.TenantDomain(tenant)
	if id, err := model.ParseDossierID(e.Dossier); err == nil {
		domain = model.DossierDomain(tenant, id)
	}
	topic, _ := model.ParseTopic(e.Topic)
	row, err := message{
		kind: CopyMessage, domain: domain, topic: topic, subject: e.ID,
		to: addressee{name: e.content.Tenant, email: copies.Email, locale: e.Locale},
		data: map[string]string{
			noteSubject: e.content.Subject, noteText: e.content.Text, noteName: e.Name, noteEmail: e.Email,
		},
	}.row(at)
	if err != nil {
		return err
	}
	return db.Create(&row).Error
}

// copied is for the address that copies still go to, if whoever set it may read
// this one. There is no link in a copy: what is the client's to do is not the
// firm's.
func (s *sending) copied() (bool, error) {
	copies, err := copiesOf(s.db, s.state.tenant)
	if err != nil {
		return false, err
	}
	if copies.Email != s.Email {
		return s.drop("copies go to this address no more")
	}
	topic, err := model.ParseTopic(s.Topic)
	if err != nil {
		return false, err
	}
	may, err := s.state.mayCopy(copies, s.domain, topic, s.at)
	if err != nil {
		return false, err
	}
	if !may {
		return s.drop("who set the address for copies may not read this message")
	}
	s.note()
	s.content.About, s.content.AboutEmail = s.content.Data[noteName], s.content.Data[noteEmail]
	return true, nil
}

// mayCopy reports whether copies of the messages of a topic in d may go where
// somebody wants them: who that is must be allowed to read them.
func (s *state) mayCopy(copies store.Copy, d model.Domain, topic model.Topic, at time.Time) (bool, error) {
	entry, declared := s.pack.Catalog.Topic(topic)
	by, may, err := s.setsCopies(copies, at)
	if err != nil || !may || !declared || by.system {
		return may && declared, err
	}
	if may, err = s.sees(by.user, d, at); err != nil || !may || entry.Needs.IsZero() {
		return may, err
	}
	return s.enforce(by.user, d, entry.Needs, at)
}

// setsCopies returns who set where copies go, and whether they still may.
func (s *state) setsCopies(copies store.Copy, at time.Time) (Actor, bool, error) {
	by, err := parseActor(copies.SetBy)
	if err != nil || by.system {
		return by, err == nil, err
	}
	may, err := s.enforce(by.user, model.TenantDomain(s.tenant), model.EditTenant, at)
	return by, may, err
}

// copiesStopped reports whether the tenant has an address for copies that nobody
// vouches for any more.
func (q *query) copiesStopped(at time.Time) (bool, error) {
	copies, err := copiesOf(q.db, q.state.tenant)
	if err != nil || copies.Email == "" {
		return false, err
	}
	_, may, err := q.state.setsCopies(copies, at)
	return err == nil && !may, err
}
