package sophia_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/internal/trial"
	"github.com/volmacht/volmacht/policies/sophia"
)

// SOP-04: one row more, and the right is granted and used in every company.
func TestOneRowReleasesViewInvoices(t *testing.T) {
	t.Parallel()
	const questions = `case, x
tenant, acme
g, user:rita, change_rights, acme/*
g, user:vera, view_invoices, acme/*
allow, user:rita, acme/, profile:view_invoices, grant
allow, user:vera, acme/, invoice, view
deny,  user:rita, acme/, invoice, view
deny,  user:vera, acme/, profile:view_invoices, grant
`
	scenarios, err := model.ReadScenarios("questions", []byte(questions))
	require.NoError(t, err)

	faults, err := trial.Run(trial.Ours, sophia.Pack(), "questions", scenarios)
	require.NoError(t, err)
	require.Len(t, faults, 2, "as shipped both are denied")

	files := fstest.MapFS{}
	for _, name := range []string{model.ModelFile, model.PolicyFile, model.CatalogFile} {
		text, err := fs.ReadFile(sophia.Files(), name)
		require.NoError(t, err)
		files[name] = &fstest.MapFile{Data: text}
	}
	// The row stands in the policy as a comment.
	const row = "\n# g2, *, released:view_invoices\n"
	policy := string(files[model.PolicyFile].Data)
	require.Equal(t, 1, strings.Count(policy, row))
	files[model.PolicyFile].Data = []byte(strings.Replace(policy, row, strings.Replace(row, "# ", "", 1), 1))
	released, err := model.ReadPack(files, "sophia")
	require.NoError(t, err)
	require.Len(t, released.Rules, len(sophia.Pack().Rules)+1)
	require.NotEqual(t, sophia.Pack().Hash(), released.Hash())

	faults, err = trial.Run(trial.Ours, released, "questions", scenarios)
	require.NoError(t, err)
	require.Empty(t, faults)
}
