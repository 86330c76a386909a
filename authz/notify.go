package authz

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Note is a message of the host.
type Note struct {
	Subject string
	// Text is plain. A blank line begins a new paragraph; nothing in it is
	// taken for a link.
	Text string
	// Path is where in the portal the mail leads, such as "/documents/7",
	// below [Links.Portal]. Empty is the portal itself.
	Path string
}

func (n Note) check() error {
	if err := checkText("subject", n.Subject, required, 200); err != nil {
		return err
	}
	if err := checkProse("text", n.Text, 20_000); err != nil {
		return err
	}
	return checkPath(n.Path)
}

// The keys of a topic message's data.
const (
	noteSubject = "subject"
	noteText    = "text"
	notePath    = "path"
	noteName    = "name" // in a copy: who got it
	noteEmail   = "email"
)

// Notify sends a message of the host to the [Authz.Recipients] of a topic: one
// mail each. Whoever is none any more when theirs is sent gets nothing. Inside a
// [Authz.Transaction] it is sent only if the whole of that is committed. Where
// there are no recipients, nothing happens. Only [System] may.
func (az *Authz) Notify(ctx context.Context, by Actor, d model.Domain, topic model.Topic, n Note) error {
	return az.write(ctx, by, d.Tenant(), "notify", func(c *change) error {
		if d.IsDossier() {
			if _, err := c.requireDossier(d, model.SeeDossier); err != nil {
				return err
			}
		}
		if err := c.requireSystem(); err != nil {
			return err
		}
		if err := c.require(d); err != nil {
			return err
		}
		n.Text = strings.ReplaceAll(n.Text, "\r\n", "\n")
		if err := n.check(); err != nil {
			return err
		}
		to, err := recipients(c.db(), c.before, c.at, d, topic, model.UserID{})
		if err != nil {
			return err
		}
		if len(to) == 0 {
			return errUnchanged
		}
		for _, r := range to {
			err := c.send(message{
				kind: TopicMessage, domain: d, topic: topic,
				to:   addressee{user: r.User, name: r.Name, email: r.Email, locale: r.locale},
				data: map[string]string{noteSubject: n.Subject, noteText: n.Text, notePath: n.Path},
			})
			if err != nil {
				return err
			}
		}
		c.detail["domain"], c.detail["topic"], c.detail["recipients"] = d.String(), topic.String(), fmt.Sprint(len(to))
		return nil
	})
}

// note puts what the host wrote into the mail.
func (s *sending) note() {
	topic, _ := model.ParseTopic(s.Topic)
	if entry, ok := s.state.pack.Catalog.Topic(topic); ok {
		s.content.Topic = entry.Labels.In(localeOf(s.Locale))
	}
	s.content.Subject, s.content.Text = s.content.Data[noteSubject], s.content.Data[noteText]
}

// topic is for who is still a recipient. Who has not activated the account yet
// is told, with a way in if an invitation waits at this very address.
func (s *sending) topic() (bool, error) {
	topic, err := model.ParseTopic(s.Topic)
	if err != nil {
		return false, err
	}
	if _, declared := s.state.pack.Catalog.Topic(topic); !declared {
		return false, nil
	}
	canonical, err := canonicalEmail(s.Email)
	if err != nil {
		return false, err
	}
	now, err := recipients(s.db, s.state, s.at, s.domain, topic, s.user)
	if err != nil {
		return false, err
	}
	still := false
	for _, r := range now {
		still = still || r.canonical == canonical
	}
	if !still {
		return false, nil
	}
	s.note()
	s.content.Link = s.az.mail.links.below(s.content.Data[notePath])
	return true, s.banner(canonical)
}

func (s *sending) banner(canonical string) error {
	var waiting []store.Invitation
	err := s.db.Where("tenant = ? AND state = ? AND expires_at > ? AND renewal = ''", s.state.tenant, store.Pending, store.At(s.at)).
		Where("person = ? OR canonical = ?", s.user, canonical).Order("invited_at DESC, id DESC").Find(&waiting).Error
	if err != nil {
		return err
	}
	for _, inv := range waiting {
		s.content.Activate = true
		if inv.Canonical != canonical {
			continue // its token shows that who has it reads that address
		}
		if s.token, err = mint(s.db, inv.ID, s.at); err != nil {
			return err
		}
		s.content.ActivateLink = s.az.mail.links.invitation(s.token)
		return nil
	}
	if s.content.Activate {
		return nil
	}
	var member store.Member
	err = s.db.Where("tenant = ? AND person = ?", s.state.tenant, s.user).Take(&member).Error
	s.content.Activate = member.State == store.Invited
	return err
}

// SetCopies makes a tenant get a copy of every message that is sent in its name
// to the recipients of a topic: who got it and what it said, without any link.
// An empty address ends that. It takes "tenant edit".
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
		if old == email {
			return errUnchanged
		}
		c.detail["copies"] = map[bool]string{true: "on", false: "off"}[email != ""]
		err = c.db().Where("tenant = ?", t).Delete(&store.Copy{}).Error
		if err == nil && email != "" {
			err = c.db().Create(&store.Copy{Tenant: t, Email: email}).Error
		}
		return err
	})
}

// Copies returns where a tenant gets its copies, or "". It takes "tenant view".
func (az *Authz) Copies(ctx context.Context, by Actor, t model.TenantID) (string, error) {
	return read(ctx, az, by, model.TenantDomain(t), model.ViewTenant, "copies", func(q *query) (string, error) {
		return copiesOf(q.db, t)
	})
}

func copiesOf(db *gorm.DB, t model.TenantID) (string, error) {
	var found []string
	if err := db.Model(&store.Copy{}).Where("tenant = ?", t).Pluck("email", &found).Error; err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
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
	email, err := copiesOf(db, tenant)
	if err != nil || email == "" || asciiDomain(email) == asciiDomain(e.Email) {
		return err
	}
	domain := model.TenantDomain(tenant)
	if id, err := model.ParseDossierID(e.Dossier); err == nil {
		domain = model.DossierDomain(tenant, id)
	}
	topic, _ := model.ParseTopic(e.Topic)
	row, err := message{
		kind: CopyMessage, domain: domain, topic: topic, subject: e.ID,
		to: addressee{name: e.content.Tenant, email: email, locale: e.Locale},
		data: map[string]string{
			noteSubject: e.content.Subject, noteText: e.content.Text, noteName: e.Name, noteEmail: e.Email,
		},
	}.row(at)
	if err != nil {
		return err
	}
	return db.Create(&row).Error
}

// copied is for the address that copies still go to. There is no link in a copy:
// what is the client's to do is not the firm's.
func (s *sending) copied() (bool, error) {
	email, err := copiesOf(s.db, s.state.tenant)
	if err != nil || email != s.Email {
		return false, err
	}
	s.note()
	s.content.About, s.content.AboutEmail = s.content.Data[noteName], s.content.Data[noteEmail]
	return true, nil
}
