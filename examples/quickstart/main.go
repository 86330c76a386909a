// Command quickstart tells the story of one accounting office in the terminal:
// staff, dossiers and client users come in, and after every step it asks who
// may do what, and why. Everything it prints is an answer of Volmacht.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/policies/accountancy"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: quickstart [-db FILE]\n\nTells the story of one accounting office.\n\n")
		flag.PrintDefaults()
	}
	file := flag.String("db", "", "keep the SQLite database in `FILE`, which must not be there yet")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "quickstart: unexpected argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *file, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run tells the story on a database in file, or on one that is thrown away.
func run(ctx context.Context, file string, out io.Writer) (err error) {
	if file == "" {
		dir, err := os.MkdirTemp("", "quickstart")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		file = filepath.Join(dir, "office.db")
	} else if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: is there already (or cannot be looked at): name a new file", file)
	}
	db, err := authz.OpenSQLite(file)
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	defer pool.Close()
	az, err := authz.Open(ctx, db, authz.Config{Pack: accountancy.Pack()})
	if err != nil {
		return err
	}
	defer az.Close()

	s := &story{ctx: ctx, az: az, out: out}
	for _, chapter := range []func(*story){office, clients, configurations, staff, leaving, ledger} {
		chapter(s)
	}
	return s.err
}
