package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/policies"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// office writes a small pack into a new folder, with files added or replaced.
func office(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "office")
	require.NoError(t, os.Mkdir(dir, 0o755))
	conf, err := fs.ReadFile(accountancy.Files(), "model.conf")
	require.NoError(t, err)
	all := map[string]string{
		"model.conf":    string(conf),
		"policy.csv":    "p, boss, any, tenant, big_report, view_all, allow\n",
		"catalog.csv":   "pack, office, , 1, a, b, c\nprofile, boss, tenant, , The boss, b, c\npermission, big_report view_all, tenant, , See it all, b, c\ntopic, big_news, , , News, b, c\n",
		"scenarios.csv": "case, x\ntenant, acme\ng, user:ben, boss, acme/*\nallow, user:ben, acme/, big_report, view_all\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

// ctl runs the command; DIR stands for dir in what it says.
func ctl(dir string, args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "DIR", dir)
	}
	code = run(args, &o, &e)
	return code, strings.ReplaceAll(o.String(), dir, "DIR"), strings.ReplaceAll(e.String(), dir, "DIR")
}

func TestTest(t *testing.T) {
	t.Parallel()
	const world = "case, x\ntenant, acme\ng, user:ben, boss, acme/*\n"
	cases := map[string]struct {
		files       map[string]string
		args        []string
		code        int
		out, errOut string
	}{
		"holds": {
			args: []string{"test", "DIR"},
			out:  "office: 1 cases, 1 checks and 0 nevers hold\n",
		},
		"wrong answers": {
			files: map[string]string{"scenarios.csv": world + "deny, user:ben, acme/, big_report, view_all\nallow, user:tim, acme/, big_report, view_all\nnever, boss, *, *, *\n"},
			args:  []string{"test", "DIR"},
			code:  1,
			errOut: `DIR/scenarios.csv:4: user:ben in acme/, "big_report view_all": allowed, want denied
DIR/scenarios.csv:5: user:tim in acme/, "big_report view_all": denied, want allowed
DIR/scenarios.csv:6: boss, not assigned, in a domain that is tenant: "big_report view_all" is allowed, want never
office: 3 wrong of 2 checks and 1 nevers
`,
		},
		"other files": {
			files: map[string]string{"scenarios.csv": "x", "a.csv": world + "never, boss, dossier, *, *\n", "b.csv": world + "deny, user:ben, acme/, big_report, view_all\n"},
			args:  []string{"test", "DIR", "DIR/a.csv", "DIR/b.csv"},
			code:  1,
			errOut: `DIR/b.csv:4: user:ben in acme/, "big_report view_all": allowed, want denied
office: 1 wrong of 1 checks and 1 nevers
`,
		},
		"faults of the pack": {
			files:  map[string]string{"policy.csv": "p, boss, any, tenant, big_report, view_all, Allow\np, boss\n"},
			args:   []string{"test", "DIR"},
			code:   1,
			errOut: "DIR/policy.csv:1: effect \"Allow\": want allow or deny\nDIR/policy.csv:2: p has 1 fields, want 6: sub, via, dom, obj, act, eft\n",
		},
		"faults of the scenarios": {
			files:  map[string]string{"scenarios.csv": "case, x\nx\n"},
			args:   []string{"test", "DIR"},
			code:   1,
			errOut: "DIR/scenarios.csv:1: the case asks nothing: want an allow, deny or never row\nDIR/scenarios.csv:2: \"x\": want case, tenant, dossier, g, allow, deny or never first\n",
		},
		"misspelt name": {
			files:  map[string]string{"scenarios.csv": world + "deny, user:ben, acme/, big_report, view\n"},
			args:   []string{"test", "DIR"},
			code:   1,
			errOut: "DIR/scenarios.csv:4: permission \"big_report view\": not declared in catalog.csv\n",
		},
		"pack with another name": {
			files:  map[string]string{"catalog.csv": "pack, shop, , 1, a, b, c\nprofile, boss, tenant, , a, b, c\npermission, big_report view_all, tenant, , a, b, c\n"},
			args:   []string{"test", "DIR"},
			code:   1,
			errOut: "DIR/catalog.csv: the pack is named shop, want office\n",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := ctl(office(t, c.files), c.args...)
			require.Equal(t, c.errOut, errOut)
			require.Equal(t, c.out, out)
			require.Equal(t, c.code, code)
		})
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing":         {nil, "usage:\n  policyctl test PACK [FILE…]"},
		"unknown command": {[]string{"tset", "DIR"}, "usage:\n  policyctl test"},
		"no pack":         {[]string{"test"}, "policyctl test: no pack: wrong arguments\nusage: policyctl test PACK [FILE…]\n"},
		"unknown pack":    {[]string{"test", "nowhere"}, `"nowhere" is no folder, and no pack named so comes with Volmacht (there is accountancy`},
		"a file":          {[]string{"test", "DIR/policy.csv"}, "DIR/policy.csv is a file, want the folder of a pack"},
		"unknown flag":    {[]string{"test", "-x", "DIR"}, "flag provided but not defined: -x\nusage: policyctl test"},
		"two packs":       {[]string{"names", "DIR", "DIR"}, "2 packs, want one"},
		"check of a name": {[]string{"names", "-check", "accountancy"}, "-check wants the folder of a pack"},
	} {
		code, out, errOut := ctl(office(t, nil), c.args...)
		require.Equal(t, 2, code, name)
		require.Empty(t, out, name)
		require.Contains(t, errOut, c.want, name)
	}
	code, _, errOut := ctl(office(t, nil), "test", "DIR", "DIR/no.csv")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "DIR/no.csv")
}

