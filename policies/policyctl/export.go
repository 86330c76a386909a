package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

var exportCommand = command{
	name: "export", args: "[-o DIR] [-db DSN -tenant ID [-flat]] PACK",
	about: "write a model.conf and a policy.csv that Casbin reads itself, with the rows of a tenant that are in force now",
	example: "policyctl export -o /tmp/casbin accountancy\n" +
		"policyctl export -o /tmp/casbin -db portal.db -tenant acme -flat accountancy",
	prepare: func(flags *flag.FlagSet) func([]string, io.Writer) error {
		e := &exporter{}
		flags.StringVar(&e.dir, "o", "", "the folder to write to; it is made if need be (default PACK-casbin, here)")
		flags.StringVar(&e.dsn, "db", "", "the database of a host: a file of SQLite, postgres://… or USER:PASSWORD@tcp(HOST)/NAME; its schema is brought up to date as by authz.Open")
		flags.StringVar(&e.tenant, "tenant", "", "the tenant whose rows to add")
		flags.BoolVar(&e.flat, "flat", false, "write a g row for each domain of the tenant instead of one with a pattern: for a Casbin without a domain matching function")
		return e.export
	},
}

type exporter struct {
	dir, dsn, tenant string
	flat             bool
}

func (e *exporter) export(args []string, out io.Writer) error {
	src, err := onePack(args)
	if err != nil {
		return err
	}
	switch {
	case (e.dsn == "") != (e.tenant == ""):
		return fmt.Errorf("-db and -tenant go together: %w", errUsage)
	case e.flat && e.tenant == "":
		return fmt.Errorf("-flat wants a tenant, whose domains are known: %w", errUsage)
	}
	pack, err := src.pack()
	if err != nil {
		return err
	}
	rules := slices.Clone(pack.Rules)
	if e.tenant != "" {
		more, err := tenantRules(pack, e.dsn, e.tenant)
		if err != nil {
			return err
		}
		rules = append(rules, more...)
	}
	if e.flat {
		rules = flat(rules)
	}
	dir := e.dir
	if dir == "" {
		dir = pack.Name + "-casbin"
	}
	// What export writes lacks the comments that a pack has.
	if _, err := os.Stat(filepath.Join(dir, model.CatalogFile)); err == nil {
		return fmt.Errorf("%s is the folder of a pack: want another one: %w", dir, errUsage)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := map[string]string{model.ModelFile: e.note() + pack.Model.Text, model.PolicyFile: casbinPolicy(rules)}
	for name, text := range files {
		if err := replaceFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%s: %d rows\n", filepath.Join(dir, model.PolicyFile), len(rules))
	return err
}

// note is a comment on what Casbin is to be told besides the files.
func (e *exporter) note() string {
	if e.flat {
		return ""
	}
	return `# The domains of g rows are patterns. Tell Casbin so before it reads policy.csv:
#
#	e, err := casbin.NewEnforcer("model.conf")
#	e.AddNamedDomainMatchingFunc("g", "keyMatch", util.KeyMatch)
#	e.SetAdapter(fileadapter.NewAdapter("policy.csv"))
#	err = e.LoadPolicy()

`
}

// casbinPolicy is a policy as Casbin's file adapter reads it. Only a field that a pack's
// own model has can hold what must be quoted.
func casbinPolicy(rules []model.Rule) string {
	var b bytes.Buffer
	for _, r := range rules {
		b.WriteString(r.PType)
		for _, v := range r.Fields() {
			if strings.ContainsAny(v, `,"`) {
				v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
			}
			b.WriteString(", " + v)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// tenantRules returns the rows of a tenant that are in force now.
func tenantRules(pack *model.Pack, dsn, tenant string) (rules []model.Rule, err error) {
	id, err := model.ParseTenantID(tenant)
	if err != nil {
		return nil, fmt.Errorf("-tenant: %w: %w", err, errUsage)
	}
	ctx := context.Background()
	db, closeDB, err := openDB(dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeDB()) }()
	if !db.Migrator().HasTable(store.Tenant{}.TableName()) {
		return nil, fmt.Errorf("database %s: no table %s: it holds no store", redacted(dsn), store.Tenant{}.TableName())
	}
	s, err := store.Open(ctx, db)
	if err != nil {
		return nil, err
	}
	loaded, err := s.Load(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("tenant %s: not in the database", tenant)
	case err != nil:
		return nil, err
	case !inForce(loaded.PackRows, pack):
		return nil, fmt.Errorf("the rows in force in the database are not those of the pack %s: its answers would differ", pack.Name)
	}
	now := time.Now()
	for _, r := range loaded.Rows {
		if (r.From.IsZero() || !now.Before(r.From)) && (r.Until.IsZero() || now.Before(r.Until)) {
			rules = append(rules, r.Rule)
		}
	}
	return rules, nil
}

// flat returns rules with a g row for each domain that its pattern covers. The
// domains are those that g2 rows say something of.
func flat(rules []model.Rule) []model.Rule {
	var domains []string
	for _, r := range rules {
		if d, err := model.ParseDomain(r.V[0]); err == nil && r.PType == "g2" && !slices.Contains(domains, d.String()) {
			domains = append(domains, d.String())
		}
	}
	seen := map[model.Rule]bool{}
	var all []model.Rule
	add := func(r model.Rule) {
		if !seen[r] {
			seen[r] = true
			all = append(all, r)
		}
	}
	for _, r := range rules {
		pattern, is := strings.CutSuffix(r.V[2], "*")
		if r.PType != "g" || !is {
			add(r)
			continue
		}
		for _, d := range domains {
			if strings.HasPrefix(d, pattern) {
				add(model.NewRule("g", r.V[0], r.V[1], d))
			}
		}
	}
	return all
}
