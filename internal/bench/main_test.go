package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/bench/report"
)

func TestWrongFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "nothing to do: want -size or -render"},
		{[]string{"S"}, `"S": want flags only`},
		{[]string{"-size", "XL"}, `-size: size "XL": want XS, S, M or L`},
		{[]string{"-size", "S,"}, `-size: size "": want XS, S, M or L`},
		{[]string{"-size", "S", "-engines", "volmacht,zanzibar"}, `-engines: no engine "zanzibar" in this build: want volmacht, `},
		{[]string{"-engines", "cedar"}, "-engines without -size"},
		{[]string{"-size", "S", "-engines", "cedar", "-render"}, "-engines with -render"},
		{[]string{"-size", "S", "-rounds", "0"}, "-rounds 0: want 1 to 50"},
		{[]string{"-size", "S", "-agree", "0s"}, "-agree 0s: want a time"},
		{[]string{"-sizes", "S"}, "flag provided but not defined: -sizes"},
		{[]string{"-render", "-out", filepath.Join(t.TempDir(), "none")}, "has no results: run with -size first"},
	} {
		var out, errs bytes.Buffer
		require.ErrorContains(t, run(t.Context(), c.args, &out, &errs), c.want, "%v", c.args)
		require.Empty(t, out.String())
	}
}

// A run of few engines says what it found and leaves nothing behind.
func TestRunOfAFewEngines(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "results")
	var out, errs bytes.Buffer
	args := []string{"-size", "XS", "-engines", "volmacht, ints,strings", "-rounds", "1", "-agree", "100ms", "-out", dir}
	require.NoError(t, run(t.Context(), args, &out, &errs))
	require.Contains(t, out.String(), "### XS: 3 × 6 × 3, 54 assignments")
	require.Contains(t, out.String(), "| floor: the same, keyed by strings |")
	require.NotContains(t, out.String(), "Casbin")
	require.Contains(t, errs.String(), "agree volmacht on ")
	require.NoDirExists(t, dir)
}

func TestStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	err := run(ctx, []string{"-size", "XS", "-engines", "ints"}, &out, &errs)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, out.String())
}

// The page in .github is what the results beside it make.
func TestPageIsOfTheKeptResults(t *testing.T) {
	t.Parallel()
	all, err := report.Read("results")
	require.NoError(t, err)
	page, chart, err := report.Documents(all)
	require.NoError(t, err)
	for name, want := range map[string]string{"benchmarks.md": page, "benchmarks.svg": chart} {
		got, err := os.ReadFile(filepath.Join("..", "..", ".github", name))
		require.NoError(t, err)
		require.Equal(t, want, string(got), "%s: go run . -render", name)
	}
}
