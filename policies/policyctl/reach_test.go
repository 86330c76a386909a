package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReach(t *testing.T) {
	t.Parallel()
	code, out, errOut := ctl(firm(t, nil), "reach", "DIR")
	require.Zero(t, code, errOut)
	golden(t, "reach.txt", out)
	code, _, errOut = ctl(firm(t, nil), "reach", "-strict", "DIR")
	require.Equal(t, 1, code)
	require.Empty(t, errOut)

	// A reader who may make bosses can be made one by them.
	escalating := map[string]string{"policy.csv": firmPolicy + "p, client, any, module:extra, profile:reader, grant, allow\np, reader, any, tenant, profile:boss, grant, allow\n", "catalog.csv": strings.Replace(firmCatalog, "reader, tenant,", "reader, tenant dossier,", 1)}
	code, out, errOut = ctl(firm(t, escalating), "reach", "DIR")
	require.Equal(t, 1, code)
	require.Empty(t, errOut)
	golden(t, "escalations.txt", out)
	code, out, _ = ctl(firm(t, escalating), "reach", "-json", "DIR")
	require.Equal(t, 1, code)
	golden(t, "escalations.json", out)
	code, _, errOut = ctl(firm(t, nil), "reach", "DIR", "DIR")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "2 packs, want one")
}
