package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// ruleAlias is what casbin_rule is called inside of a condition.
const ruleAlias = "volmacht_rule"

// A dialect says how a database compares text byte by byte, whatever the
// collation of the host's columns: a database that takes "Acme" for "acme", or
// "acme " for it, would show one tenant's rows to another. The verbs are the
// host's columns of tenant and dossier.
type dialect struct {
	name, quote string

	loose string // a column, for comparison with arguments by an index of the host's
	path  string // "tenant/dossier", exact

	// Both columns, and those of the g rows, exact; or empty, where a look-up by
	// path must do.
	pair, pairs string

	few bool // name the dossiers that come into question, to begin with these
}

var sqliteDialect = dialect{
	name: "sqlite", quote: `"`, few: true,
	loose: `%s`,
	path:  `(%[1]s || '/' || %[2]s) COLLATE BINARY`,
	pair:  `(%[1]s COLLATE BINARY, %[2]s COLLATE BINARY)`,
	pairs: `volmacht_rule.tenant, substr(volmacht_rule.v2, length(volmacht_rule.tenant) + 2)`,
}

// On PostgreSQL "default" is the collation of the
// host's columns, unless it chose another one.
var postgresDialect = dialect{
	name: "postgres", quote: `"`,
	loose: `CAST(%s AS text)`,
	path:  `(CAST(%[1]s AS text) || '/' || CAST(%[2]s AS text)) COLLATE "C"`,
	pair:  `(CAST(%[1]s AS text), CAST(%[2]s AS text))`,
	pairs: `volmacht_rule.tenant COLLATE "default", substr(volmacht_rule.v2, length(volmacht_rule.tenant) + 2) COLLATE "default"`,
}

// mysqlDialect is that of MariaDB and MySQL, whose byte collations differ.
//
// MariaDB keeps the answers of a subquery by the values of the host's columns
// in it, and finds them by the collation of these: it would take the answer for
// d1 for that for D1. So no subquery names them, and none is compared with them
// as they are.
func mysqlDialect(collation string) dialect {
	return dialect{
		name: "mysql", quote: "`", few: true,
		loose: `%s`,
		path:  `CONVERT(CONCAT(%[1]s, '/', %[2]s) USING utf8mb4) COLLATE ` + collation,
	}
}

// dialectOf returns the dialect of the database, which is asked for its
// collation once.
func (az *Authz) dialectOf(ctx context.Context) (*dialect, error) {
	if d := az.dialect.Load(); d != nil {
		return d, nil
	}
	db := az.db(ctx)
	var d dialect
	switch db.Name() {
	case sqliteDialect.name:
		d = sqliteDialect
	case postgresDialect.name:
		d = postgresDialect
	default:
		var collation string
		err := db.Raw(`SELECT collation_name FROM information_schema.columns
			WHERE table_schema = DATABASE() AND table_name = 'casbin_rule' AND column_name = 'v0'`).Scan(&collation).Error
		if err != nil {
			return nil, store.Translate(err)
		}
		if checkColumn(collation) != nil {
			return nil, fmt.Errorf("collation %q of casbin_rule: want a name: %w", collation, ErrCorrupt)
		}
		d = mysqlDialect(collation)
	}
	az.dialect.Store(&d)
	return &d, nil
}

// A condition is SQL in the making, with a ? for each of its arguments.
type condition struct {
	*dialect
	tenant, dossier any // the host's columns: arguments, or verbatim
	at              store.Micros

	sql  strings.Builder
	args []any
}

// verbatim is SQL that stands where an argument could.
type verbatim string

func (c *condition) write(parts ...string) {
	for _, s := range parts {
		c.sql.WriteString(s)
	}
}

// column writes one of the host's columns as an operand.
func (c *condition) column(v any) string {
	if v, ok := v.(verbatim); ok {
		return string(v)
	}
	c.args = append(c.args, v)
	return "?"
}

// loosely writes a column for comparison with arguments.
func (c *condition) loosely(column any) { c.write(fmt.Sprintf(c.loose, c.column(column))) }

// both writes a text of the dialect with the host's columns in it.
func (c *condition) both(format string) {
	tenant := c.column(c.tenant)
	c.write(fmt.Sprintf(format, tenant, c.column(c.dossier)))
}

