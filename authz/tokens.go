package authz

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// tokenBytes is the length of a token: 256 random bits.
const tokenBytes = 32

// mint makes one more token for an invitation. It exists in what mint returns,
// which goes into one mail and nowhere else; the database has its hash. It is
// ErrExpired for an invitation that cannot be accepted, though not for a moot one,
// which must look as if it could. db must be a transaction: it holds the invitation, so
// that whoever revokes it meanwhile finds the new token too.
func mint(db *gorm.DB, invitation string, at time.Time) (string, error) {
	var open []store.Invitation
	err := db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Select("id").
		Where("id = ? AND state = ? AND renewal = '' AND expires_at > ?", invitation, store.Pending, store.At(at)).Find(&open).Error
	if err != nil {
		return "", store.Translate(err)
	}
	if len(open) == 0 {
		return "", fmt.Errorf("invitation %s cannot be accepted: %w", invitation, ErrExpired)
	}
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails: the program ends first
	token := base64.RawURLEncoding.EncodeToString(secret)
	err = db.Create(&store.Token{Hash: hashOf(token), Invitation: invitation, MadeAt: store.At(at)}).Error
	return token, store.Translate(err)
}

func hashOf(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}

// errLink is said of every link that is not good, whatever the reason.
var errLink = fmt.Errorf("the link is not good, or not any more: ask whoever invited you for a new one: %w", ErrExpired)

// A link is an invitation that somebody has the token of.
type link struct {
	store.Invitation
	Hash    []byte
	Holder  model.UserID // who has its address verified; zero: nobody
	Account bool         // Person is somebody who can sign in
}

// owner is who must be signed in to accept; zero: nobody, since accepting
// makes the account.
func (l *link) owner() model.UserID {
	if l.Account {
		return l.Person
	}
	return l.Holder
}

// taken reports whether the address has become that of another than it is for.
func (l *link) taken() bool { return l.Account && !l.Holder.IsZero() && l.Holder != l.Person }

// follow finds the invitation of a token, or errLink. Whatever is wrong with
// the token, there is one query and one answer.
func follow(db *gorm.DB, token string, at time.Time, terms InvitationTerms) (*link, error) {
	hash := hashOf(token)
	var found []link
	account := "i.person IS NOT NULL AND " + hasAccount("i.person")
	err := db.Raw(`SELECT i.*, t.hash, h.person AS holder, CASE WHEN `+account+` THEN TRUE ELSE FALSE END AS account
		FROM volmacht_tokens t
		JOIN volmacht_invitations i ON i.id = t.invitation
		JOIN volmacht_tenants n ON n.id = i.tenant
		LEFT JOIN volmacht_addresses h ON h.verified_key = i.canonical
		WHERE t.hash = ? AND i.state = ? AND i.renewal = '' AND i.expires_at > ? AND n.closed_at = 0
		AND `+alive("i.id")+` AND (t.made_at > ? OR h.person IS NOT NULL OR `+account+`)`,
		hash, store.Pending, store.At(at), store.At(at.Add(-terms.NewAccount))).Scan(&found).Error
	if err != nil {
		return nil, store.Translate(err)
	}
	if len(found) != 1 || subtle.ConstantTimeCompare(found[0].Hash, hash) != 1 {
		return nil, errLink
	}
	return &found[0], nil
}

// claim follows a token once more, now that the tenant is locked: whoever was
// first has used it up. It locks the people that the link is about, too: whose the
// address is, and who has an account, changes without the tenant.
func (c *change) claim(token string) (*link, error) {
	var locked []model.UserID
	for {
		l, err := follow(c.db(), token, c.at, c.az.terms)
		if err != nil {
			return nil, err
		}
		people := slices.DeleteFunc([]model.UserID{l.Person, l.Holder}, func(u model.UserID) bool {
			return u.IsZero() || slices.Contains(locked, u)
		})
		if len(people) == 0 {
			return l, nil
		}
		slices.SortFunc(people, compareIDs)
		for _, u := range people {
			if _, err := c.store().Lock(store.PersonStream(u)); err != nil {
				return nil, notFound(err, "person %v", u)
			}
			locked = append(locked, u)
		}
	}
}

// killLinks makes the links of an invitation worthless, and keeps mails from being
// sent that would make more, those that were given up too: of several mails about an
// invitation only the last one counts. Its row must be written before: that is what
// mint waits for.
func (c *change) killLinks(invitations ...string) error {
	if len(invitations) == 0 {
		return nil
	}
	for _, kill := range []struct {
		state   string
		changes map[string]any
	}{
		{store.Queued, map[string]any{"state": store.Dropped, "done_at": store.At(c.at), "failure": "its link is not good any more"}},
		{store.Dead, map[string]any{"state": store.Dropped, "done_at": store.At(c.at)}}, // it says why already
	} {
		err := c.db().Model(&store.Message{}).
			Where("subject IN ? AND kind IN ? AND state = ?", invitations, []MessageKind{InvitationMessage, LinkMessage}, kill.state).
			Updates(kill.changes).Error
		if err != nil {
			return err
		}
	}
	return c.db().Where("invitation IN ?", invitations).Delete(&store.Token{}).Error
}
