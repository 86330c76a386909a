package model

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// ErrInvalid is the cause of every error that this package returns for text
// it refuses. Test for it with errors.Is.
var ErrInvalid = errors.New("invalid")

// maxLen is the longest identifier or name, in bytes: the length of a UUID.
const maxLen = 36

// An ID identifies one tenant, dossier, user or team, or one invitation,
// message, request or review. It is 1 to 36 bytes of
// A–Z, a–z, 0–9, '_' and '-', so it can never hold a separator, a wildcard or
// anything a database might fold. The kind K keeps IDs apart: a [UserID] does
// not compile where a [TeamID] is wanted.
//
// IDs are compared with ==, work as map keys, and read and write themselves
// as text, JSON and SQL. The zero ID is no ID at all: every method of authz
// refuses it.
type ID[K idKind] struct{ s string } // with the prefix of its kind: see [Subject]

type (
	TenantID     = ID[tenantKind]     // TenantID identifies a tenant.
	DossierID    = ID[dossierKind]    // DossierID identifies a dossier within its tenant.
	UserID       = ID[userKind]       // UserID identifies a person, across tenants.
	TeamID       = ID[teamKind]       // TeamID identifies a team within its tenant.
	InvitationID = ID[invitationKind] // InvitationID identifies an invitation.
	MessageID    = ID[messageKind]    // MessageID identifies a message in the outbox.
	RequestID    = ID[requestKind]    // RequestID identifies a request for an account.
	ReviewID     = ID[reviewKind]     // ReviewID identifies a review of access.
)

type idKind interface {
	tenantKind | dossierKind | userKind | teamKind | invitationKind | messageKind | requestKind | reviewKind
	String() string
	prefix() string
}

type (
	tenantKind     struct{}
	dossierKind    struct{}
	userKind       struct{}
	teamKind       struct{}
	invitationKind struct{}
	messageKind    struct{}
	requestKind    struct{}
	reviewKind     struct{}
)

func (tenantKind) String() string     { return "tenant" }
func (dossierKind) String() string    { return "dossier" }
func (userKind) String() string       { return "user" }
func (teamKind) String() string       { return "team" }
func (invitationKind) String() string { return "invitation" }
func (messageKind) String() string    { return "message" }
func (requestKind) String() string    { return "request" }
func (reviewKind) String() string     { return "review" }

// What stands before the ID in a policy. An ID holds both, so that a check
// need not put them together.
func (tenantKind) prefix() string     { return "" }
func (dossierKind) prefix() string    { return "" }
func (userKind) prefix() string       { return userPrefix }
func (teamKind) prefix() string       { return teamPrefix }
func (invitationKind) prefix() string { return "" }
func (messageKind) prefix() string    { return "" }
func (requestKind) prefix() string    { return "" }
func (reviewKind) prefix() string     { return "" }

// ParseTenantID reads a tenant's ID. The error wraps [ErrInvalid].
func ParseTenantID(s string) (TenantID, error) { return parseID[tenantKind](s) }

// ParseDossierID reads a dossier's ID. The error wraps [ErrInvalid].
func ParseDossierID(s string) (DossierID, error) { return parseID[dossierKind](s) }

// ParseUserID reads a user's ID. The error wraps [ErrInvalid].
func ParseUserID(s string) (UserID, error) { return parseID[userKind](s) }

// ParseTeamID reads a team's ID. The error wraps [ErrInvalid].
func ParseTeamID(s string) (TeamID, error) { return parseID[teamKind](s) }

// ParseInvitationID reads an invitation's ID. The error wraps [ErrInvalid].
func ParseInvitationID(s string) (InvitationID, error) { return parseID[invitationKind](s) }

// ParseMessageID reads a message's ID. The error wraps [ErrInvalid].
func ParseMessageID(s string) (MessageID, error) { return parseID[messageKind](s) }

