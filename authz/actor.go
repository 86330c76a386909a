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

// String returns "system" or "user:ID", as the ledger writes it.
func (a Actor) String() string {
	if a.system {
		return "system"
	}
	return model.UserSubject(a.user).String()
}

func (a Actor) check() error {
	if !a.system && a.user.IsZero() {
		return fmt.Errorf("actor: want authz.System or authz.By(user): %w", ErrInvalid)
	}
	return checkText("reason", a.reason, optional, 500)
}

// is reports whether the actor is the user u.
func (a Actor) is(u model.UserID) bool { return !a.system && a.user == u }
