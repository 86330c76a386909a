package authz

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// A Scope selects, in the database, the rows of a host's own table that belong
// to dossiers in which a user may do something: the answer of [Authz.Enforce]
// for each row, with right counts and pages. The table has a column with the ID
// of the tenant and one with that of the dossier, as text, and is in the
// database that [Open] was given.
//
// It is for the query at hand. What the user holds, in which tenants and teams,
// and the time are those of the moment at which the Scope was made; what is true
// of each dossier is read when the query runs. The zero Scope is refused.
//
// The database finds the rows by its indexes where it can: give the table one on
// tenant and dossier. On MariaDB and MySQL that helps only if its columns have
// the collation of casbin_rule, and on PostgreSQL if they have the database's.
type Scope struct {
	dialect *dialect
	groups  []group
	at      store.Micros
}

// A group is tenants for whose dossiers the same is left to ask, with the IDs of
// those that come into question when they are few; or dossiers by name.
type group struct {
	tenants  []string
	left     residual
	dossiers []string
}

const (
	maxListed    = 10_000 // dossiers that a [Scope] lists by name, under a model of its own
	maxNamed     = 1_000  // dossiers of one group that come into question
	maxArguments = 30_000 // of one condition: SQLite takes 32,766 in a query
)

// Scope returns the scope of what user may do p in. A permission about what
// somebody owns is asked as Enforce asks it: p.Of(user) selects the dossiers in
// which the user may do p with what is its own, and the host adds the condition
// on its column of owners.
//
// Under a model of its own, other than the one of the shipped packs, the
// dossiers are looked up one by one and listed in the condition by name; it is
// an [ErrConflict] when they are more than 10,000. So it is to use the scope of a user
// with so many tenants that the condition would have more than 30,000 arguments.
func (az *Authz) Scope(ctx context.Context, user model.UserID, p model.Permission) (Scope, error) {
	s, err := az.scope(ctx, user, p)
	if err != nil {
		return Scope{}, fmt.Errorf("authz: scope: %w", err)
	}
	return s, nil
}

func (az *Authz) scope(ctx context.Context, user model.UserID, p model.Permission) (Scope, error) {
	tenants, err := az.tenantsOf(ctx, user)
	if err != nil {
		return Scope{}, err
	}
	if len(tenants) == 0 {
		in, err := az.inForce(ctx)
		if err == nil {
			err = askedOnDossiers(in, user, p)
		}
		if err != nil {
			return Scope{}, err
		}
	}
	at := az.now()
	s := Scope{at: max(store.At(at), 0)}
	if s.dialect, err = az.dialectOf(ctx); err != nil {
		return Scope{}, err
	}
	var listed group
	same := make(map[string]int) // the positions of groups, by what they ask
	for _, t := range tenants {
		st, err := az.view(ctx, t)
		if err != nil {
			return Scope{}, err
		}
		if err := askedOnDossiers(st.pack, user, p); err != nil {
			return Scope{}, err
		}
		if !st.compiles() {
			if err := az.list(ctx, user, p, t, maxListed, &listed); err != nil {
				return Scope{}, err
			}
			continue
		}
		left, few := st.compile(user, p, at)
		if len(left.allow) == 0 {
			continue
		}
		key := fmt.Sprint(left, few == nil)
		i, known := same[key]
		if !known {
			i, same[key] = len(s.groups), len(s.groups)
			s.groups = append(s.groups, group{left: left})
		}
		g := &s.groups[i]
		g.tenants, g.dossiers = append(g.tenants, t.String()), append(g.dossiers, few...)
	}
	for i := range s.groups {
		if g := &s.groups[i]; len(g.dossiers) > maxNamed { // they only say where to begin
			g.dossiers = nil
		}
	}
	if len(listed.dossiers) > 0 {
		s.groups = append(s.groups, listed)
	}
	return s, nil
}

// askedOnDossiers refuses a permission that is not asked on a dossier.
func askedOnDossiers(pack *pack, user model.UserID, p model.Permission) error {
	entry := pack.permission(user, p)
	switch {
	case entry == nil:
		return fmt.Errorf("permission %q: the pack %s declares none of that name: %w", p, pack.Name, ErrInvalid)
	case entry.place&model.AtDossier == 0:
		return fmt.Errorf("permission %q is asked in a %v, not on a dossier: %w", p, entry.place, ErrInvalid)
	}
	return nil
}

