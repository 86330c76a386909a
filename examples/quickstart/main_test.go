package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the story says now to testdata")

func TestStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), "", &out))
	const golden = "testdata/story.txt"
	if *update {
		require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String())
}

func TestKeepsNoOldFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "office.db")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), file, &out))
	require.FileExists(t, file)
	require.ErrorContains(t, run(t.Context(), file, &out), "is there already")
}
