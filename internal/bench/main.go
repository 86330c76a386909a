// Command bench measures Volmacht beside other engines on one workload, and
// makes the documents of what it found:
//
//	go run -tags peers . -size S,M            run, print the tables, keep them in results
//	go run -tags peers . -size S,M,L -render  the same, and make the documents of them
//	go run . -render                          .github/benchmarks.md and .svg from results
//	go run . -size S -engines volmacht,cedar  a few engines, printed only
//
// Without the tag there are no OPA and no OpenFGA, which take minutes to compile.
//
// VOLMACHT_TEST_POSTGRES, the URL of a server, adds what is measured on
// PostgreSQL. Ctrl-C stops it; a size that was finished before is kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/volmacht/volmacht/internal/bench/measure"
	"github.com/volmacht/volmacht/internal/bench/ours"
	"github.com/volmacht/volmacht/internal/bench/peer"
	"github.com/volmacht/volmacht/internal/bench/report"
	"github.com/volmacht/volmacht/internal/bench/world"
)

const (
	checks   = 100_000
	together = 100_000 // assignments up to which all engines are loaded at once
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bench: stopped")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A command is what the flags ask for.
type command struct {
	sizes   []world.Size
	engines []string // a few, and nothing is kept; none: all
	rounds  int
	out     string
	docs    string
	render  bool
	seed    uint64
	agree   time.Duration
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	began := time.Now()
	progress := func(format string, a ...any) {
		fmt.Fprintf(stderr, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, a...))
	}
	for _, size := range c.sizes {
		r, err := c.measure(ctx, size, progress)
		if err != nil {
			return fmt.Errorf("size %s: %w", size.Name, err)
		}
		fmt.Fprintln(stdout, r.Tables())
		if len(c.engines) == 0 {
			if err := r.Save(c.out); err != nil {
				return err
			}
			progress("results are in %s", c.out)
		}
	}
	if !c.render {
		return nil
	}
	written, err := report.Render(c.out, c.docs)
	for _, file := range written {
		progress("wrote %s", file)
	}
	return err
}

func (c command) measure(ctx context.Context, size world.Size, progress func(string, ...any)) (r report.Result, err error) {
	progress("size %s: %d assignments", size.Name, size.Assignments())
	w := world.New(size, c.seed)
	source := &ours.Source{World: w, Progress: progress}
	defer func() { err = errors.Join(err, source.Close()) }()
	o := measure.Options{
		Size: size, Rounds: c.rounds, Checks: checks, Seed: c.seed,
		Agree: c.agree, Slice: 300 * time.Millisecond, Progress: progress,
	}
	for _, m := range makers(source) {
		switch {
		case len(c.engines) > 0 && !slices.Contains(c.engines, m.Name):
		case size.Assignments() > together && m.Module != "":
			o.Apart = append(o.Apart, m)
		default:
			o.Makers = append(o.Makers, m)
		}
	}
	if r, err = measure.Run(ctx, o); err != nil || len(c.engines) > 0 {
		return r, err
	}
	r.Ours, err = ours.Measure(ctx, ours.Options{
		Source: source, Checks: w.Checks(checks, world.Uniform, c.seed), Postgres: os.Getenv("VOLMACHT_TEST_POSTGRES"),
		Fixed: size == world.S, Progress: progress,
	})
	return r, err
}

func makers(s *ours.Source) []peer.Maker { return slices.Concat(s.Makers(), peer.Makers) }

func parse(args []string, stderr io.Writer) (command, error) {
	var c command
	var sizes, engines string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&sizes, "size", "", "sizes to run: XS, S, M or L, several with commas")
	f.StringVar(&engines, "engines", "", "engines to run, with commas; the result is printed and not kept\n"+strings.Join(names(), ", "))
	f.IntVar(&c.rounds, "rounds", 7, "rounds, of which medians are taken")
	f.Uint64Var(&c.seed, "seed", 1, "seed of the world and of the streams")
	f.DurationVar(&c.agree, "agree", time.Minute, "how long one engine may be compared; a slow one answers a random share")
	f.StringVar(&c.out, "out", "results", "folder of the raw results")
	f.BoolVar(&c.render, "render", false, "make benchmarks.md and benchmarks.svg from the raw results")
	f.StringVar(&c.docs, "docs", "../../.github", "folder of the documents that -render makes")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	switch {
	case f.NArg() > 0:
		return c, fmt.Errorf("%q: want flags only; see -help", f.Arg(0))
	case c.render && engines != "":
		return c, errors.New("-engines with -render: the documents are made of runs of all engines")
	case sizes == "" && engines != "":
		return c, errors.New("-engines without -size: say on which size to run them")
	case sizes == "" && !c.render:
		return c, errors.New("nothing to do: want -size or -render; see -help")
	case c.agree <= 0:
		return c, fmt.Errorf("-agree %v: want a time, such as 1m", c.agree)
	case c.rounds < 1 || c.rounds > 50:
		return c, fmt.Errorf("-rounds %d: want 1 to 50", c.rounds)
	}
	if sizes != "" {
		for _, name := range strings.Split(sizes, ",") {
			size, err := world.ParseSize(strings.TrimSpace(name))
			if err != nil {
				return c, fmt.Errorf("-size: %w", err)
			}
			c.sizes = append(c.sizes, size)
		}
	}
	if engines == "" {
		if len(c.sizes) > 0 && !peer.Complete {
			return c, errors.New("OPA and OpenFGA are not in this build, and what is kept is of all engines: " +
				"go run -tags peers ., or name some with -engines")
		}
		return c, nil
	}
	known := names()
	for _, name := range strings.Split(engines, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(known, name) {
			return c, fmt.Errorf("-engines: no engine %q in this build: want %s%s", name, strings.Join(known, ", "), missing())
		}
		c.engines = append(c.engines, name)
	}
	return c, nil
}

func missing() string {
	if peer.Complete {
		return ""
	}
	return "; with go run -tags peers . there are opa, openfga and openfga-cached, too"
}

func names() (all []string) {
	for _, m := range makers(nil) {
		all = append(all, m.Name)
	}
	return all
}
