//go:build !windows

package authz_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

const (
	crashVariable = "VOLMACHT_TEST_CRASH" // set in the child: "dialect dsn"
	crashTimeout  = time.Minute
)

// A process that writes is killed, again and again. What it was told had
// happened is there, and of what it was doing there is all or nothing.
func TestKill(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		survivor := openOn(t, storetest.Reopen(t, db), time.Nanosecond)
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		kills := 20
		if testing.Short() || db.Name() != "sqlite" {
			kills = 5
		}
		acknowledged := 0
		for range kills {
			lines := killed(t, s, r)
			acknowledged += len(lines)
			// The database may still be ending what the child began. This waits
			// for the lock that it held.
			require.NoError(t, survivor.EditTenant(t.Context(), system, authz.Tenant{ID: tAcme, Name: "Afterwards"}))
			entries := ledger(t, survivor)
			for _, line := range lines {
				var revision uint64
				var action string
				_, err := fmt.Sscanf(line, "%d %q", &revision, &action)
				require.NoError(t, err, line)
				require.Greater(t, uint64(len(entries)), revision, "acknowledged and lost")
				require.Equal(t, action, entries[revision-1].Action)
			}
			require.NoError(t, survivor.VerifyLedger(t.Context(), tAcme))
			s.requireReplay(t, entries)
			s.requireAgreement(t)
			require.Equal(t, answers(t, openOn(t, db, time.Hour)), answers(t, survivor))
		}
		require.Greater(t, acknowledged, kills, "killed too soon to prove anything")
	})
}

// killed lets a child write, kills it at some moment, and returns what was
// acknowledged.
func killed(t *testing.T, s scene, r *rand.Rand) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), crashTimeout)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKillChild$", "-test.v=false")
	child.Env = append(os.Environ(), crashVariable+"="+target(t, s.db))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	patience, moment := r.IntN(30), time.Duration(r.IntN(3000))*time.Microsecond
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		if len(lines) == patience+1 {
			time.AfterFunc(moment, func() { _ = child.Process.Kill() }) // somewhere in one of the next
		}
	}
	require.NoError(t, scanner.Err())
	err = child.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "the child ended by itself")
	require.False(t, exit.Exited(), "the child failed: %v", err)
	require.NoError(t, ctx.Err())
	return lines
}

// target names the database of db for the child.
func target(t *testing.T, db *gorm.DB) string {
	t.Helper()
	switch d := db.Dialector.(type) {
	case *postgres.Dialector:
		return "postgres " + d.DSN
	case *mysql.Dialector:
		return "mysql " + d.DSN
	case *sqlite.Dialector:
		path := ""
		require.NoError(t, db.Raw("SELECT file FROM pragma_database_list WHERE name = 'main'").Row().Scan(&path))
		return "sqlite " + path
	}
	t.Fatalf("dialect %T", db.Dialector)
	return ""
}

// TestKillChild is what the child runs. In any other process it does nothing.
func TestKillChild(t *testing.T) {
	dialect, dsn, _ := strings.Cut(os.Getenv(crashVariable), " ")
	var db *gorm.DB
	var err error
	switch dialect {
	case "":
		return
	case "sqlite":
		db, err = store.OpenSQLite(dsn)
	case "postgres":
		db, err = gorm.Open(postgres.Open(dsn), &gorm.Config{Logger: logger.Discard})
	default:
		db, err = gorm.Open(mysql.Open(dsn), &gorm.Config{Logger: logger.Discard})
	}
	require.NoError(t, err)
	az := openOn(t, db, time.Hour)
	for {
		require.NoError(t, writeForEver(az))
	}
}

// writeForEver makes changes of several rows in several tables, and prints
// each as soon as it is acknowledged.
func writeForEver(az *authz.Authz) error {
	ctx := context.Background()
	u, team, id := model.NewUserID(), model.NewTeamID(), model.NewDossierID()
	d := model.DossierDomain(tAcme, id)
	change := func(action string, err error) error {
		if err != nil {
			return err
		}
		revision, err := az.Revision(ctx, tAcme)
		fmt.Printf("%d %q\n", revision, action) // not buffered: gone when it is said
		return err
	}
	for _, do := range []func() error{
		func() error {
			return change("add member", az.Transaction(ctx, func(tx *authz.Tx) error {
				_, err := tx.AddPerson(ctx, system, authz.Person{ID: u, FirstName: "F", LastName: "L"})
				return errors.Join(err, tx.AddMember(ctx, admin, home(tAcme), authz.NewMember{User: u, Profiles: []model.Profile{accountancy.Employee}}))
			}))
		},
		func() error {
			_, err := az.CreateTeam(ctx, admin, tAcme, authz.Team{ID: team, Name: "Team"})
			return change("create team", err)
		},
		func() error { return change("add team member", az.AddTeamMember(ctx, admin, tAcme, team, u)) },
		func() error {
			_, err := az.CreateDossier(ctx, admin, tAcme, authz.Dossier{ID: id, Name: "D", Manager: uEmil, Team: team, Supporting: []model.UserID{u}})
			return change("create dossier", err)
		},
		func() error { return change("assign", az.Assign(ctx, admin, d, authz.Manager(u))) },
		func() error { return change("deactivate member", az.DeactivateMember(ctx, admin, tAcme, u)) },
		func() error { return change("close dossier", az.CloseDossier(ctx, admin, d)) },
		func() error { return change("reactivate member", az.ReactivateMember(ctx, admin, tAcme, u)) },
		func() error { return change("reopen dossier", az.ReopenDossier(ctx, admin, d)) },
		func() error { return change("delete team", az.DeleteTeam(ctx, admin, tAcme, team)) },
		func() error { return change("remove member", az.RemoveMember(ctx, admin, home(tAcme), u)) },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}