// list adds the dossiers of a tenant by name, up to a limit of all together.
func (az *Authz) list(ctx context.Context, user model.UserID, p model.Permission, t model.TenantID, limit int, g *group) error {
	for d, err := range az.dossiersOf(ctx, user, p, t, model.Domain{}) {
		if err != nil {
			return err
		}
		if g.dossiers = append(g.dossiers, d.String()); len(g.dossiers) > limit {
			return fmt.Errorf("more than %d dossiers, under a model that has no condition in SQL: page through Dossiers: %w", limit, ErrConflict)
		}
	}
	return nil
}

// On returns the scope for gorm, by the names of the columns:
//
//	db.Scopes(scope.On("tenant", "dossier")).Order("id").Limit(20).Find(&files)
//
// A name alone is a column of the query's own table; that of another table in
// the query is written "files.tenant". Whatever else stands there fails the
// query with [ErrInvalid].
func (s Scope) On(tenant, dossier string) func(*gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB {
		c, err := s.condition(tenant, dossier, gormColumn)
		if err == nil && db.Name() != s.dialect.name {
			err = fmt.Errorf("made for %s, used on %s: %w", s.dialect.name, db.Name(), ErrInvalid)
		}
		if err != nil {
			_ = db.AddError(fmt.Errorf("authz: scope: %w", err))
			return db
		}
		return db.Where(clause.Expr{SQL: c.sql.String(), Vars: c.args})
	}
}

// SQL returns the scope as a condition for a WHERE, in parentheses, with a ?
// for each of the arguments, as gorm's Where and Raw take it. The columns are
// written with their table or its alias, "files.tenant": a name alone would mean
// a column of casbin_rule. Anything else is [ErrInvalid].
func (s Scope) SQL(tenant, dossier string) (string, []any, error) {
	c, err := s.condition(tenant, dossier, s.plainColumn)
	if err != nil {
		return "", nil, fmt.Errorf("authz: scope: %w", err)
	}
	return c.sql.String(), c.args, nil
}

// identifier is a name of a column or of a table, perhaps with its schema.
var identifier = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,62}\.){0,2}[A-Za-z_][A-Za-z0-9_]{0,62}$`)

func checkColumn(name string) error {
	if !identifier.MatchString(name) || strings.HasPrefix(name, ruleAlias+".") {
		return fmt.Errorf("column %.80q: want the name of a column, or of a table and a column: %w", name, ErrInvalid)
	}
	return nil
}

// gormColumn leaves the table of a name without one to gorm.
func gormColumn(name string) (any, error) {
	if !strings.Contains(name, ".") {
		return clause.Column{Table: clause.CurrentTable, Name: name}, nil
	}
	return clause.Column{Name: name}, nil
}

func (s Scope) plainColumn(name string) (any, error) {
	if !strings.Contains(name, ".") {
		return nil, fmt.Errorf("column %q: want its table, too: %w", name, ErrInvalid)
	}
	q := s.dialect.quote
	return verbatim(q + strings.ReplaceAll(name, ".", q+"."+q) + q), nil
}

// condition writes the scope out.
func (s Scope) condition(tenant, dossier string, column func(string) (any, error)) (*condition, error) {
	if s.dialect == nil {
		return nil, fmt.Errorf("the zero Scope: use Authz.Scope: %w", ErrInvalid)
	}
	for _, name := range []string{tenant, dossier} {
		if err := checkColumn(name); err != nil {
			return nil, err
		}
	}
	c := &condition{dialect: s.dialect, at: s.at}
	var err error
	if c.tenant, err = column(tenant); err != nil {
		return nil, err
	}
	if c.dossier, err = column(dossier); err != nil {
		return nil, err
	}
	c.groups(s.groups)
	if len(c.args) > maxArguments {
		return nil, fmt.Errorf("a condition of %d arguments, for so many tenants: want at most %d: page through Dossiers: %w", len(c.args), maxArguments, ErrConflict)
	}
	return c, nil
}
