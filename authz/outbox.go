package authz

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A MessageKind says what a message is for.
type MessageKind string

// The kinds of message that Volmacht itself sends. Nobody is told of a changed
// right (SOP-06): an answer to a request is none.
const (
	// InvitationMessage: somebody without an account is invited.
	InvitationMessage MessageKind = "invitation"
	// LinkMessage: somebody with an account is invited to one more place.
	LinkMessage MessageKind = "link"
	// RenewalMessage: an invitation could not be accepted as it was; to the
	// inviter, or the responsible.
	RenewalMessage MessageKind = "renewal"
	// RequestMessage: an account was asked for; to the responsible.
	RequestMessage MessageKind = "account_request"
	// DecisionMessage: the request was approved or declined; to who asked.
	DecisionMessage MessageKind = "request_decision"
	// TopicMessage: the host's own message, to the recipients of a topic.
	TopicMessage MessageKind = "topic"
	// ReviewMessage: a review of access was opened; to who conducts it.
	ReviewMessage MessageKind = "review"
	// ReminderMessage: a review of access is not done yet.
	ReminderMessage MessageKind = "review_reminder"
	// CopyMessage: what a TopicMessage said and who got it; to the address of
	// [Authz.SetCopies].
	CopyMessage MessageKind = "copy"
)

// kinds are all of them.
var kinds = []MessageKind{
	InvitationMessage, LinkMessage, RenewalMessage, RequestMessage, DecisionMessage, TopicMessage, ReviewMessage, ReminderMessage, CopyMessage,
}

// A message is what is written into the outbox. What a mail says of its subject
// is read when it is sent: data is what only the sender of a message knows.
type message struct {
	kind    MessageKind
	domain  model.Domain
	topic   model.Topic
	subject string // the ID of the invitation, request or review that it is about
	to      addressee
	data    map[string]string // for the template; never a token
}

// An addressee is who gets a message. User is zero for one who has no account.
type addressee struct {
	user                model.UserID
	name, email, locale string
}

// send puts a message into the outbox: it is sent if the change is committed.
func (c *change) send(m message) error {
	row, err := c.queued(m)
	if err != nil {
		return err
	}
	return c.db().Create(&row).Error
}

// queued is the row of the outbox that m becomes, for a change that writes it.
func (c *change) queued(m message) (store.Message, error) {
	c.tx.mails = true
	return m.row(c.at)
}

// row is the row of the outbox that m becomes.
func (m message) row(at time.Time) (store.Message, error) {
	data, err := json.Marshal(m.data)
	if err != nil {
		return store.Message{}, err
	}
	if _, err := canonicalEmail(m.to.email); err != nil {
		return store.Message{}, fmt.Errorf("message to %q: %w", m.to.name, err)
	}
	return store.Message{
		ID: model.NewMessageID().String(), Kind: string(m.kind),
		Tenant: m.domain.Tenant().String(), Dossier: m.domain.Dossier().String(),
		Topic: m.topic.String(), Subject: m.subject,
		Person: m.to.user.String(), Name: m.to.name, Email: m.to.email, Locale: m.to.locale,
		Data: string(data), State: store.Queued, NextAt: store.At(at), QueuedAt: store.At(at),
	}, nil
}
