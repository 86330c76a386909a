package engine_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	{"links of the pack are not followed", "policy.go", "union(closed, g.names[l.to].direct)", "_ = l"},
	{"a link to a team is not followed", "decide.go", "!followed && s.collect(a, graph, n, in, true)", "true"},
	{"a row removed is still there", "change.go", "d.names = slices.Delete(d.names, i, i+1)", "_ = i"},
	{"the hub is not made anew", "walk.go", "at.graph == h.set.graph && slices.Contains", "false && slices.Contains"},
	{"what a hub leads to is left out", "decide.go", "h.graph == graph && !a.add(h.meets)", "h.graph != graph && !a.add(h.meets)"},
	{"the first entry that is tried is taken", "table.go", "if in.tags[i] != tagOf(a.hash) || m.text() != a.text {", "if in.tags[i] == 0 {"},
	{"rows of a tenant that add to the pack are not looked at", "decide.go", "g >= 0 && s.tally[g].inner > 0", "g >= 0 && s.tally[g].inner < 0"},
	{"objects that a tenant makes parts are not looked at", "decide.go", "g >= 0 && s.tally[g].rows > 0", "g >= 0 && s.tally[g].rows < 0"},
	{"rows behind the first word are lost", "decide.go", "for w, rows := range q.base {", "for w, rows := range q.base[:1] {"},
	{"a handle outlives a grant", "decide.go", "a.expires(t.next(a.time()))", "_ = a"},
	{"links apart from an entry are not looked at", "decide.go", "set.graph == spilled && in.name != nil", "set.graph == spilled && false"},
	{"a change forgets links apart", "change.go", "at.apart(replace(slices.Clone(there), at", "at.apart(replace(there[:0:0], at"},
	{"the memo takes one set of rows for another", "memo.go", "part = part<<16 | uint64(m.number)", "part |= uint64(m.number)"},
	{"the memo takes what a subject meets for what a domain does", "memo.go", "part << (32 * k)", "part"},
	{"the memo answers another question", "memo.go", "v[i/64] |= 1 << (i % 64)", "v[i/64] |= 2 << (i % 64)"},
	{"a full memo says no", "memo.go", "if free == nil {\n\t\treturn v", "if free == nil && v == nil {\n\t\treturn new(verdict)\n\t} else if free == nil {\n\t\treturn v"},
	{"holders hide the links behind them", "change.go", "first >= 0 && !l.isHolder()", "false && first < 0"},
	{"what the crowd may do is not asked", "lists.go", "!only.foreign && len(only.timed) == 0 && !s.mayAllow(only, q)", "!only.foreign && len(only.timed) == 0 || !s.mayAllow(only, q)"},
	{"sets that hold for a time are recalled as for good", "set.go", "s.meets != nil && len(s.timed) == 0", "s.meets != nil"},
	{"a pattern takes every domain when recalled", "memo.go", "strings.HasPrefix(domain, wide.prefix)", "strings.HasPrefix(domain, \"\")"},
	{"one of many patterns stands for all", "decide.go", "len(s.patterns) == 1", "len(s.patterns) > 0"},
	{"links apart are not looked for when recalled", "memo.go", "case l.at == nil: // others may be apart\n\t\t\treturn nil", "case l.at == nil:"},
	{"what links to teams lead to is not recalled, and not missed", "memo.go", "l.set.alone == 0 || l.set.graph != p.whoGraph", "l.set.graph != p.whoGraph"},
	{"hubs are not recalled, and not missed", "memo.go", "graph, number = h.graph, h.meets.number", "continue"},
	{"one set of a subject is recalled", "memo.go", "subjects = subjects<<16 | uint64(l.set.alone)", "subjects = uint64(l.set.alone)"},
	{"one set of a domain is recalled", "memo.go", "domains = domains<<16 | uint64(number)", "domains = uint64(number)"},
	{"the subject is not itself", "decide.go", "ok = a.add(k.closed)", "ok = true"},
}

// TestPlantedFaults builds the tests with each fault and wants them to fail. The
// states are the same every time: what they find once they find again. With
// -short it plants one of the faults, another one each time.
func TestPlantedFaults(t *testing.T) {
	t.Parallel()
	plant := mutants
	if testing.Short() {
		i := rand.IntN(len(mutants))
		plant = mutants[i : i+1]
	}
	for _, m := range plant {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(m.file)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(source), m.old), "%s: %s", m.file, m.old)
			dir := t.TempDir()
			faulty := filepath.Join(dir, m.file)
			require.NoError(t, os.WriteFile(faulty, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
			original, err := filepath.Abs(m.file)
			require.NoError(t, err)
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: faulty}})
			require.NoError(t, err)
			list := filepath.Join(dir, "overlay.json")
			require.NoError(t, os.WriteFile(list, overlay, 0o600))
			// Neither optimised nor with what debuggers need: built in half the time.
			run := exec.CommandContext(t.Context(), "go", "test", "-overlay", list, "-vet=off", "-gcflags=-N -l", "-ldflags=-s -w",
				"-run", "^TestIndexEqualsTheReadings$", ".")
			run.Env = append(os.Environ(), statesVariable+"=3000", seedVariable+"=1")
			began := time.Now()
			out, err := run.CombinedOutput()
			require.Error(t, err, "not found: %s", out)
			require.Contains(t, string(out), "--- FAIL: TestIndexEqualsTheReadings", "it does not even compile")
			require.Contains(t, string(out), "# policy.csv", "it fails, but not by a difference")
			t.Logf("found in %v, %v of them the processor's", time.Since(began), run.ProcessState.UserTime())
		})
	}
}
