// Command policyctl is for who writes a pack: it tries the pack on its
// scenarios and keeps its Go names up to date.
//
//	policyctl test accountancy
//	policyctl test ./policies/mypack extra.csv
//	policyctl names ./policies/mypack
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
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// A command is a sub-command. Each has a file of its own.
type command struct {
	name, args, about string
	// prepare declares the flags and returns what to do with the arguments.
	prepare func(flags *flag.FlagSet) func(args []string, out io.Writer) error
}

// commands returns all sub-commands, in the order of the help.
func commands() []command { return []command{testCommand, namesCommand} }

// errUsage means that the arguments make no sense.
var errUsage = errors.New("wrong arguments")

// run does what args say and returns the exit code.
func run(args []string, out, errOut io.Writer) int {
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name == args[0] {
				return c.run(args[1:], out, errOut)
			}
		}
	}
	fmt.Fprintln(errOut, "usage:")
	for _, c := range commands() {
		fmt.Fprintf(errOut, "  policyctl %s %s\n    \t%s\n", c.name, c.args, c.about)
	}
	return 2
}

func (c command) run(args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.Usage = func() {
		fmt.Fprintf(errOut, "usage: policyctl %s %s\n  %s\n", c.name, c.args, c.about)
		flags.PrintDefaults()
	}
	do := c.prepare(flags)
	if err := flags.Parse(args); err != nil {
		return 2
	}
	switch err := do(flags.Args(), out); {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(errOut, "policyctl %s: %v\n", c.name, err)
		flags.Usage()
		return 2
	default:
		fmt.Fprintln(errOut, err)
		return 1
	}
}
