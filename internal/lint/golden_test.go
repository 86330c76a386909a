package lint_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/engine"
	"github.com/volmacht/volmacht/internal/lint"
	"github.com/volmacht/volmacht/model"
)

var update = flag.Bool("update", false, "write the findings into testdata")

// TestGolden lints packs with one fault each. A pack is a file of testdata,
// named after the check, perhaps with -SOMETHING behind: its sections are the
// files of the pack, and what lint is to say.
func TestGolden(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	covered := map[string]bool{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		files := sections(string(text))
		findings, err := lint.Files(pack(files), "office")
		require.NoError(t, err)
		for _, f := range findings {
			covered[f.Check] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			for _, f := range findings {
				require.Equal(t, findings[0].Check, f.Check, "two faults: %v", findings)
				got.WriteString(f.Severity + " " + f.String() + "\n")
			}
			if *update {
				head, _, _ := strings.Cut(string(text), "-- want --\n")
				require.NoError(t, os.WriteFile(path, []byte(head+"-- want --\n"+got.String()), 0o644))
				return
			}
			require.Equal(t, files["want"], got.String())
		})
	}
	for _, c := range lint.Checks() {
		if c.Name != "unchecked" { // TestManyRows
			require.True(t, covered[c.Name], "no pack in testdata with the fault %s", c.Name)
		}
	}
	for _, name := range []string{
		model.CheckSyntax, model.CheckArity, model.CheckEmpty, model.CheckEffect, model.CheckUndeclared, model.CheckDuplicate,
		model.CheckCaseTwin, model.CheckUndefined, model.CheckEncoding, model.CheckQuote, model.CheckComment, model.CheckSize, model.CheckCycle,
	} {
		require.True(t, covered[name], "no pack in testdata with the fault %s", name)
	}
}

// sections splits a file at lines like "-- policy.csv --".
func sections(text string) map[string]string {
	files := map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		if head, found := strings.CutPrefix(line, "-- "); found && strings.HasSuffix(head, " --\n") {
			name = strings.TrimSuffix(head, " --\n")
			files[name] = ""
			continue
		}
		if name != "" {
			files[name] += line
		}
	}
	return files
}

func pack(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{model.ModelFile: {Data: []byte(engine.Standard)}}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

const cleanCatalog = `pack, office, , 1, a, b, c
profile, boss, tenant, , a, b, c
permission, report view, dossier, , a, b, c
`

// A chain may be as long as Casbin follows it.
func TestChainsThatHold(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/chain.txt")
	require.NoError(t, err)
	shorter := strings.NewReplacer("g, client, c1, *\n", "", "profile, c1, none", "profile, c1, dossier").Replace(string(text))
	findings, err := lint.Files(pack(sections(shorter)), "office")
	require.NoError(t, err)
	for _, f := range findings {
		require.NotEqual(t, "chain", f.Check, f)
	}
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	const head, row = "p, boss, any, *, *, *, allow\n", "p, boss, any, shared, report, view, allow\n"
	for name, c := range map[string]struct {
		policy string
		want   []string
	}{
		"a reason":                {head + "# lint:ignore shadowed until SOP-04 is released\n" + row, nil},
		"other comments between":  {head + "#lint:ignore shadowed for now\n# Boss\n" + row, nil},
		"no reason":               {head + "# lint:ignore shadowed\n" + row, []string{"policy.csv:2: ignore: want # lint:ignore CHECK REASON", "policy.csv:3: shadowed: "}},
		"another check":           {head + "# lint:ignore idle-deny for now\n" + row, []string{"policy.csv:2: ignore: there is no warning idle-deny", "policy.csv:3: shadowed: "}},
		"another row":             {"# lint:ignore shadowed for now\n" + head + row, []string{"policy.csv:1: ignore: there is no warning shadowed", "policy.csv:3: shadowed: "}},
		"a blank line in between": {head + "# lint:ignore shadowed for now\n\n" + row, []string{"policy.csv:2: ignore: there", "policy.csv:4: shadowed: "}},
		"an error":                {head + "# lint:ignore any-trait for now\np, boss, any, any, report, view, allow\n", []string{"policy.csv:2: ignore: there", "policy.csv:3: any-trait: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, err := lint.Files(pack(map[string]string{model.PolicyFile: c.policy, model.CatalogFile: cleanCatalog}), "office")
			require.NoError(t, err)
			require.Len(t, findings, len(c.want), "%v", findings)
			for i, want := range c.want {
				require.True(t, strings.HasPrefix(findings[i].String(), want), "%v, want %s", findings[i], want)
			}
		})
	}
}

// TestManyRows lints more rows than can be gone through: it ends, and says so.
func TestManyRows(t *testing.T) {
	t.Parallel()
	var policy, catalog strings.Builder
	catalog.WriteString(cleanCatalog)
	for i := range 300 {
		name := strings.Repeat("x", i%7+1) + string(rune('a'+i/26%26)) + string(rune('a'+i%26)) + string(rune('a'+i/676))
		catalog.WriteString("profile, " + name + ", tenant, , a, b, c\nmodule, m" + name + ", , , a, b, c\npermission, o" + name + " view, dossier, , a, b, c\n")
		for _, act := range []string{"view", "*"} {
			for _, via := range []string{"any", "assigned", "boss"} {
				policy.WriteString("p, " + name + ", " + via + ", module:m" + name + ", *, " + act + ", allow\n")
				policy.WriteString("p, " + name + ", " + via + ", dossier, *, " + act + ", deny\n")
			}
		}
	}
	findings, err := lint.Files(pack(map[string]string{model.PolicyFile: policy.String(), model.CatalogFile: catalog.String()}), "office")
	require.NoError(t, err)
	require.Equal(t, "unchecked", findings[0].Check, "%v", findings[0])
}
