package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/policies"
	"github.com/volmacht/volmacht/policies/accountancy"
)

func TestFmt(t *testing.T) {
	t.Parallel()
	const policy = "p, boss, any,  tenant, big_report, view_all, allow\n"
	dir := office(t, map[string]string{"policy.csv": policy})
	path := filepath.Join(dir, "policy.csv")
	require.NoError(t, os.Chmod(path, 0o600))

	code, out, errOut := ctl(dir, "fmt", "-check", "DIR")
	require.Equal(t, 1, code)
	require.Empty(t, errOut)
	require.Equal(t, "DIR/catalog.csv: error: not formatted: run policyctl fmt DIR (format)\nDIR/policy.csv: error: not formatted: run policyctl fmt DIR (format)\n", out)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, policy, string(text), "-check writes nothing")

	code, out, errOut = ctl(dir, "fmt", "DIR")
	require.Zero(t, code, errOut)
	require.Empty(t, out)
	text, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "p, boss, any, tenant, big_report, view_all, allow\n", string(text))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4, "no file is left behind")

	code, out, _ = ctl(dir, "fmt", "-check", "DIR")
	require.Zero(t, code)
	require.Empty(t, out)
	code, out, _ = ctl(dir, "fmt", "-check", "-json", "DIR")
	require.Zero(t, code)
	require.Equal(t, "[]\n", out)
}

func TestFmtRefuses(t *testing.T) {
	t.Parallel()
	const policy = "p, boss, any,  tenant, big_report, view_all, Allow\n"
	dir := office(t, map[string]string{"policy.csv": policy})
	code, out, _ := ctl(dir, "fmt", "DIR")
	require.Equal(t, 1, code)
	require.Equal(t, "DIR/policy.csv:1: error: effect \"Allow\": want allow or deny (effect)\n", out)
	text, err := os.ReadFile(filepath.Join(dir, "policy.csv"))
	require.NoError(t, err)
	require.Equal(t, policy, string(text))

	code, _, errOut := ctl(dir, "fmt", "accountancy")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "accountancy comes with Volmacht: want the folder of a pack, or -check")
}

func TestShippedPacksAreFormatted(t *testing.T) {
	t.Parallel()
	for _, name := range policies.Names() {
		code, out, _ := ctl(t.TempDir(), "fmt", "-check", name)
		require.Zero(t, code, out)
	}
}

// Rows stay where they are when their order decides, and diff sees it.
func TestFmtOfAnOrder(t *testing.T) {
	t.Parallel()
	conf, err := fs.ReadFile(accountancy.Files(), "model.conf")
	require.NoError(t, err)
	effect := regexp.MustCompile(`(?m)^e\s*=.*$`).ReplaceAllString(string(conf), "e = priority(p.eft) || deny")
	rows := []string{
		"p, boss, any, tenant, big_report, view_all, allow\n",
		"p, guest, any, tenant, small_report, view_all, deny\n",
		"p, boss, any, tenant, small_report, view_all, allow\n",
	}
	files := map[string]string{
		"model.conf": effect, "policy.csv": rows[0] + rows[1] + rows[2],
		"catalog.csv": "pack, office, , 1, a, b, c\nprofile, boss, tenant, , a, b, c\nprofile, guest, tenant, , a, b, c\n" +
			"permission, big_report view_all, tenant, , a, b, c\npermission, small_report view_all, tenant, , a, b, c\n",
	}
	dir := office(t, files)
	code, _, errOut := ctl(dir, "fmt", "DIR")
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "formatting would change what it means, and is left")

	files["policy.csv"] = rows[0] + rows[2] + rows[1]
	other := office(t, files)
	code, out, errOut := ctl(dir, "diff", "DIR", other)
	require.Equal(t, 1, code, errOut)
	require.Contains(t, out, "small_report view_all")
}

// A file that is elsewhere is formatted there.
func TestFmtFollowsLinks(t *testing.T) {
	t.Parallel()
	dir := office(t, nil)
	elsewhere := filepath.Join(t.TempDir(), "policy.csv")
	require.NoError(t, os.WriteFile(elsewhere, []byte("p, boss, any,  tenant, big_report, view_all, allow\n"), 0o644))
	path := filepath.Join(dir, "policy.csv")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink(elsewhere, path))
	code, _, errOut := ctl(dir, "fmt", "DIR")
	require.Zero(t, code, errOut)
	text, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	require.Equal(t, "p, boss, any, tenant, big_report, view_all, allow\n", string(text))
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
}
