package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies"
)

// No shipped pack has a wrong answer, an escalation, or an answer that changes
// by itself.
func TestShippedPacksAreClean(t *testing.T) {
	t.Parallel()
	for _, name := range policies.Names() {
		for _, args := range [][]string{{"test", name}, {"matrix", name}, {"matrix", name, "-format", "html", "-lang", "de"}, {"reach", name}, {"diff", name, name}} {
			code, out, errOut := ctl(t.TempDir(), args...)
			require.Zero(t, code, "%v: %s", args, errOut)
			require.NotEmpty(t, out)
		}
	}
}

// SOP-04: to release the right to view invoices is one row.
func TestReleaseIsOneRow(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "sophia")
	require.NoError(t, os.Mkdir(dir, 0o755))
	files, found := policies.Files("sophia")
	require.True(t, found)
	for _, file := range []string{model.ModelFile, model.PolicyFile, model.CatalogFile} {
		text, err := fs.ReadFile(files, file)
		require.NoError(t, err)
		if file == model.PolicyFile {
			text = append(text, "g2, *, released:view_invoices\n"...)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), text, 0o644))
	}
	code, out, _ := ctl(dir, "diff", "sophia", "DIR")
	require.Equal(t, 1, code)
	require.Equal(t, `sophia 1 → sophia 1

gains
  change_rights
    in a tenant
      profile:view_invoices grant
  view_invoices
    in a tenant
      invoice view

2 gains, 0 losses
`, out)
}
