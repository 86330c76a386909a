package authz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// nodes are two processes on one database, as far as that can tell.
type nodes struct {
	scene
	az [2]*authz.Authz
}

func newNodes(t *testing.T, db *gorm.DB) nodes {
	t.Helper()
	s := setScene(t, db)
	other := storetest.Reopen(t, db)
	return nodes{s, [2]*authz.Authz{openOn(t, db, time.Nanosecond), openOn(t, other, time.Nanosecond)}}
}

// rounds is how often two changes meet.
func rounds() int {
	if testing.Short() {
		return 10
	}
	return 40
}

// together runs both at the same moment and returns their errors.
func together(first, second func() error) (errs [2]error) {
	var ready, done sync.WaitGroup
	ready.Add(2)
	for i, do := range []func() error{first, second} {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			errs[i] = do()
		})
	}
	done.Wait()
	return errs
}

// requireSound wants a ledger without a gap or a forged line, and the same
// answers from both nodes as from one that starts now.
func (n nodes) requireSound(t *testing.T) {
	t.Helper()
	for _, tenant := range []model.TenantID{tAcme, tBeta} {
		require.NoError(t, n.az[0].VerifyLedger(t.Context(), tenant))
	}
	fresh := answers(t, openOn(t, n.db, time.Hour))
	require.Equal(t, fresh, answers(t, n.az[0]))
	require.Equal(t, fresh, answers(t, n.az[1]))
}

// admins are the members of acme who hold admin with no end, as the table says.
func (n nodes) admins(t *testing.T) []string {
	t.Helper()
	var who []string
	require.NoError(t, n.db.Model(&store.CasbinRule{}).
		Where("tenant = ? AND ptype = 'g' AND v1 = 'admin' AND v2 = ? AND valid_until = 0", tAcme.String(), model.Everywhere(tAcme)).
		Order("v0").Pluck("v0", &who).Error)
	return who
}

// Two admins at a time take each other's profile, in every way there is, and
// one remains.
func TestLastAdminRace(t *testing.T) {
	t.Parallel()
	withdraw := func(az *authz.Authz, by, u model.UserID) error {
		return az.Withdraw(context.Background(), authz.By(by), model.UserSubject(u), accountancy.Admin, home(tAcme))
	}
	deactivate := func(az *authz.Authz, by, u model.UserID) error {
		return az.DeactivateMember(context.Background(), authz.By(by), tAcme, u)
	}
	remove := func(az *authz.Authz, by, u model.UserID) error {
		return az.RemoveMember(context.Background(), authz.By(by), home(tAcme), u)
	}
	expire := func(az *authz.Authz, by, u model.UserID) error {
		return az.Grant(context.Background(), authz.By(by), authz.Grant{
			Subject: model.UserSubject(u), Profile: accountancy.Admin, Domain: home(tAcme), Until: noon().Add(time.Hour),
		})
	}
	// The system is bound by it too, and has no profile to lose meanwhile.
	bySystem := func(az *authz.Authz, _, u model.UserID) error {
		return az.Withdraw(context.Background(), system, model.UserSubject(u), accountancy.Admin, home(tAcme))
	}
	type way func(az *authz.Authz, by, u model.UserID) error
	for name, pair := range map[string][2]way{
		"withdraw and withdraw":     {withdraw, withdraw},
		"withdraw and deactivate":   {withdraw, deactivate},
		"remove and withdraw":       {remove, withdraw},
		"remove and remove":         {remove, remove},
		"deactivate and deactivate": {deactivate, deactivate},
		"expire and withdraw":       {expire, withdraw},
		"system and system":         {bySystem, bySystem},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				n := newNodes(t, db)
				for round := range rounds() / 2 {
					errs := together(func() error { return pair[0](n.az[0], uAnn, uAmy) }, func() error { return pair[1](n.az[1], uAmy, uAnn) })
					require.Len(t, n.admins(t), 1, "round %d: %v", round, errs)
					require.True(t, (errs[0] == nil) != (errs[1] == nil), "round %d: %v", round, errs)
					for _, u := range []model.UserID{uAnn, uAmy} {
						require.NoError(t, n.makeAdmin(u))
					}
				}
				n.requireSound(t)
			})
		})
	}
}

