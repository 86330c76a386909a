package model

import (
	"fmt"
	"strings"
)

// A Permission is something one may be allowed to do: an action on an object,
// written "figure view". The object may be a part of another ("document:own")
// or a profile to hand out ("profile:full_access"). The zero Permission is
// refused everywhere.
type Permission struct {
	object, action string
	owner          UserID
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
	return Permission{object: object, action: action}, nil
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
	return Permission{object: "profile:" + p.s, action: "grant"}
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
	whole := !strings.Contains(p.object, ":") // a part has no part of its own
	if whole && !p.owner.IsZero() && p.owner == user {
		p.object += ownPart
	}
	p.owner = UserID{}
	return p
}

// Object returns the object, such as "figure" or "profile:full_access".
func (p Permission) Object() string { return p.object }

// Action returns the action, such as "view".
func (p Permission) Action() string { return p.action }

// IsZero reports whether p asks for nothing.
func (p Permission) IsZero() bool { return p.object == "" || p.action == "" }

// String returns the object and the action with a space between, or "" for
// the zero Permission.
func (p Permission) String() string {
	if p.IsZero() {
		return ""
	}
	return p.object + " " + p.action
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
	EditSelf             = Permission{object: "self", action: "edit"}
	ViewTenant           = Permission{object: "tenant", action: "view"}
	EditTenant           = Permission{object: "tenant", action: "edit"}
	ViewMember           = Permission{object: "member", action: "view"}
	InviteMember         = Permission{object: "member", action: "invite"}
	RemoveMember         = Permission{object: "member", action: "remove"}
	CreateDossier        = Permission{object: "dossier", action: "create"}
	SeeDossier           = Permission{object: "dossier", action: "see"}
	ConfigureDossier     = Permission{object: "dossier", action: "configure"}
	AssignDossier        = Permission{object: "dossier", action: "assign"}
	CloseDossier         = Permission{object: "dossier", action: "close"}
	SubmitAccountRequest = Permission{object: "account_request", action: "submit"}
	DecideAccountRequest = Permission{object: "account_request", action: "decide"}
	ViewAudit            = Permission{object: "audit", action: "view"}
	ConductReview        = Permission{object: "review", action: "conduct"}
)