// in writes a list of arguments.
func (c *condition) in(values []string) {
	c.write(" IN (?", strings.Repeat(", ?", len(values)-1), ")")
	for _, v := range values {
		c.args = append(c.args, v)
	}
}

// each writes parts with a word between them, in parentheses.
func each[T any](c *condition, word string, parts []T, write func(T)) {
	c.write("(")
	for i, part := range parts {
		if i > 0 {
			c.write(word)
		}
		write(part)
	}
	c.write(")")
}

// groups writes the whole condition.
func (c *condition) groups(groups []group) {
	if len(groups) == 0 {
		c.write("(1 = 0)")
		return
	}
	each(c, " OR ", groups, c.group)
}

func (c *condition) group(g group) {
	if g.tenants == nil {
		c.both(c.path)
		c.in(g.dossiers)
		return
	}
	c.loosely(c.tenant)
	c.in(g.tenants)
	if c.few && len(g.dossiers) > 0 {
		c.write(" AND ")
		c.loosely(c.dossier)
		c.in(g.dossiers)
	}
	// A closed dossier has no rows. This compares tenant and dossier exactly,
	// which what stands before may not.
	c.write(" AND ")
	c.atom(atom{"g2", []fact{{name: model.TraitDossier.String()}}}, g.tenants, false)
	if any := g.left.allow; len(any[0]) > 0 || len(any) > 1 {
		c.write(" AND ")
		each(c, " OR ", any, func(all conjunction) { c.all(all, g.tenants, true) })
	}
	if len(g.left.deny) > 0 {
		c.write(" AND NOT ")
		each(c, " OR ", g.left.deny, func(all conjunction) { c.all(all, g.tenants, false) })
	}
}

func (c *condition) all(atoms conjunction, tenants []string, begin bool) {
	each(c, " AND ", atoms, func(a atom) { c.atom(a, tenants, begin) })
}

// atom writes one condition: a look-up by the host's row. What the user holds on
// single dossiers can be where the database begins, if the query for it does not
// depend on the host's row.
func (c *condition) atom(a atom, tenants []string, begin bool) {
	const from = " FROM casbin_rule AS volmacht_rule WHERE volmacht_rule.ptype = '"
	domain := "volmacht_rule.v0"
	if a.ptype == "g" {
		domain = "volmacht_rule.v2"
	}
	switch {
	case c.pair == "":
		c.both(c.path)
		c.write(" IN (SELECT ", domain, from, a.ptype, "'")
	case a.ptype == "g" && begin:
		c.both(c.pair)
		c.write(" IN (SELECT ", c.pairs, from, a.ptype, "'")
	default:
		c.write("EXISTS (SELECT 1", from, a.ptype, "' AND ", domain, " = ")
		c.both(c.path)
	}
	c.write(" AND volmacht_rule.tenant")
	c.in(tenants)
	c.write(" AND ")
	each(c, " OR ", a.byNames(), func(f facts) {
		if f.who[0] != "" {
			c.write("volmacht_rule.v0")
			c.in(f.who)
			c.write(" AND ")
		}
		c.write("volmacht_rule.v1")
		c.in(f.names)
	})
	c.write(" AND volmacht_rule.valid_from <= ? AND (volmacht_rule.valid_until = 0 OR volmacht_rule.valid_until > ?))")
	c.args = append(c.args, int64(c.at), int64(c.at))
}

// facts are rows of any of who with any of names.
type facts struct{ who, names []string }

// byNames returns the rows of an atom, of those who have the same names
// together.
func (a atom) byNames() []facts {
	var all []facts
	for _, row := range a.rows { // sorted by who
		if n := len(all); n > 0 && all[n-1].who[0] == row.who {
			all[n-1].names = append(all[n-1].names, row.name)
		} else {
			all = append(all, facts{[]string{row.who}, []string{row.name}})
		}
	}
	var merged []facts
	for _, f := range all {
		if i := slices.IndexFunc(merged, func(m facts) bool { return slices.Equal(m.names, f.names) }); i >= 0 {
			merged[i].who = append(merged[i].who, f.who...)
		} else {
			merged = append(merged, f)
		}
	}
	return merged
}