// makeAdmin makes u an admin for good, whatever u was.
func (n nodes) makeAdmin(u model.UserID) error {
	ctx := context.Background()
	again := n.az[0].ReactivateMember(ctx, system, tAcme, u)
	if again != nil && !errors.Is(again, authz.ErrConflict) && !errors.Is(again, authz.ErrNotFound) {
		return again
	}
	return n.az[0].AddMember(ctx, system, home(tAcme), authz.NewMember{User: u, Profiles: []model.Profile{accountancy.Admin}})
}

// The control: to count and then delete, in one transaction but without the
// lock, leaves nobody, and the races above would show it.
func TestLastAdminRaceControl(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		other := storetest.Reopen(t, db)
		var rows []store.CasbinRule
		require.NoError(t, db.Where("tenant = ? AND v1 = 'admin'", tAcme.String()).Find(&rows).Error)
		require.Len(t, rows, 2)
		naive := func(db *gorm.DB, who string) func() error {
			return func() error {
				return db.Transaction(func(tx *gorm.DB) error {
					var left int64
					err := tx.Model(&store.CasbinRule{}).Where("tenant = ? AND v1 = 'admin'", tAcme.String()).Count(&left).Error
					if err != nil || left < 2 {
						return errors.Join(err, authz.ErrConflict)
					}
					return tx.Where("tenant = ? AND v1 = 'admin' AND v0 = ?", tAcme.String(), who).Delete(&store.CasbinRule{}).Error
				})
			}
		}
		nobody := 0
		for range 200 {
			_ = together(naive(db, rows[0].V0), naive(other, rows[1].V0))
			if len(n.admins(t)) == 0 {
				nobody++
			}
			require.NoError(t, db.Where("tenant = ? AND v1 = 'admin'", tAcme.String()).Delete(&store.CasbinRule{}).Error)
			require.NoError(t, db.Create(&rows).Error)
		}
		require.Positive(t, nobody, "the two never met: the races prove nothing")
	})
}

// Many managers are named at once: the last one stays, and nobody keeps what
// goes with it.
func TestOneManagerRace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		for range rounds() {
			errs := together(
				func() error { return n.az[0].Assign(context.Background(), admin, dTwo, authz.Manager(uEmil)) },
				func() error { return n.az[1].Assign(context.Background(), authz.By(uAmy), dTwo, authz.Manager(uOlga)) })
			require.NoError(t, errors.Join(errs[:]...))
			d, err := n.az[0].Dossier(t.Context(), system, dTwo)
			require.NoError(t, err)
			var assigned []string
			require.NoError(t, db.Model(&store.CasbinRule{}).Where("v1 = ? AND v2 = ?", model.Assigned, dTwo.String()).Pluck("v0", &assigned).Error)
			require.Equal(t, []string{model.UserSubject(d.Manager).String()}, assigned)
			require.NoError(t, n.az[0].Unassign(t.Context(), system, dTwo, authz.Manager(d.Manager)))
		}
		n.requireSound(t)
	})
}