func TestNames(t *testing.T) {
	t.Parallel()
	dir := office(t, nil)
	code, _, errOut := ctl(dir, "names", "-check", "DIR")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "DIR/names.go: no such file")

	code, out, errOut := ctl(dir, "names", "DIR")
	require.Zero(t, code, errOut)
	require.Empty(t, out)
	text, err := os.ReadFile(filepath.Join(dir, "names.go"))
	require.NoError(t, err)
	require.Equal(t, `// Code generated by policyctl names. DO NOT EDIT.

package office

import "github.com/volmacht/volmacht/model"

// Profiles that one can hold.
var (
	// Boss is the profile "boss": The boss.
	Boss = model.Must(model.ParseProfile("boss"))
)

// Permissions, the action first.
var (
	// ViewAllBigReport is the permission "big_report view_all": See it all.
	ViewAllBigReport = model.Must(model.ParsePermission("big_report", "view_all"))
)

// Topics of messages.
var (
	// TopicBigNews is the topic "big_news": News.
	TopicBigNews = model.Must(model.ParseTopic("big_news"))
)
`, string(text))
	code, _, _ = ctl(dir, "names", "-check", "DIR")
	require.Zero(t, code)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "names.go"), append(text, '\n'), 0o644))
	code, _, errOut = ctl(dir, "names", "-check", "DIR")
	require.Equal(t, 1, code)
	require.Equal(t, "DIR/names.go: stale: run policyctl names DIR\n", errOut)
}

func TestNamesRefusesCollisions(t *testing.T) {
	t.Parallel()
	const head = "pack, office, , 1, a, b, c\nprofile, boss, tenant, , a, b, c\npermission, big_report view_all, tenant, , a, b, c\n"
	for row, want := range map[string]string{
		"profile, view_all_big_report, tenant, , a, b, c": `ParseProfile("view_all_big_report") and ParsePermission("big_report", "view_all") are both ViewAllBigReport in Go: rename one`,
		"profile, pack, tenant, , a, b, c":                `the function Pack and ParseProfile("pack") are both Pack in Go`,
		"profile, boss_, tenant, , a, b, c":               `ParseProfile("boss") and ParseProfile("boss_") are both Boss in Go`,
	} {
		code, _, errOut := ctl(office(t, map[string]string{"catalog.csv": head + row}), "names", "DIR")
		require.Equal(t, 1, code)
		require.Contains(t, errOut, want)
	}
}

// TestShippedPacks checks that every pack of this module is what its files say.
func TestShippedPacks(t *testing.T) {
	t.Parallel()
	for _, name := range policies.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errOut := ctl(t.TempDir(), "names", "-check", "../"+name)
			require.Zero(t, code, errOut)
			code, out, errOut := ctl(t.TempDir(), "names", name)
			require.Zero(t, code, errOut)
			text, err := os.ReadFile("../" + name + "/names.go")
			require.NoError(t, err)
			require.Equal(t, string(text), out)
			pack, found := policies.Pack(name)
			require.True(t, found)
			require.Equal(t, name, pack.Name)
		})
	}
	_, found := policies.Pack("nowhere")
	require.False(t, found)
	_, found = policies.Files("nowhere")
	require.False(t, found)
}
