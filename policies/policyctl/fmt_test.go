package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/policies"
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
