package model

import (
	"fmt"
	"strings"
)

// A Subject is who holds a profile: a user or a team. It is written
// "user:ID" or "team:ID", so that nobody can be named like a profile. The
// zero Subject is nobody.
type Subject struct{ s string }

const (
	userPrefix = "user:"
	teamPrefix = "team:"
)

// UserSubject returns the subject that is u.
func UserSubject(u UserID) Subject { return Subject(u) }

// TeamSubject returns the subject that is t.
func TeamSubject(t TeamID) Subject { return Subject(t) }

// ParseSubject reads "user:ID" or "team:ID". The error wraps [ErrInvalid].
func ParseSubject(s string) (Subject, error) {
	var err error
	if id, ok := strings.CutPrefix(s, userPrefix); ok {
		_, err = ParseUserID(id)
	} else if id, ok := strings.CutPrefix(s, teamPrefix); ok {
		_, err = ParseTeamID(id)
	} else {
		err = fmt.Errorf("want user:ID or team:ID: %w", ErrInvalid)
	}
	if err != nil {
		return Subject{}, fmt.Errorf("subject %.80q: %w", s, err)
	}
	return Subject{s}, nil
}

// User returns the user that s is, if it is one.
func (s Subject) User() (UserID, bool) {
	if !strings.HasPrefix(s.s, userPrefix) {
		return UserID{}, false
	}
	return UserID(s), true
}

// Team returns the team that s is, if it is one.
func (s Subject) Team() (TeamID, bool) {
	if !strings.HasPrefix(s.s, teamPrefix) {
		return TeamID{}, false
	}
	return TeamID(s), true
}

// IsZero reports whether s is nobody.
func (s Subject) IsZero() bool { return s.s == "" }

// String returns s as a policy writes it.
func (s Subject) String() string { return s.s }

// MarshalText implements [encoding.TextMarshaler].
func (s Subject) MarshalText() ([]byte, error) { return []byte(s.s), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] with [ParseSubject].
func (s *Subject) UnmarshalText(text []byte) error {
	parsed, err := ParseSubject(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}
