package model_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"administrator", "admin", "client", "client_user", "place_orders"}
	for name, want := range map[string]string{
		"amin":         "admin",        // a letter less
		"addmin":       "admin",        // a letter more
		"admim":        "admin",        // another letter
		"amdin":        "admin",        // two swapped
		"clinet_user":  "client_user",  // not client
		"place_ordres": "place_orders", // swapped further on
		"admin":        "",             // no other looks like it
		"boss":         "",
		"":             "",
	} {
		require.Equal(t, want, model.Nearest(name, slices.Values(names), len(name)/3), name)
	}
	require.Empty(t, model.Nearest("amn", slices.Values(names), 1), "two letters less")
	require.Equal(t, "admin", model.Nearest("amn", slices.Values(names), 2))
}
