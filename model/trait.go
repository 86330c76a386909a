package model

import (
	"fmt"
	"strings"
)

// A Trait is something that is true of a domain and that rules can ask for:
// the second field of a g2 row. It is one of the four below, the name of a
// [Flag], or a kind and a name such as "module:payment". Traits are compared
// with ==; the zero Trait is refused everywhere.
type Trait struct{ s string }

// What a domain is, and who may see it. Every domain has the first or the
// second; every dossier has the third or the fourth.
var (
	TraitTenant  = Trait{"tenant"}
	TraitDossier = Trait{"dossier"}
	TraitShared  = Trait{"shared"}  // open to every tenant-wide reader
	TraitPrivate = Trait{"private"} // open to the assigned only
)

// A TraitKind is the part of a [Trait] before the colon.
type TraitKind string

// The kinds of traits. The traits of one kind are not exclusive in a policy;
// authz keeps a dossier to one configuration.
const (
	KindPlain         TraitKind = ""              // no colon: one of the constants, or a flag
	KindConfiguration TraitKind = "configuration" // on a dossier
	KindModule        TraitKind = "module"        // on a dossier
	KindSetting       TraitKind = "setting"       // on a tenant, seen from its dossiers too
	KindActivated     TraitKind = "activated"     // on a tenant, switched on by the vendor
	KindReleased      TraitKind = "released"      // everywhere, by a row of the pack
)

// ConfigurationTrait is the trait of a dossier under c.
func ConfigurationTrait(c Configuration) Trait { return trait(KindConfiguration, c.s) }

// ModuleTrait is the trait of a dossier on which m is active.
func ModuleTrait(m Module) Trait { return trait(KindModule, m.s) }

// SettingTrait is the trait of a tenant in which s is on.
func SettingTrait(s Setting) Trait { return trait(KindSetting, s.s) }

// ActivatedTrait is the trait of a tenant in which the vendor activated p.
func ActivatedTrait(p Profile) Trait { return trait(KindActivated, p.s) }

// FlagTrait is the trait of a dossier that is marked with f.
func FlagTrait(f Flag) Trait { return Trait(f) }

func trait(k TraitKind, name string) Trait {
	if name == "" {
		return Trait{}
	}
	return Trait{string(k) + ":" + name}
}

// ParseTrait reads a trait. The error wraps [ErrInvalid].
func ParseTrait(s string) (Trait, error) {
	kind, name, found := strings.Cut(s, ":")
	if !found {
		kind, name = "", s
	}
	switch TraitKind(kind) {
	case KindPlain:
		switch t := (Trait{s}); t {
		case TraitTenant, TraitDossier, TraitShared, TraitPrivate:
			return t, nil
		}
	case KindConfiguration, KindModule, KindSetting, KindActivated, KindReleased:
	default:
		return Trait{}, fmt.Errorf("trait %.80q: want configuration:, module:, setting:, activated:, released: or a plain name: %w", s, ErrInvalid)
	}
	if found && kind == "" {
		return Trait{}, fmt.Errorf("trait %.80q: want a kind before the colon: %w", s, ErrInvalid)
	}
	// What no Flag, Module and so on can be named, no trait can name.
	if _, err := parseName[flagKind](name); err != nil {
		return Trait{}, fmt.Errorf("trait %.80q: %w", s, err)
	}
	return Trait{s}, nil
}

// Kind returns the part before the colon.
func (t Trait) Kind() TraitKind {
	kind, _, found := strings.Cut(t.s, ":")
	if !found {
		return KindPlain
	}
	return TraitKind(kind)
}

// Name returns the part after the colon, or all of a plain trait.
func (t Trait) Name() string {
	if _, name, found := strings.Cut(t.s, ":"); found {
		return name
	}
	return t.s
}

// String returns the trait as a policy writes it.
func (t Trait) String() string { return t.s }

// IsZero reports whether t is no trait.
func (t Trait) IsZero() bool { return t.s == "" }

// MarshalText implements [encoding.TextMarshaler].
func (t Trait) MarshalText() ([]byte, error) { return []byte(t.s), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] with [ParseTrait].
func (t *Trait) UnmarshalText(text []byte) error {
	parsed, err := ParseTrait(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}
