package authz

import (
	"fmt"

	"github.com/volmacht/volmacht/model"
)

// An Actor is who makes a change: [System], or a user by [By]. The zero Actor
// is refused.
type Actor struct {
	user   model.UserID
	system bool
	reason string

	invitation model.InvitationID // whoever has its link: see [Authz.Decline]
}

// System is the host application itself. It needs no permission, but what
// must always be true (the last administrator, one manager, an open dossier)
// binds it like everybody.
var System = Actor{system: true}

// By is the user who is signed in. Every change that By makes is checked
// against the policy.
func By(user model.UserID) Actor { return Actor{user: user} }

// Because adds the reason that the ledger keeps, such as a ticket number.
func (a Actor) Because(reason string) Actor {
	a.reason = reason
	return a
}

// systemName is how System is written.
const systemName = "system"

// String returns "system" or "user:ID", as the ledger writes it, or
// "invitation:ID" for whoever has the link of an invitation.
func (a Actor) String() string {
	switch {
	case a.system:
		return systemName
	case !a.invitation.IsZero():
		return "invitation:" + a.invitation.String()
	}
	return model.UserSubject(a.user).String()
}

// parseActor reads what String writes of the system and of a user.
func parseActor(s string) (Actor, error) {
	if s == systemName {
		return System, nil
	}
	who, err := model.ParseSubject(s)
	if u, ok := who.User(); ok && err == nil {
		return By(u), nil
	}
	return Actor{}, fmt.Errorf("actor %q: %w", s, ErrCorrupt)
}

func (a Actor) check() error {
	if !a.system && a.user.IsZero() && a.invitation.IsZero() {
		return fmt.Errorf("actor: want authz.System or authz.By(user): %w", ErrInvalid)
	}
	return checkText("reason", a.reason, optional, 500)
}

// is reports whether the actor is the user u.
func (a Actor) is(u model.UserID) bool { return !a.system && a.user == u }