// The same change twice at once is made once.
func TestSameChangeTwice(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	row := authz.Grant{Subject: model.UserSubject(uEmil), Profile: accountancy.Support, Domain: home(tAcme)}
	for name, c := range map[string]struct {
		do, undo func(az *authz.Authz) error
		fails    error // the second one; nil: it finds nothing to do
		lines    uint64
	}{
		"grant": {lines: 1, do: func(az *authz.Authz) error { return az.Grant(ctx, admin, row) },
			undo: func(az *authz.Authz) error { return az.Withdraw(ctx, admin, row.Subject, row.Profile, row.Domain) }},
		"withdraw": {lines: 1, fails: authz.ErrNotFound,
			do: func(az *authz.Authz) error {
				return az.Withdraw(ctx, admin, model.UserSubject(uCarl), accountancy.FullAccess, dOne)
			},
			undo: func(az *authz.Authz) error {
				return az.Grant(ctx, admin, authz.Grant{Subject: model.UserSubject(uCarl), Profile: accountancy.FullAccess, Domain: dOne})
			}},
		"remove a member": {lines: 1, fails: authz.ErrNotFound,
			do: func(az *authz.Authz) error { return az.RemoveMember(ctx, admin, home(tAcme), uOlga) },
			undo: func(az *authz.Authz) error {
				return az.AddMember(ctx, admin, home(tAcme), authz.NewMember{User: uOlga})
			}},
		"close a dossier": {lines: 1, fails: authz.ErrNotFound,
			do:   func(az *authz.Authz) error { return az.CloseDossier(ctx, admin, dTwo) },
			undo: func(az *authz.Authz) error { return az.ReopenDossier(ctx, admin, dTwo) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				n := newNodes(t, db)
				for range rounds() / 4 {
					before, err := n.az[0].Revision(ctx, tAcme)
					require.NoError(t, err)
					errs := together(func() error { return c.do(n.az[0]) }, func() error { return c.do(n.az[1]) })
					after, err := n.az[0].Revision(ctx, tAcme)
					require.NoError(t, err)
					require.Equal(t, before+c.lines, after)
					if c.fails == nil {
						require.NoError(t, errors.Join(errs[:]...))
					} else {
						require.True(t, (errs[0] == nil) != (errs[1] == nil), errs)
						require.ErrorIs(t, errors.Join(errs[:]...), c.fails)
					}
					require.NoError(t, c.undo(n.az[1]))
				}
				n.requireSound(t)
			})
		})
	}
}

// A person who is added by two at once is one member, with what both gave.
func TestAddMemberTwice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		for range rounds() {
			errs := together(
				func() error {
					return n.az[0].AddMember(context.Background(), admin, dOne, authz.NewMember{User: uNina, Profiles: []model.Profile{accountancy.FullAccess}})
				}, func() error {
					return n.az[1].AddMember(context.Background(), authz.By(uAmy), dTwo, authz.NewMember{User: uNina, Profiles: []model.Profile{accountancy.FullFeedback}})
				})
			require.NoError(t, errors.Join(errs[:]...))
			for _, d := range []model.Domain{dOne, dTwo} {
				ok, err := n.az[0].Enforce(t.Context(), uNina, d, accountancy.ViewFigure)
				require.NoError(t, err)
				require.True(t, ok, d)
			}
			require.NoError(t, n.az[1].RemoveMember(t.Context(), admin, home(tAcme), uNina))
		}
		n.requireSound(t)
	})
}

// Many writers on two nodes change two tenants, each with the means it has.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		n := newNodes(t, db)
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		all := operations()
		var done sync.WaitGroup
		unexpected := make([]error, 8)
		for w := range unexpected {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			done.Go(func() {
				for range rounds() / 2 {
					o := all[r.IntN(len(all))]
					if o.method == "CloseTenant" { // would end it for the others
						continue
					}
					err := o.do(context.Background(), n.az[w%2], o.valid)
					known := err == nil
					for _, want := range []error{authz.ErrDenied, authz.ErrNotFound, authz.ErrConflict} {
						known = known || errors.Is(err, want)
					}
					if !known {
						unexpected[w] = errors.Join(unexpected[w], fmt.Errorf("%v: %w", o, err))
					}
				}
			})
		}
		done.Wait()
		require.NoError(t, errors.Join(unexpected...))
		require.NotEmpty(t, n.admins(t))
		n.requireSound(t)
		n.requireAgreement(t)
		n.requireReplay(t, ledger(t, n.az[0]))
	})
}
