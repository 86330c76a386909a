package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README shows this program as it is, and what it prints.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	_, program, found := strings.Cut(string(source), "package main")
	require.True(t, found)
	require.Contains(t, string(readme), "```go\npackage main"+program+"```\n")
	require.Contains(t, string(readme), "```\n"+output(t)+"```\n")
}

// output runs the program in a folder of its own.
func output(t *testing.T) string {
	t.Chdir(t.TempDir())
	file, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	require.NoError(t, err)
	defer file.Close()
	stdout := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = stdout }()
	main()
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	return string(text)
}
