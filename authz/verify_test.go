package authz_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// A check that Casbin answers otherwise is denied, whichever way round, logged
// once with all that it takes to ask it again, and counted.
func TestVerifyDifference(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var log bytes.Buffer
	az, err := authz.Open(t.Context(), s.db, authz.Config{
		Pack: scenePack(), Clock: noon, Verify: 1, Logger: slog.New(slog.NewJSONHandler(&log, nil)),
	})
	require.NoError(t, err)
	ask := func(u model.UserID) bool {
		t.Helper()
		ok, err := az.Enforce(t.Context(), u, dTwo, accountancy.ViewFigure)
		require.NoError(t, err)
		return ok
	}
	require.True(t, ask(uCarl))
	require.False(t, ask(uOlga))
	require.Zero(t, az.Differences())
	require.Empty(t, log.String())

	authz.Verify(az, func(casbin bool) bool { return !casbin })
	require.False(t, ask(uCarl), "Casbin would have denied")
	require.EqualValues(t, 1, az.Differences())
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	var line map[string]any
	require.NoError(t, json.Unmarshal(log.Bytes(), &line))
	revision, err := az.Revision(t.Context(), tAcme)
	require.NoError(t, err)
	delete(line, "time")
	require.Equal(t, map[string]any{
		"level": "ERROR", "msg": "authz: the index and Casbin differ: denied",
		"tenant": tAcme.String(), "revision": float64(revision),
		"pack": "accountancy", "pack_version": 1.0, "pack_revision": 1.0,
		"subject": "user:u-carl", "domain": dTwo.String(), "object": "figure", "action": "view",
		"at": noon().Format(time.RFC3339), "index": true, "casbin": false,
		"index_rows": []any{
			"p, full_access, any, dossier, figure, view, allow", "g, user:u-carl, full_access, t-acme/d-2", "g2, t-acme/d-2, dossier",
		},
		"casbin_rows": []any{"p, full_access, any, dossier, figure, view, allow"},
	}, line)

	require.False(t, ask(uOlga), "Casbin would have allowed")
	require.EqualValues(t, 2, az.Differences())
	requireIs(t, az.Require(t.Context(), uCarl, dTwo, accountancy.ViewFigure), authz.ErrDenied, "require")
	answers, err := az.EnforceBatch(t.Context(), []authz.Request{
		{User: uCarl, Domain: dTwo, Permission: accountancy.ViewFigure}, {User: uAnn, Domain: dOne, Permission: accountancy.ViewFigure},
	})
	require.NoError(t, err)
	require.Equal(t, []bool{false, false}, answers)
	require.EqualValues(t, 5, az.Differences())
	require.Equal(t, 5, strings.Count(log.String(), "\n"))
}

// A check whose context ends before Casbin has answered is no yes.
func TestVerifyWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	az, err := authz.Open(t.Context(), s.db, authz.Config{Pack: scenePack(), Clock: noon, Verify: 1})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	authz.Verify(az, func(casbin bool) bool {
		cancel()
		<-never
		return casbin
	})
	ok, err := az.Enforce(ctx, uCarl, dTwo, accountancy.ViewFigure)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, ok)
	require.Zero(t, az.Differences())
}

// A share of the checks is verified, none at zero, and what is no share is
// refused.
func TestVerifyShare(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for share, want := range map[float64][2]uint64{0: {0, 0}, 0.25: {300, 700}, 1: {2000, 2000}} {
		az, err := authz.Open(t.Context(), s.db, authz.Config{
			Pack: scenePack(), Clock: noon, Verify: share, Logger: slog.New(slog.DiscardHandler), Staleness: time.Hour,
		})
		require.NoError(t, err)
		if share > 0 {
			authz.Verify(az, func(bool) bool { return true })
		}
		for range 2000 {
			ok, err := az.Enforce(t.Context(), uOlga, dTwo, accountancy.ViewFigure)
			require.NoError(t, err)
			require.False(t, ok)
		}
		n := az.Differences()
		require.True(t, want[0] <= n && n <= want[1], "share %v: %d of 2000", share, n)
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		_, err := authz.Open(t.Context(), s.db, authz.Config{Pack: scenePack(), Verify: bad})
		require.ErrorIs(t, err, authz.ErrInvalid, bad)
	}
	require.Zero(t, new(authz.Authz).Differences())
}

// Whatever the state, Casbin answers as the index does.
func TestVerifyFindsNothing(t *testing.T) {
	t.Parallel()
	eachPackAndMaze(t, func(t *testing.T, pack func(*testing.T, *rand.Rand) *model.Pack) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		var log bytes.Buffer
		v := newVillage(t, emptyDB(t), pack(t, r), r, authz.Config{Verify: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		permissions := askedOnDossiers(v.pack)
		states := 100
		if testing.Short() {
			states = 20
		}
		asked := 0
		for i := range states {
			what, err := v.step(t.Context())
			requireExpected(t, err)
			var requests []authz.Request
			for range 20 {
				requests = append(requests, authz.Request{User: pick(r, v.users), Domain: pick(r, v.dossiers), Permission: pick(r, permissions)})
			}
			answers, err := v.az.EnforceBatch(t.Context(), requests)
			require.NoError(t, err)
			asked += len(answers)
			require.Zero(t, v.az.Differences(), fmt.Sprint(i, what, log.String()))
		}
		require.Empty(t, log.String())
		require.Equal(t, 20*states, asked)
	})
}

// The rows that do not concern a request change nothing in Casbin's answer.
func TestVerifyAsksWithEnoughRows(t *testing.T) {
	t.Parallel()
	eachPackAndMaze(t, func(t *testing.T, pack func(*testing.T, *rand.Rand) *model.Pack) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		v := newVillage(t, emptyDB(t), pack(t, r), r, authz.Config{})
		permissions := askedOnDossiers(v.pack)
		states, enough := 30, v.certain(10)
		allowed := 0
		for i := 0; i < states || allowed < enough; i++ {
			require.Less(t, i, 50*states, "nothing is allowed here")
			what, err := v.step(t.Context())
			requireExpected(t, err)
			for range 5 {
				q := authz.Request{User: pick(r, v.users), Domain: pick(r, v.dossiers), Permission: pick(r, permissions)}
				ok, err := v.az.Enforce(t.Context(), q.User, q.Domain, q.Permission)
				require.NoError(t, err)
				few, all, err := authz.AskCasbin(v.az, q, v.now)
				require.NoError(t, err)
				require.Equal(t, all, few, "state %d, after %s: %v", i, what, q)
				require.Equal(t, ok, few, "state %d, after %s: %v", i, what, q)
				if ok {
					allowed++
				}
			}
		}
	})
}
