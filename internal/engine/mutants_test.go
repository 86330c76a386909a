package engine_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Faults planted in the index, one at a time, each a change of one place in its
// source. The test of equality must find every one of them.
var mutants = []struct{ name, file, old, new string }{
	{"a grant holds at its end", "set.go", "at < t.until", "at <= t.until"},
	{"a grant holds before its start", "set.go", "t.from <= at", "true"},
	{"a deny is passed over", "policy.go", "set1(p.deny, i)", "set1(p.allow, i)"},
	{"a pattern covers every domain", "decide.go", "strings.HasPrefix(domain, s.patterns[i].prefix)", "strings.HasPrefix(domain, \"\")"},
	{"a chain has no end", "walk.go", "depth < steps && done", "done"},
	{"links of the pack are not followed", "policy.go", "union(k.closed, g.names[l.to].direct)", "_ = l"},
	{"a link to a team is not followed", "decide.go", "!followed && s.collect(a, graph, links, in, true)", "true"},
	{"a row removed is still there", "change.go", "d.names = slices.Delete(d.names, i, i+1)", "_ = i"},
	{"the hub is not made anew", "walk.go", "at.graph == h.graph && slices.Contains", "false && slices.Contains"},
	{"rows of a tenant that add to the pack are not looked at", "decide.go", "ok = s.tally[src.graph].inner == 0", "ok = true"},
	{"objects that a tenant makes parts are not looked at", "decide.go", "g >= 0 && s.tally[g].rows > 0", "g >= 0 && s.tally[g].rows < 0"},
	{"rows behind the first word are lost", "decide.go", "for w, rows := range q.base {", "for w, rows := range q.base[:1] {"},
	{"a handle outlives a grant", "decide.go", "a.expires(t.next(a.at))", "_ = a"},
	{"the subject is not itself", "decide.go", "ok = a.add(k.closed)", "ok = true"},
}

// TestPlantedFaults builds the tests with each fault and wants them to fail.
func TestPlantedFaults(t *testing.T) {
	if testing.Short() || os.Getenv(statesVariable) != "" {
		t.Skip("compiles the package once for each fault")
	}
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(source), m.old), "%s: %s", m.file, m.old)
			faulty := filepath.Join(t.TempDir(), m.file)
			require.NoError(t, os.WriteFile(faulty, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
			original, err := filepath.Abs(m.file)
			require.NoError(t, err)
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: faulty}})
			require.NoError(t, err)
			list := filepath.Join(t.TempDir(), "overlay.json")
			require.NoError(t, os.WriteFile(list, overlay, 0o600))
			run := exec.CommandContext(t.Context(), "go", "test", "-overlay", list, "-vet=off", "-run", "^TestIndexEqualsTheReadings$", ".")
			run.Env = append(os.Environ(), statesVariable+"=3000")
			out, err := run.CombinedOutput()
			require.Error(t, err, "not found: %s", out)
			require.Contains(t, string(out), "--- FAIL: TestIndexEqualsTheReadings", "it does not even compile")
		})
	}
}
