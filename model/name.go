package model

import (
	"database/sql/driver"
	"fmt"
)

// A Name is a word that a pack declares in its catalog: a letter followed by
// letters, digits and '_', at most 36 bytes. Packs write names in lower snake
// case, except configurations, which are single capitals. As with [ID], the
// kind keeps one sort of name from being used as another, and the zero Name
// is refused everywhere.
type Name[K nameKind] struct{ s string }

type (
	Profile       = Name[profileKind]       // Profile is a named set of permissions that a person or team can hold.
	Configuration = Name[configurationKind] // Configuration is what a dossier allows at most to its client users.
	Module        = Name[moduleKind]        // Module is an option that is switched on for a dossier.
	Setting       = Name[settingKind]       // Setting is a switch of a tenant.
	Flag          = Name[flagKind]          // Flag marks a dossier, as "worklist" does.
	Topic         = Name[topicKind]         // Topic is a kind of message that people can choose to get.
)

type nameKind interface {
	profileKind | configurationKind | moduleKind | settingKind | flagKind | topicKind
	String() string
}

type (
	profileKind       struct{}
	configurationKind struct{}
	moduleKind        struct{}
	settingKind       struct{}
	flagKind          struct{}
	topicKind         struct{}
)

func (profileKind) String() string       { return "profile" }
func (configurationKind) String() string { return "configuration" }
func (moduleKind) String() string        { return "module" }
func (settingKind) String() string       { return "setting" }
func (flagKind) String() string          { return "flag" }
func (topicKind) String() string         { return "topic" }

// Words that the policy gives a meaning of their own, so that no profile and
// no flag can take them.
const (
	Any      = "any"      // Any stands in a rule for every link and every trait.
	Assigned = "assigned" // Assigned is held on a dossier by whoever is linked to it.
)

// Member is the profile that every active member of a tenant holds in it.
var Member = Profile{"member"}

// ParseProfile reads a profile's name. The error wraps [ErrInvalid].
func ParseProfile(s string) (Profile, error) { return parseName[profileKind](s) }

// ParseConfiguration reads a configuration's name. The error wraps [ErrInvalid].
func ParseConfiguration(s string) (Configuration, error) { return parseName[configurationKind](s) }

// ParseModule reads a module's name. The error wraps [ErrInvalid].
func ParseModule(s string) (Module, error) { return parseName[moduleKind](s) }

// ParseSetting reads a setting's name. The error wraps [ErrInvalid].
func ParseSetting(s string) (Setting, error) { return parseName[settingKind](s) }

// ParseFlag reads a flag's name. The error wraps [ErrInvalid].
func ParseFlag(s string) (Flag, error) { return parseName[flagKind](s) }

// ParseTopic reads a topic's name. The error wraps [ErrInvalid].
func ParseTopic(s string) (Topic, error) { return parseName[topicKind](s) }

func parseName[K nameKind](s string) (Name[K], error) {
	var kind K
	if err := checkName(s); err != nil {
		return Name[K]{}, fmt.Errorf("%v %w", kind, err)
	}
	switch s {
	case Any, Assigned, TraitTenant.s, TraitDossier.s, TraitShared.s, TraitPrivate.s:
		return Name[K]{}, fmt.Errorf("%v %q: the word has a meaning of its own: %w", kind, s, ErrInvalid)
	}
	return Name[K]{s}, nil
}

func checkName(s string) error {
	if err := checkID(s); err != nil {
		return err
	}
	if !isLetter(s[0]) {
		return fmt.Errorf("%q: want a letter first: %w", s, ErrInvalid)
	}
	for i := range len(s) {
		if s[i] == '-' {
			return fmt.Errorf("%q: want _ for -: %w", s, ErrInvalid)
		}
	}
	return nil
}

// String returns the name as written, or "" for the zero Name.
func (n Name[K]) String() string { return n.s }

// IsZero reports whether n is the zero Name.
func (n Name[K]) IsZero() bool { return n.s == "" }

// MarshalText implements [encoding.TextMarshaler].
func (n Name[K]) MarshalText() ([]byte, error) { return []byte(n.s), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It refuses what the
// Parse functions refuse, the empty text included.
func (n *Name[K]) UnmarshalText(text []byte) error {
	parsed, err := parseName[K](string(text))
	if err == nil {
		*n = parsed
	}
	return err
}

// Value implements [driver.Valuer]. The zero Name is NULL.
func (n Name[K]) Value() (driver.Value, error) {
	if n.s == "" {
		return nil, nil
	}
	return n.s, nil
}

// Scan implements [sql.Scanner]. NULL is the zero Name.
func (n *Name[K]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*n = Name[K]{}
		return nil
	case string:
		return n.UnmarshalText([]byte(v))
	case []byte:
		return n.UnmarshalText(v)
	default:
		var kind K
		return fmt.Errorf("%v from %T: %w", kind, src, ErrInvalid)
	}
}
