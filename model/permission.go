package model

import (
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"unique"
)

// A Permission is something one may be allowed to do: an action on an object,
// written "figure view". The object may be a part of another ("document:own")
// or a profile to hand out ("profile:full_access"). The zero Permission is
// refused everywhere.
type Permission struct {
	words unique.Handle[words] // there are few, and they are compared in every check
	owner UserID
}

type words struct {
	object, action string
	hash           uint32
}

func permission(object, action string) Permission {
	h := fnv.New32a()
	_, _ = io.WriteString(h, object+" "+action)
	return Permission{words: unique.Make(words{object, action, h.Sum32()})}
}

func (p Permission) read() words {
	if p.words == (unique.Handle[words]{}) {
		return words{}
	}
	return p.words.Value()
}

// ownPart is the part of an object that belongs to the one who asks.
const ownPart = ":own"

// ParsePermission reads an object and an action. The error wraps [ErrInvalid].
func ParsePermission(object, action string) (Permission, error) {
	if err := checkObject(object); err != nil {
		return Permission{}, err
	}
	if err := checkName(action); err != nil {
		return Permission{}, fmt.Errorf("action %w", err)
	}
	return permission(object, action), nil
}

func checkObject(s string) error {
	name, part, found := strings.Cut(s, ":")
	err := checkName(name)
	if err == nil && found {
		err = checkName(part)
	}
	if err != nil {
		return fmt.Errorf("object %w", err)
	}
	return nil
}

// GrantOf is the permission to give and take profile p.
func GrantOf(p Profile) Permission {
	if p.IsZero() {
		return Permission{}
	}
	return permission("profile:"+p.s, "grant")
}

// Of asks p about something that owner owns. When the owner is the one who
// asks, the object is its own part: accountancy.ViewDocument.Of(uploader) is
// "document:own view" for the uploader and "document view" for everybody else.
func (p Permission) Of(owner UserID) Permission {
	p.owner = owner
	return p
}

// For returns p as asked by user, with the owner of [Permission.Of] folded
// into the object.
func (p Permission) For(user UserID) Permission {
	if p.OwnedBy(user) {
		w := p.read()
		return permission(w.object+ownPart, w.action)
	}
	p.owner = UserID{}
	return p
}

// Owner returns the owner of [Permission.Of], if p has one.
func (p Permission) Owner() (owner UserID, ok bool) { return p.owner, !p.owner.IsZero() }

// OwnedBy reports whether user asks p about something of its own: whether
// [Permission.For] makes another permission of it.
func (p Permission) OwnedBy(user UserID) bool {
	return !p.owner.IsZero() && p.owner == user &&
		!strings.Contains(p.read().object, ":") // a part has no part of its own
}

// A PermissionKey is a permission without its owner, as the key of a table: it
// is found in a fraction of the time that the permission itself takes.
type PermissionKey struct{ words unique.Handle[words] }

// Hash returns a number that tells most permissions apart, the same in every
// process.
func (k PermissionKey) Hash() uint32 { return Permission{words: k.words}.read().hash }

// Key returns the key of p, which is the same for every owner.
func (p Permission) Key() PermissionKey { return PermissionKey{p.words} }

// Object returns the object, such as "figure" or "profile:full_access".
func (p Permission) Object() string { return p.read().object }

// Action returns the action, such as "view".
func (p Permission) Action() string { return p.read().action }

// IsZero reports whether p asks for nothing.
func (p Permission) IsZero() bool { return p.words == (unique.Handle[words]{}) }

// String returns the object and the action with a space between, or "" for
// the zero Permission.
func (p Permission) String() string {
	if p.IsZero() {
		return ""
	}
	w := p.read()
	return w.object + " " + w.action
}

// MarshalText implements [encoding.TextMarshaler].
func (p Permission) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Permission) UnmarshalText(text []byte) error {
	object, action, _ := strings.Cut(string(text), " ")
	parsed, err := ParsePermission(object, action)
	if err == nil {
		*p = parsed
	}
	return err
}

// The permissions that authz itself asks for, whatever the pack.
var (
	EditSelf             = permission("self", "edit")
	ViewTenant           = permission("tenant", "view")
	EditTenant           = permission("tenant", "edit")
	ViewMember           = permission("member", "view")
	InviteMember         = permission("member", "invite")
	RemoveMember         = permission("member", "remove")
	CreateDossier        = permission("dossier", "create")
	SeeDossier           = permission("dossier", "see")
	ConfigureDossier     = permission("dossier", "configure")
	AssignDossier        = permission("dossier", "assign")
	CloseDossier         = permission("dossier", "close")
	SubmitAccountRequest = permission("account_request", "submit")
	DecideAccountRequest = permission("account_request", "decide")
	ViewAudit            = permission("audit", "view")
	ConductReview        = permission("review", "conduct")
)
