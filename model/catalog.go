package model

import (
	"iter"
	"maps"
	"strings"
)

// Labels are what people read for a name, in the languages of a pack.
type Labels struct{ EN, NL, DE string }

// In returns the label in the language of a BCP 47 tag such as "nl" or
// "nl-BE", and the English one for every other language.
func (l Labels) In(lang string) string {
	base, _, _ := strings.Cut(lang, "-")
	switch strings.ToLower(base) {
	case "nl":
		return l.NL
	case "de":
		return l.DE
	default:
		return l.EN
	}
}

// A Place is where a profile can be held or a permission asked for: a set of
// [AtTenant] and [AtDossier]. The zero Place is nowhere: the place of profiles
// that only group others.
type Place uint8

const (
	AtTenant  Place = 1 << iota // in a tenant itself
	AtDossier                   // on a dossier
)

// Covers reports whether p includes the sort of domain that d is.
func (p Place) Covers(d Domain) bool {
	switch {
	case d.IsZero():
		return false
	case d.IsDossier():
		return p&AtDossier != 0
	default:
		return p&AtTenant != 0
	}
}

// String returns p as a catalog writes it: "none", "tenant", "dossier" or
// "tenant dossier".
func (p Place) String() string {
	var words []string
	if p&AtTenant != 0 {
		words = append(words, "tenant")
	}
	if p&AtDossier != 0 {
		words = append(words, "dossier")
	}
	if words == nil {
		return "none"
	}
	return strings.Join(words, " ")
}

// A Catalog is the names that a pack declares, each in the order of the file.
// Its methods look a name up without walking the lists; they know the names of
// a Catalog that [ReadCatalog] or [ReadPack] returned.
type Catalog struct {
	Profiles       []ProfileEntry
	Permissions    []PermissionEntry
	Configurations []ConfigurationEntry
	Transitions    []Transition
	Modules        []ModuleEntry
	Settings       []SettingEntry
	Flags          []FlagEntry
	Topics         []TopicEntry

	name    string
	version int
	labels  Labels

	profiles       map[Profile]ProfileEntry
	permissions    map[Permission]PermissionEntry
	configurations map[Configuration]ConfigurationEntry
	pending        map[[2]Configuration]bool
	modules        map[Module]bool
	settings       map[Setting]bool
	flags          map[Flag]bool
	topics         map[Topic]TopicEntry
	rows           repeats
}

// Line returns the line of the catalog that declares name as the kind, such as
// "profile", or 0 when there is none.
func (c *Catalog) Line(kind, name string) int {
	return c.rows[strings.ToLower(kind+", "+name)].line
}

// A ProfileEntry declares a profile.
type ProfileEntry struct {
	Profile  Profile
	Place    Place // where it can be held; nowhere for one that only groups others
	Default  bool  // offered first for somebody new; at most one for each place
	Advised  bool  // somebody should hold it; that nobody does is shown, and no error
	Required bool  // whoever is the last to hold it cannot lose it
	Founder  bool  // given to whoever registers a tenant
	Login    bool  // held while a contact may sign in; at most one for each place
	Labels   Labels
}

// A PermissionEntry declares a permission.
type PermissionEntry struct {
	Permission Permission
	Place      Place // where it is asked
	Labels     Labels
}

// A ConfigurationEntry declares a configuration.
type ConfigurationEntry struct {
	Configuration Configuration
	Default       bool // given to a new dossier; at most one
	Labels        Labels
}

// A Transition is a change of configuration that is pending until the host
// says that it is done. Changes that are not listed take effect at once.
type Transition struct {
	From, To Configuration
	Labels   Labels
}

// An Entry declares a name that has nothing but labels.
type Entry[K nameKind] struct {
	Name   Name[K]
	Labels Labels
}

type (
	ModuleEntry  = Entry[moduleKind]  // ModuleEntry declares a module.
	SettingEntry = Entry[settingKind] // SettingEntry declares a setting.
	FlagEntry    = Entry[flagKind]    // FlagEntry declares a flag.
)

// A TopicEntry declares a topic of messages.
type TopicEntry struct {
	Topic   Topic
	Place   Place      // where it is sent
	Default bool       // wanted by who has not said otherwise
	Needs   Permission // what one must be allowed where it is sent; zero: nothing
	Labels  Labels
}

// Profile looks p up.
func (c *Catalog) Profile(p Profile) (ProfileEntry, bool) {
	e, found := c.profiles[p]
	return e, found
}

// Permission looks p up, whoever owns what it asks about. Besides those listed
// it knows "profile:NAME grant" for every profile that can be held and, in the
// catalog of a [Pack], the parts of objects such as "document:own view".
func (c *Catalog) Permission(p Permission) (PermissionEntry, bool) {
	p.owner = UserID{}
	e, found := c.permissions[p]
	return e, found
}

// Asked yields every permission that [Catalog.Permission] knows, in no order.
func (c *Catalog) Asked() iter.Seq[PermissionEntry] { return maps.Values(c.permissions) }

// Configuration looks name up.
func (c *Catalog) Configuration(name Configuration) (ConfigurationEntry, bool) {
	e, found := c.configurations[name]
	return e, found
}

// HasConfiguration reports whether name is declared.
func (c *Catalog) HasConfiguration(name Configuration) bool {
	_, found := c.configurations[name]
	return found
}

// HasModule reports whether name is declared.
func (c *Catalog) HasModule(name Module) bool { return c.modules[name] }

// HasSetting reports whether name is declared.
func (c *Catalog) HasSetting(name Setting) bool { return c.settings[name] }

// Topic looks name up.
func (c *Catalog) Topic(name Topic) (TopicEntry, bool) {
	e, found := c.topics[name]
	return e, found
}

// HasFlag reports whether name is declared.
func (c *Catalog) HasFlag(name Flag) bool { return c.flags[name] }

// DefaultConfiguration returns the configuration of a new dossier, or the zero
// one when there is none.
func (c *Catalog) DefaultConfiguration() Configuration {
	for _, e := range c.Configurations {
		if e.Default {
			return e.Configuration
		}
	}
	return Configuration{}
}

// DefaultProfile returns the profile to offer first at place, or the zero one
// when there is none.
func (c *Catalog) DefaultProfile(place Place) Profile {
	for _, e := range c.Profiles {
		if e.Default && e.Place&place != 0 {
			return e.Profile
		}
	}
	return Profile{}
}

// LoginProfile returns the profile that a contact holds at place while it may
// sign in, or the zero one when there is none.
func (c *Catalog) LoginProfile(place Place) Profile {
	for _, e := range c.Profiles {
		if e.Login && e.Place&place != 0 {
			return e.Profile
		}
	}
	return Profile{}
}

// Founders returns the profiles of whoever registers a tenant.
func (c *Catalog) Founders() []Profile {
	var founders []Profile
	for _, e := range c.Profiles {
		if e.Founder {
			founders = append(founders, e.Profile)
		}
	}
	return founders
}

// Pending reports whether a change of configuration takes effect only when the
// host says that it is done.
func (c *Catalog) Pending(from, to Configuration) bool {
	return c.pending[[2]Configuration{from, to}]
}
