// Package report keeps the raw results of runs and makes the documents from
// them: a table, a chart, and the page that says what was reached.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// A Result is one run at one size.
type Result struct {
	Size        string            `json:"size"`
	Shape       string            `json:"shape"` // offices × dossiers × clients
	Assignments int               `json:"assignments"`
	Date        string            `json:"date"`
	Machine     string            `json:"machine"` // in general words
	Go          string            `json:"go"`
	Versions    map[string]string `json:"versions"` // by module
	Seed        uint64            `json:"seed"`
	Rounds      int               `json:"rounds"`
	Share       float64           `json:"share"`  // of a processor that the engine had that had the least
	Checks      int               `json:"checks"` // in a stream
	Engines     []Engine          `json:"engines"`
	Ours        *Ours             `json:"ours,omitempty"`
}

// An Engine is what one engine did. Times are medians over the rounds, in
// nanoseconds; zero says that it was not measured.
type Engine struct {
	Name         string  `json:"name"`
	Title        string  `json:"title"`
	Module       string  `json:"module,omitempty"`
	Agreed       int     `json:"agreed"` // of the checks of each stream
	Timed        int     `json:"timed"`  // checks in a round
	Uniform      float64 `json:"uniform_ns"`
	UniformWorst float64 `json:"uniform_worst_ns"` // of the rounds
	Zipf         float64 `json:"zipf_ns"`
	Allocations  float64 `json:"allocations"`
	Fresh        *bool   `json:"fresh,omitempty"` // right in the check after a revocation
	Permissions  float64 `json:"permissions_ns,omitempty"`
	Admin        float64 `json:"admin_dossiers_ns,omitempty"`
	Client       float64 `json:"client_dossiers_ns,omitempty"`
	Grant        float64 `json:"grant_ns,omitempty"`
	Memory       uint64  `json:"memory_bytes"`
	Load         float64 `json:"load_ns"`

	// Beside is what the floors and ours did in its rounds, where it was not timed in
	// theirs. Ratios are to these.
	Beside []Engine `json:"beside,omitempty"`
}

// A Pair is something of ours, and what it is held against in the same run.
type Pair struct {
	Ours  float64 `json:"ours"`
	Other float64 `json:"other"`
}

// Ours is what only Volmacht is asked. Times are in nanoseconds, and a nil
// field was not measured: there was no PostgreSQL, say.
type Ours struct {
	Load     map[string]Pair `json:"load,omitempty"` // by database; other: scanning the rows into structs
	LoadRows int             `json:"load_rows,omitempty"`
	Grant    map[string]Pair `json:"durable_grant,omitempty"` // by database; other: the same rows by plain gorm
	Cold     *Cold           `json:"cold,omitempty"`
	Parallel *Parallel       `json:"parallel,omitempty"`
	Publish  *Publish        `json:"publish,omitempty"`
}

// Cold is the first check in a tenant that is not in memory, on PostgreSQL.
type Cold struct {
	Tenants int     `json:"tenants"`
	Queries float64 `json:"queries"` // the most that one took
	Median  float64 `json:"median_ns"`
	Worst   float64 `json:"worst_ns"`
}

// Parallel is checks in a second.
type Parallel struct {
	One       float64 `json:"one"`
	Two       float64 `json:"two"`
	OneWriter float64 `json:"one_writer"` // with a writer at work
	TwoWriter float64 `json:"two_writer"`
	Floor     float64 `json:"floor"` // two over one, of the floor of integers: what the machine gives
}

// Publish is what a grant costs besides the database, in a large tenant and in a
// small one.
type Publish struct {
	Dossiers int     `json:"dossiers"`
	Large    float64 `json:"large_ns"`
	Small    float64 `json:"small_ns"`
}

// Engine returns the engine of that name, or nil.
func (r Result) Engine(name string) *Engine { return named(r.Engines, name) }

// beside returns the engine of that name as it was in the rounds of e, or nil.
func (r Result) beside(e *Engine, name string) *Engine {
	if o := named(e.Beside, name); o != nil {
		return o
	}
	return r.Engine(name)
}

func named(engines []Engine, name string) *Engine {
	for i := range engines {
		if engines[i].Name == name {
			return &engines[i]
		}
	}
	return nil
}

// Save writes r to SIZE.json in dir, which it makes.
func (r Result) Save(dir string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, r.Size+".json"), append(text, '\n'), 0o644)
	}
	return err
}

// Read reads the results in dir, the smallest size first. None is an error.
func Read(dir string) ([]Result, error) {
	var all []Result
	for _, size := range []string{"XS", "S", "M", "L"} {
		text, err := os.ReadFile(filepath.Join(dir, size+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var r Result
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, size+".json"), err)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no results: run with -size first", dir)
	}
	return all, nil
}

// Median returns the median, 0 of nothing.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}
