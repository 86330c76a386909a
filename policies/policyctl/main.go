// Command policyctl is for who writes a pack: it says what is wrong with the
// pack, tries it on its scenarios, shows who may do what and what a change
// changes, and keeps the Go names up to date.
//
//	policyctl lint ./policies/mypack
//	policyctl test ./policies/mypack extra.csv
//	policyctl diff accountancy ./policies/accountancy
//	policyctl help reach
//
// A pack is a folder with a model.conf, a policy.csv and a catalog.csv, or the
// name of one that comes with Volmacht. The folder has the name of the pack.
// It exits with 1 when something is wrong with the pack, each fault on a line
// that begins with its place, and with 2 when the command itself is wrong.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// A command is a sub-command. Each has a file of its own.
type command struct {
	name, args, about string
	example           string // lines of "policyctl …"
	// prepare declares the flags and returns what to do with the arguments.
	prepare func(flags *flag.FlagSet) func(args []string, out io.Writer) error
}

// commands returns all sub-commands, in the order of the help.
func commands() []command {
	return []command{
		lintCommand,
		fmtCommand,
		testCommand,
		matrixCommand,
		explainCommand,
		diffCommand,
		reachCommand,
		namesCommand,
		initCommand,
		exportCommand,
	}
}

// errUsage means that the arguments make no sense.
var errUsage = errors.New("wrong arguments")

// run does what args say and returns the exit code.
func run(args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		help(errOut)
		return 2
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) == 1 {
			help(out)
			return 0
		}
		args = []string{args[1], "-h"}
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(args[1:], out, errOut)
		}
	}
	fmt.Fprintf(errOut, "policyctl: no command %q\n", args[0])
	help(errOut)
	return 2
}

// help lists the sub-commands.
func help(out io.Writer) {
	fmt.Fprintln(out, "usage:")
	for _, c := range commands() {
		fmt.Fprintf(out, "  policyctl %s %s\n    \t%s\n", c.name, c.args, c.about)
	}
	fmt.Fprintln(out, "policyctl help COMMAND says more, with an example.")
}

func (c command) run(args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "usage: policyctl %s %s\n  %s\n", c.name, c.args, c.about)
		flags.PrintDefaults()
		if c.example != "" {
			fmt.Fprintf(flags.Output(), "example:\n  %s\n", strings.ReplaceAll(c.example, "\n", "\n  "))
		}
	}
	do := c.prepare(flags)
	if slices.ContainsFunc(args, isHelp) { // asked for, so no fault
		flags.SetOutput(out)
	}
	rest, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	switch err := do(rest, out); {
	case err == nil:
		return 0
	case errors.Is(err, errFound):
		return 1
	case errors.Is(err, errUsage):
		fmt.Fprintf(errOut, "policyctl %s: %v\n", c.name, err)
		flags.Usage()
		return 2
	default:
		fmt.Fprintln(errOut, err)
		return 1
	}
}

// parse returns the arguments without the flags, which may stand after them.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
			return rest, err
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }
