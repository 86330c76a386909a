package main

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/policies"
)

func TestLint(t *testing.T) {
	t.Parallel()
	const head = "p, boss, any, tenant, *, *, allow\n"
	cases := map[string]struct {
		files map[string]string
		args  []string
		code  int
		out   string
	}{
		"nothing": {
			files: map[string]string{"policy.csv": head}, args: []string{"lint", "DIR"},
			out: "office: nothing wrong\n",
		},
		"nothing, as JSON": {
			files: map[string]string{"policy.csv": head}, args: []string{"lint", "-json", "DIR"},
			out: "[]\n",
		},
		"everything at once": {
			files: map[string]string{
				"policy.csv":    head + "p, boss, any, tenant, big_report, view_all, Allow\np, bos, any, tenant, *, *, allow\n",
				"catalog.csv":   "pack, office, , 1, a, b, c\nprofile, boss, tenant, , a, b, c\npermission, big_report view_all, tenant, , a, b, c\npermission, , tenant, , a, b, c\n",
				"scenarios.csv": "case, x\n",
			},
			args: []string{"lint", "DIR"}, code: 1,
			out: `DIR/catalog.csv:4: error: name is empty (empty)
DIR/policy.csv:2: error: effect "Allow": want allow or deny (effect)
DIR/scenarios.csv:1: error: the case asks nothing: want an allow, deny or never row (syntax)
`,
		},
		"names that nothing declares": {
			files: map[string]string{
				"policy.csv":    head + "p, bos, any, tenant, *, *, allow\n",
				"scenarios.csv": "case, x\ntenant, acme\ndeny, user:ann, acme/, big_reprot, view_all\n",
			},
			args: []string{"lint", "DIR"}, code: 1,
			out: `DIR/policy.csv:2: error: profile "bos": not declared in catalog.csv; did you mean "boss"? (undeclared)
`,
		},
		"names that no scenario may use": {
			files: map[string]string{
				"policy.csv":    head,
				"scenarios.csv": "case, x\ntenant, acme\ndeny, user:ann, acme/, big_reprot, view_all\n",
			},
			args: []string{"lint", "DIR"}, code: 1,
			out: `DIR/scenarios.csv:3: error: permission "big_reprot view_all": not declared in catalog.csv; did you mean "big_report"? (undeclared)
`,
		},
		"warnings": {
			files: map[string]string{"policy.csv": head + "p, boss, any, tenant, big_report, *, allow\n"},
			args:  []string{"lint", "DIR"}, code: 1,
			out: `DIR/policy.csv:2: warning: "p, boss, any, tenant, big_report, *, allow": every answer is the same without it: line 1 covers it, "p, boss, any, tenant, *, *, allow" (shadowed)
`,
		},
		"warnings with a reason": {
			files: map[string]string{"policy.csv": head + "# lint:ignore shadowed an example\np, boss, any, tenant, big_report, *, allow\n"},
			args:  []string{"lint", "DIR"},
			out:   "office: nothing wrong\n",
		},
		"as JSON": {
			files: map[string]string{"policy.csv": head + "p, boss, any, any, big_report, *, allow\n"},
			args:  []string{"lint", "-json", "DIR"}, code: 1,
			out: `[
  {
    "file": "DIR/policy.csv",
    "line": 2,
    "severity": "error",
    "check": "any-trait",
    "message": "\"p, boss, any, any, big_report, *, allow\" allows in closed and unknown domains, too: want tenant, dossier or another trait, or * for both"
  }
]
`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := ctl(office(t, c.files), c.args...)
			require.Empty(t, errOut)
			require.Equal(t, c.out, out)
			require.Equal(t, c.code, code)
		})
	}
}

// TestLintShippedPacks finds nothing: what a pack means to do has its reason
// above the row.
func TestLintShippedPacks(t *testing.T) {
	t.Parallel()
	for _, name := range policies.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			code, out, errOut := ctl(t.TempDir(), "lint", name)
			require.Less(t, time.Since(start), time.Second)
			require.Empty(t, errOut)
			require.Equal(t, name+": nothing wrong\n", out)
			require.Zero(t, code)
		})
	}
}

