package authz_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Whoever sees every dossier gets those that are open, in order, from whatever
// place, while dossiers come and go between lists.
func TestDossiersComeAndGo(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	r := rand.New(rand.NewPCG(1, 2))
	open := []model.Domain{o.d1, o.d2}
	list := func(after model.Domain) (found []model.Domain) {
		for d, err := range o.az.Dossiers(ctx, o.admin, accountancy.SeeDossier, after) {
			require.NoError(t, err)
			found = append(found, d)
		}
		return found
	}
	order := func(a, b model.Domain) int { return slices.Compare([]byte(a.String()), []byte(b.String())) }
	for i := range 60 {
		if at := r.IntN(len(open)); r.IntN(3) == 0 && len(open) > 1 {
			require.NoError(t, o.az.CloseDossier(ctx, authz.System, open[at]))
			open = slices.Delete(open, at, at+1)
		} else {
			d, err := o.az.CreateDossier(ctx, authz.System, o.tenant,
				authz.Dossier{ID: id(t, model.ParseDossierID, fmt.Sprintf("n%d", r.IntN(1000)*100+i)), Name: "New"})
			require.NoError(t, err)
			open = append(open, d.Domain)
			slices.SortFunc(open, order)
		}
		if r.IntN(2) == 0 {
			continue // the next list has two or more to take in
		}
		require.Equal(t, open, list(model.Domain{}))
		at := r.IntN(len(open))
		require.Equal(t, open[at+1:], append([]model.Domain{}, list(open[at])...))
	}
}
