package authz

import (
	"context"
	"fmt"
	"strings"

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
// mail each. Whoever has stopped being one by the time theirs is sent gets nothing. Inside a
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
	err := acceptable(s.db, s.at).Where("tenant = ?", s.state.tenant).
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
