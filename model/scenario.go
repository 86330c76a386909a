package model

// A Scenario is one case of a scenarios.csv: a small world, and what must and
// must not be allowed in it.
type Scenario struct {
	Text   string // names the requirements
	Line   int
	Rules  []Rule // the rows of the world, besides those of the pack
	Checks []Check
	Nevers []Never

	rules    map[Rule]bool // those of Rules
	tenants  map[TenantID]bool
	dossiers map[Domain]bool
	named    []named
}

// A Check is a question and its answer.
type Check struct {
	Line       int
	Allow      bool
	Subject    string // "user:carl"
	Domain     Domain
	Permission Permission
}

// A Never says that nobody who holds Profile, and no other but [Member], is
// ever allowed something in a domain with Trait, whatever else is true of the
// domain, assigned to it or not.
type Never struct {
	Line           int
	Profile        Profile
	Trait          Trait  // the zero Trait for every domain
	Object, Action string // "*" for every one that the catalog lists
}

// Covers reports whether n speaks of p.
func (n Never) Covers(p Permission) bool {
	return (n.Object == Everything || n.Object == p.Object()) && (n.Action == Everything || n.Action == p.Action())
}

// A named is a name in a scenario that the catalog of its pack must declare.
type named struct {
	line, column int
	profile      string
	trait        Trait
	permission   Permission
}

// CheckScenarios returns [Faults] for the names in scenarios, read from file,
// that the catalog of p does not declare: a misspelt name would make a deny
// that is always right.
func (p *Pack) CheckScenarios(file string, scenarios []Scenario) error {
	c := &collector{file: file}
	objects := objectsOf(p.Catalog, p.Rules)
	for _, s := range scenarios {
		for _, n := range s.named {
			fault := ""
			switch {
			case n.profile != "":
				fault = p.Catalog.lacksProfile(n.profile)
			case !n.trait.IsZero():
				fault = p.Catalog.lacksTrait(n.trait)
			default:
				if _, found := p.Catalog.Permission(n.permission); !found {
					fault = objects.lacksPermission(n.permission.Object(), n.permission.Action())
				}
			}
			if fault != "" {
				c.addAs(CheckUndeclared, n.line, n.column, "%s", fault)
			}
		}
		for _, n := range s.Nevers {
			if !objects.known(n.Object, n.Action) {
				c.addAs(CheckUndeclared, n.Line, 0, "%s", objects.lacksPermission(n.Object, n.Action))
			}
		}
	}
	return c.err()
}