// ParseRequestID reads a request's ID. The error wraps [ErrInvalid].
func ParseRequestID(s string) (RequestID, error) { return parseID[requestKind](s) }

// ParseReviewID reads a review's ID. The error wraps [ErrInvalid].
func ParseReviewID(s string) (ReviewID, error) { return parseID[reviewKind](s) }

// NewTenantID returns a fresh UUIDv7.
func NewTenantID() TenantID { return newID[tenantKind]() }

// NewDossierID returns a fresh UUIDv7.
func NewDossierID() DossierID { return newID[dossierKind]() }

// NewUserID returns a fresh UUIDv7.
func NewUserID() UserID { return newID[userKind]() }

// NewTeamID returns a fresh UUIDv7.
func NewTeamID() TeamID { return newID[teamKind]() }

// NewInvitationID returns a fresh UUIDv7.
func NewInvitationID() InvitationID { return newID[invitationKind]() }

// NewMessageID returns a fresh UUIDv7.
func NewMessageID() MessageID { return newID[messageKind]() }

// NewRequestID returns a fresh UUIDv7.
func NewRequestID() RequestID { return newID[requestKind]() }

// NewReviewID returns a fresh UUIDv7.
func NewReviewID() ReviewID { return newID[reviewKind]() }

func parseID[K idKind](s string) (ID[K], error) {
	var kind K
	if err := checkID(s); err != nil {
		return ID[K]{}, fmt.Errorf("%v id %w", kind, err)
	}
	return ID[K]{kind.prefix() + s}, nil
}

func newID[K idKind]() ID[K] {
	// NewV7 fails only when the system has no randomness to give; nothing that
	// needs an identifier can go on without it.
	var kind K
	return ID[K]{kind.prefix() + uuid.Must(uuid.NewV7()).String()}
}

func checkID(s string) error {
	if s == "" {
		return fmt.Errorf("is empty: %w", ErrInvalid)
	}
	if len(s) > maxLen {
		return fmt.Errorf("%.40q… is %d bytes long, want at most %d: %w", s, len(s), maxLen, ErrInvalid)
	}
	for i := range len(s) {
		if !inID[s[i]] {
			return fmt.Errorf("%q: want only A-Z, a-z, 0-9, _ and -: %w", s, ErrInvalid)
		}
	}
	return nil
}

// inID has the bytes that an ID may have. A table, since what comes next in a UUID, a
// letter or a digit, is beyond guessing for a processor that has to compare.
var inID = func() (in [256]bool) {
	for i := range in {
		c := byte(i)
		in[i] = isLetter(c) || '0' <= c && c <= '9' || c == '_' || c == '-'
	}
	return in
}()

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// String returns the ID as written, or "" for the zero ID.
func (id ID[K]) String() string {
	if id.s == "" {
		return ""
	}
	var kind K
	return id.s[len(kind.prefix()):]
}

// IsZero reports whether id is the zero ID.
func (id ID[K]) IsZero() bool { return id.s == "" }

// MarshalText implements [encoding.TextMarshaler].
func (id ID[K]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It refuses what the
// Parse functions refuse, the empty text included.
func (id *ID[K]) UnmarshalText(text []byte) error {
	parsed, err := parseID[K](string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// Value implements [driver.Valuer]. The zero ID is NULL.
func (id ID[K]) Value() (driver.Value, error) {
	if id.s == "" {
		return nil, nil
	}
	return id.String(), nil
}

// Scan implements [sql.Scanner]. NULL is the zero ID.
func (id *ID[K]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*id = ID[K]{}
		return nil
	case string:
		return id.UnmarshalText([]byte(v))
	case []byte:
		return id.UnmarshalText(v)
	default:
		var kind K
		return fmt.Errorf("%v id from %T: %w", kind, src, ErrInvalid)
	}
}

// Must returns v, and panics when err is not nil. It is for values written in
// source code, such as model.Must(model.ParseTenantID("acme")).
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
