package main

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInit(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "projects")
	code, out, errOut := ctl(dir, "init", "DIR")
	require.Zero(t, code, errOut)
	require.Equal(t, "DIR is a pack: edit its policy.csv, then run policyctl lint DIR and policyctl test DIR\n", out)
	for _, args := range [][]string{{"lint", "DIR"}, {"fmt", "-check", "DIR"}, {"names", "-check", "DIR"}, {"test", "-coverage", "DIR"}} {
		code, out, errOut := ctl(dir, args...)
		require.Zero(t, code, "%v: %s%s", args, out, errOut)
	}
	code, _, errOut = ctl(dir, "init", "DIR")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "DIR is not empty")
}

func TestInitRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"main", "type", "My", "my-pack", "9", "any", "ümlaut", "a234567890123456789012345678901234567"} {
		code, _, errOut := ctl(dir, "init", filepath.Join("DIR", name))
		require.Equal(t, 2, code, name)
		require.Contains(t, errOut, "cannot be the name of a pack and a Go package", name)
	}
	code, _, errOut := ctl(dir, "init", "DIR/a", "DIR/b")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "2 folders, want one")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	code, _, errOut = ctl(dir, "init", "DIR/file")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "not a directory")
}

const hostTest = `package main

import (
	"path/filepath"
	"testing"

	"example.com/host/projects"
	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
)

func TestHost(t *testing.T) {
	ctx := t.Context()
	db, err := authz.OpenSQLite(filepath.Join(t.TempDir(), "host.db"))
	check(t, err)
	az, err := authz.Open(ctx, db, authz.Config{Pack: projects.Pack()})
	check(t, err)
	defer az.Close()
	acme, err := az.CreateTenant(ctx, authz.System, authz.Tenant{Name: "Acme"})
	check(t, err)
	ann, err := az.AddPerson(ctx, authz.System, authz.Person{FirstName: "Ann", LastName: "Peeters"})
	check(t, err)
	check(t, az.AddMember(ctx, authz.System, acme.Domain(), authz.NewMember{User: ann.ID, Profiles: []model.Profile{projects.Manager}}))
	project, err := az.CreateDossier(ctx, authz.By(ann.ID), acme.ID, authz.Dossier{Name: "Bridge"})
	check(t, err)
	check(t, az.Require(ctx, ann.ID, project.Domain, projects.ViewDocument))
	ok, err := az.Enforce(ctx, model.NewUserID(), project.Domain, projects.ViewDocument)
	check(t, err)
	if ok {
		t.Fatal("a stranger may view documents")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
`

// TestHostsOwnPack has a module of its own use a pack that init wrote, and
// generate its names with this command.
func TestHostsOwnPack(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds another module")
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	host := t.TempDir()
	// The versions of this module, so that nothing is looked for elsewhere.
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	mod = regexp.MustCompile(`(?m)^module .*$`).ReplaceAll(mod, []byte("module example.com/host"))
	mod = append(mod, "\nrequire github.com/volmacht/volmacht v0.0.0\n\nreplace github.com/volmacht/volmacht => "+root+"\n"...)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	for name, text := range map[string][]byte{"go.mod": mod, "go.sum": sum, "host_test.go": []byte(hostTest)} {
		require.NoError(t, os.WriteFile(filepath.Join(host, name), text, 0o644))
	}
	dir := filepath.Join(host, "projects")
	code, _, errOut := ctl(dir, "init", "DIR")
	require.Zero(t, code, errOut)
	require.NoError(t, os.Remove(filepath.Join(dir, namesFile)))
	for _, args := range [][]string{{"generate", "./..."}, {"vet", "./..."}, {"test", "./..."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = host
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%v: %s", args, out)
	}
	code, _, errOut = ctl(dir, "names", "-check", "DIR")
	require.Zero(t, code, errOut)
}

// A pack without a name to write is a package all the same.
func TestNamesOfNothing(t *testing.T) {
	t.Parallel()
	dir := office(t, map[string]string{
		"policy.csv":  "p, member, any, tenant, *, *, allow\n",
		"catalog.csv": "pack, office, , 1, a, b, c\nprofile, member, none, , a, b, c\n",
	})
	code, _, errOut := ctl(dir, "names", "DIR")
	require.Zero(t, code, errOut)
	code2, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, namesFile), nil, 0)
	require.NoError(t, err)
	require.Empty(t, code2.Imports, "nothing uses one")
}
