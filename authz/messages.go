package authz

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Message is one mail in the outbox, sent or not. What it says is not kept
// here.
type Message struct {
	ID     model.MessageID
	Kind   MessageKind
	Domain model.Domain
	Topic  model.Topic // of a [TopicMessage] and of its copy
	About  string      // the ID of the invitation, request or review that it is about
	To     Recipient   // User is zero for one without an account

	State    MessageState
	Attempts int
	Failure  string    // why the last attempt failed, or why it was dropped
	Queued   time.Time // when it was put into the outbox
	Next     time.Time // when it is tried next, while it is queued
	Done     time.Time // when it was sent, dropped or given up
}

// A MessageState is where a message stands.
type MessageState string

// The states of a message.
const (
	MessageQueued  MessageState = store.Queued
	MessageSent    MessageState = store.Sent
	MessageDropped MessageState = store.Dropped // there is no reason for it any more
	MessageDead    MessageState = store.Dead    // given up; see [Authz.RetryMessage]
)

// A MessageFilter says which messages are wanted. The zero one wants all.
type MessageFilter struct {
	State MessageState
	Kind  MessageKind
	Limit int // of a page, up to 1,000; zero is 100
}

// Messages lists the messages of a tenant after the given one, the oldest
// first. The next page is the one after the last ID of this one; an empty page
// is the end. It takes "member invite" in the tenant, and shows a user those that
// are about no dossier, with where they went, and no difference between an invitation
// and a link: who has an account is the host's to know. [System] sees all of a tenant,
// and may leave the tenant out, for those of all tenants.
func (az *Authz) Messages(ctx context.Context, by Actor, t model.TenantID, f MessageFilter, after model.MessageID) ([]Message, error) {
	if f.Limit < 0 || f.Limit > maxPage {
		return nil, fmt.Errorf("authz: messages: limit %d: want 1 to %d: %w", f.Limit, maxPage, ErrInvalid)
	}
	if t.IsZero() && by.system {
		if err := az.ready(); err != nil {
			return nil, err
		}
		found, err := messages(az.db(ctx), f, after)
		return found, wrapped("messages", err)
	}
	return read(ctx, az, by, model.TenantDomain(t), model.InviteMember, "messages", func(q *query) ([]Message, error) {
		if by.system {
			return messages(q.db.Where("tenant = ?", t), f, after)
		}
		db := q.db.Where("tenant = ? AND dossier = ''", t)
		if f.Kind == InvitationMessage || f.Kind == LinkMessage {
			db, f.Kind = db.Where("kind IN ?", []MessageKind{InvitationMessage, LinkMessage}), ""
		}
		found, err := messages(db, f, after)
		for i := range found {
			if found[i].Kind == LinkMessage {
				found[i].Kind = InvitationMessage
			}
		}
		return found, err
	})
}

func messages(db *gorm.DB, f MessageFilter, after model.MessageID) ([]Message, error) {
	db = db.Where("id > ?", after.String())
	if f.State != "" {
		db = db.Where("state = ?", f.State)
	}
	if f.Kind != "" {
		db = db.Where("kind = ?", f.Kind)
	}
	limit := f.Limit
	if limit == 0 {
		limit = 100
	}
	var rows []store.Message
	if err := db.Omit("data").Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	var all []Message
	for _, r := range rows {
		m := Message{
			Kind: MessageKind(r.Kind), About: r.Subject, To: Recipient{Name: r.Name, Email: r.Email},
			State: MessageState(r.State), Attempts: r.Attempts, Failure: r.Failure, Queued: r.QueuedAt.Time(), Done: r.DoneAt.Time(),
		}
		if m.State == MessageQueued {
			m.Next = max(r.NextAt, r.ClaimedUntil).Time()
		}
		for _, err := range []error{
			m.ID.UnmarshalText([]byte(r.ID)), m.To.User.Scan(null(r.Person)), m.Topic.Scan(null(r.Topic)),
			m.Domain.UnmarshalText([]byte(r.Tenant + "/" + r.Dossier)),
		} {
			if err != nil {
				return nil, fmt.Errorf("message %s: %w: %w", r.ID, ErrCorrupt, err)
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// null is what a zero ID is scanned from.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// RetryMessage puts a message that was given up back into the outbox, with all
// its attempts. It takes "member invite" in the tenant.
func (az *Authz) RetryMessage(ctx context.Context, by Actor, t model.TenantID, id model.MessageID) error {
	return az.write(ctx, by, t, "retry message", func(c *change) error {
		if err := c.require(model.TenantDomain(t), model.InviteMember); err != nil {
			return err
		}
		if id.IsZero() {
			return fmt.Errorf("message is not set: %w", ErrInvalid)
		}
		var row store.Message
		if err := c.db().Select("state").Where("id = ? AND tenant = ?", id, t).Take(&row).Error; err != nil {
			return notFound(store.Translate(err), "message %v", id)
		}
		if row.State != store.Dead {
			return fmt.Errorf("message %v is %s, not dead: %w", id, row.State, ErrConflict)
		}
		c.detail["message"] = id.String()
		c.tx.mails = true
		return c.db().Model(&store.Message{}).Where("id = ?", id).Updates(map[string]any{
			"state": store.Queued, "attempts": 0, "next_at": store.At(c.at), "done_at": 0, "claimed_by": "", "claimed_until": 0,
		}).Error
	})
}
