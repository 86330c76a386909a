package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/internal/bench/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The results in testdata are made up: round numbers, one target missed, one
// engine stale, one run without PostgreSQL.
func TestDocumentsAreGolden(t *testing.T) {
	t.Parallel()
	all, err := report.Read("testdata")
	require.NoError(t, err)
	require.Len(t, all, 2)
	page, chart, err := report.Documents(all)
	require.NoError(t, err)
	for name, got := range map[string]string{"benchmarks.md": page, "benchmarks.svg": chart} {
		file := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "%s: run the test with -update and read the difference", name)
	}
	require.Contains(t, page, "**1.3 × missed**")
	require.Contains(t, page, "0.50 × ✓")
	require.Contains(t, page, "| **no** |")
}

func TestRenderIsOneCommand(t *testing.T) {
	t.Parallel()
	docs := t.TempDir()
	written, err := report.Render("testdata", docs)
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(docs, "benchmarks.md"), filepath.Join(docs, "benchmarks.svg")}, written)
	for _, file := range written {
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		want, err := os.ReadFile(filepath.Join("testdata", filepath.Base(file)))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
	_, err = report.Render(t.TempDir(), docs)
	require.ErrorContains(t, err, "has no results: run with -size first")
}

func TestResultsReadBack(t *testing.T) {
	t.Parallel()
	all, err := report.Read("testdata")
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "new")
	for _, r := range all {
		require.NoError(t, r.Save(dir))
	}
	again, err := report.Read(dir)
	require.NoError(t, err)
	require.Equal(t, all, again)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "S.json"), []byte("{"), 0o644))
	_, err = report.Read(dir)
	require.ErrorContains(t, err, "S.json: ")
}

// Each engine has a row in each of the two tables, and the tables are whole.
func TestTablesHaveARowForEach(t *testing.T) {
	t.Parallel()
	all, err := report.Read("testdata")
	require.NoError(t, err)
	for _, r := range all {
		tables := r.Tables()
		for _, e := range r.Engines {
			require.Equal(t, 2, strings.Count(tables, "| "+e.Title+" |"), e.Title)
		}
		columns := 0
		for line := range strings.Lines(tables) {
			n := strings.Count(line, "|")
			if n == 0 {
				columns = 0
				continue
			}
			if columns == 0 {
				columns = n
			}
			require.Equal(t, columns, n, line)
		}
	}
}