// TestOddFiles has every reader meet what a file can be: it says where, or
// reads it rightly.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	valid := map[string]string{
		"policy.csv":    "p, boss, any, tenant, *, *, allow\n",
		"catalog.csv":   "pack, office, , 1, a, b, c\nprofile, boss, tenant, , a, b, c\npermission, big_report view_all, tenant, , a, b, c\n",
		"scenarios.csv": "case, x\ntenant, acme\ng, user:ben, boss, acme/*\nallow, user:ben, acme/, big_report, view_all\n",
	}
	conf, err := os.ReadFile("../accountancy/model.conf")
	require.NoError(t, err)
	valid["model.conf"] = string(conf)
	cases := map[string]struct {
		odd  func(text string) string
		want string // after "DIR/FILE:N: error: ", or "" for nothing wrong
		line int    // N; -1 for the last line, 0 for none
	}{
		"10 MB":              {func(s string) string { return s + strings.Repeat("# a comment\n", 10<<20/12) }, "the file is ", 0},
		"row of 1 MB":        {func(s string) string { return s + "# " + strings.Repeat("x", 1<<20) }, "the line is 1048578 bytes long, want at most 65536 (size)", -1},
		"NUL":                {func(s string) string { return s + "a\x00" }, "character U+0000: want printable text", -1},
		"byte order mark":    {func(s string) string { return "\ufeff" + s }, "the file starts with a byte order mark", 1},
		"CRLF":               {func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, "", 0},
		"invalid UTF-8":      {func(s string) string { return s + "# caf\xe9" }, "byte 0xE9 is not UTF-8", -1},
		"comment after data": {func(s string) string { return s + "p, boss, any # why\n" }, "", -1},
		"open quote":         {func(s string) string { return s + "p, \"boss\n" }, "", -1},
	}
	for name, c := range cases {
		for file, text := range valid {
			t.Run(name+" in "+file, func(t *testing.T) {
				t.Parallel()
				files := maps.Clone(valid)
				files[file] = c.odd(text)
				code, out, errOut := ctl(office(t, files), "lint", "DIR")
				require.Empty(t, errOut)
				if c.want == "" && c.line == 0 {
					require.Equal(t, "office: nothing wrong\n", out)
					require.Zero(t, code)
					return
				}
				require.Equal(t, 1, code)
				line := c.line
				if line < 0 {
					line = strings.Count(strings.TrimSuffix(files[file], "\n"), "\n") + 1
				}
				place := "DIR/" + file
				if line > 0 {
					place += ":" + strconv.Itoa(line)
				}
				require.Contains(t, out, place+": error: "+c.want)
			})
		}
	}
}

func TestColoursAreForTerminals(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a device, as a terminal is
	require.NoError(t, err)
	defer device.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, "\x1b[31mno\x1b[0m", painter(device)(red, "no"))
	require.Equal(t, "no", painter(file)(red, "no"))
	require.Equal(t, "no", painter(&strings.Builder{})(red, "no"))
	t.Setenv("NO_COLOR", "1")
	require.Equal(t, "no", painter(device)(red, "no"))
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	require.Equal(t, "no", painter(device)(red, "no"))
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, out, errOut := ctl(t.TempDir(), "help")
	require.Zero(t, code)
	require.Empty(t, errOut)
	for _, c := range commands() {
		require.Contains(t, out, "policyctl "+c.name+" ")
		for _, args := range [][]string{{"help", c.name}, {c.name, "-h"}, {c.name, "--help"}} {
			code, out, errOut := ctl(t.TempDir(), args...)
			require.Zero(t, code, args)
			require.Empty(t, errOut, args)
			require.Contains(t, out, "example:\n  policyctl "+c.name+" ", args)
		}
	}
	code, out, errOut = ctl(t.TempDir(), "help", "nothing")
	require.Equal(t, 2, code)
	require.Empty(t, out)
	require.Contains(t, errOut, `policyctl: no command "nothing"`)
}
