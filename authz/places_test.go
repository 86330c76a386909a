package authz_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/taxdome"
)

// placesOf lists where u can go, each as "domain tenant/dossier: labels".
func placesOf(t *testing.T, az *authz.Authz, u model.UserID, after model.Domain) []string {
	t.Helper()
	said := []string{}
	for _, p := range collect(t, az.Places(t.Context(), u, after)) {
		line := fmt.Sprintf("%v %s/%s:", p.Domain, p.Tenant, p.Dossier)
		for _, e := range p.Profiles {
			line += " " + e.Labels.In("en")
		}
		said = append(said, line)
	}
	return said
}

// TAX-13: a person on more than one account, of one firm or of several, sees
// which there are and as what they are there, to choose one and to switch.
func TestTAX13Places(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx := t.Context()
		now := noon()
		az, err := authz.Open(ctx, db, authz.Config{Pack: taxdome.Pack(), Clock: func() time.Time { return now }})
		require.NoError(t, err)
		firm, other := parsedTenant("b-firm"), parsedTenant("a-firm")
		for _, u := range []model.UserID{uCarl, uEmil} {
			_, err := az.AddPerson(ctx, system, authz.Person{ID: u, FirstName: "F", LastName: "L"})
			require.NoError(t, err)
		}
		for _, id := range []model.TenantID{firm, other} {
			_, err := az.CreateTenant(ctx, system, authz.Tenant{ID: id, Name: "Firm " + id.String()})
			require.NoError(t, err)
			for _, name := range []string{"family", "business", "others"} {
				_, err := az.CreateDossier(ctx, system, id, authz.Dossier{ID: parsedDossier(name), Name: "The " + name})
				require.NoError(t, err)
			}
		}
		family, business := dossier(firm, "family"), dossier(firm, "business")
		grant := func(g authz.Grant) { t.Helper(); require.NoError(t, az.Grant(ctx, system, g)) }
		client := []model.Profile{taxdome.Client}
		for _, d := range []model.Domain{family, dossier(other, "business")} {
			require.NoError(t, az.AddMember(ctx, system, d, authz.NewMember{User: uCarl, Profiles: client}))
		}
		grant(authz.Grant{Subject: model.UserSubject(uCarl), Profile: taxdome.Client, Domain: business, From: now.Add(time.Hour), Until: now.Add(2 * time.Hour)})
		require.NoError(t, az.AddMember(ctx, system, home(firm), authz.NewMember{User: uEmil, Profiles: []model.Profile{taxdome.Employee}}))
		team, err := az.CreateTeam(ctx, system, firm, authz.Team{Name: "Team"})
		require.NoError(t, err)
		require.NoError(t, az.AddTeamMember(ctx, system, firm, team.ID, uEmil))
		require.NoError(t, az.Assign(ctx, system, business, authz.Group(team.ID)))
		grant(authz.Grant{Subject: model.TeamSubject(team.ID), Profile: taxdome.ManageAccounts, Domain: home(firm)})
		grant(authz.Grant{Subject: model.UserSubject(uEmil), Profile: taxdome.Client, Domain: business, From: now.Add(time.Hour), Until: now.Add(2 * time.Hour)})

		elsewhere := []string{"a-firm/ Firm a-firm/:", "a-firm/business Firm a-firm/The business: Client"}
		here := []string{"b-firm/ Firm b-firm/:", "b-firm/family Firm b-firm/The family: Client"}
		require.Equal(t, append(elsewhere, here...), placesOf(t, az, uCarl, model.Domain{}))
		require.Equal(t, here, placesOf(t, az, uCarl, dossier(other, "business")))
		require.Equal(t, here[1:], placesOf(t, az, uCarl, home(firm)))
		require.Empty(t, placesOf(t, az, uCarl, family))
		emils := []string{"b-firm/ Firm b-firm/: Employee Manage accounts", "b-firm/business Firm b-firm/The business:"}
		require.Equal(t, emils, placesOf(t, az, uEmil, model.Domain{}))
		// Whoever stops, stops.
		for p, err := range az.Places(ctx, uCarl, model.Domain{}) {
			require.NoError(t, err)
			require.Equal(t, home(other), p.Domain)
			break
		}

		now = now.Add(time.Hour) // the grant begins
		require.Equal(t, []string{here[0], "b-firm/business Firm b-firm/The business: Client", here[1]}, placesOf(t, az, uCarl, dossier(other, "business")))
		require.Equal(t, []string{emils[0], emils[1] + " Client"}, placesOf(t, az, uEmil, model.Domain{}))
		now = now.Add(time.Hour)
		require.Equal(t, emils, placesOf(t, az, uEmil, model.Domain{}))
		require.Equal(t, here, placesOf(t, az, uCarl, dossier(other, "business")))

		// LOGIN off (TAX-11), a closed account, a deactivated membership, a closed firm.
		require.NoError(t, az.Withdraw(ctx, system, model.UserSubject(uCarl), taxdome.Client, dossier(other, "business")))
		require.Equal(t, append(elsewhere[:1:1], here...), placesOf(t, az, uCarl, model.Domain{}))
		require.NoError(t, az.CloseDossier(ctx, system, family))
		require.Equal(t, []string{elsewhere[0], here[0]}, placesOf(t, az, uCarl, model.Domain{}))
		require.NoError(t, az.DeactivateMember(ctx, system, other, uCarl))
		require.Equal(t, here[:1], placesOf(t, az, uCarl, model.Domain{}))
		require.NoError(t, az.CloseTenant(ctx, system, firm))
		require.Empty(t, placesOf(t, az, uCarl, model.Domain{}))
	})
}

// More dossiers than are read at once come all, in order and with their names;
// what is wrong is an error.
func TestPlacesBatches(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ctx := t.Context()
	require.NoError(t, s.az.Transaction(ctx, func(tx *authz.Tx) error {
		for i := range 250 {
			d := authz.Dossier{ID: parsedDossier(fmt.Sprintf("x%03d", i)), Name: fmt.Sprintf("Name %d", i)}
			if _, err := tx.CreateDossier(ctx, system, tAcme, d); err != nil {
				return err
			}
		}
		return nil
	}))
	places := collect(t, s.az.Places(ctx, uAnn, model.Domain{}))
	var domains []model.Domain
	for _, p := range places[1:] {
		domains = append(domains, p.Domain)
		require.NotEmpty(t, p.Dossier)
		require.Empty(t, p.Profiles)
	}
	require.Equal(t, home(tAcme), places[0].Domain)
	require.Equal(t, accountancy.Admin, places[0].Profiles[0].Profile)
	require.Equal(t, collect(t, s.az.Dossiers(ctx, uAnn, model.SeeDossier, model.Domain{})), domains)
	require.Equal(t, "Name 249", places[len(places)-1].Dossier)

	var seen []authz.Place
	for after := (model.Domain{}); ; after = seen[len(seen)-1].Domain {
		next := page(t, 64, s.az.Places(ctx, uAnn, after))
		if len(next) == 0 {
			break
		}
		seen = append(seen, next...)
	}
	require.True(t, slices.EqualFunc(places, seen, func(a, b authz.Place) bool { return a.Domain == b.Domain && a.Dossier == b.Dossier }))

	for name, az := range map[string]*authz.Authz{"nobody": s.az, "zero": {}} {
		n := 0
		for p, err := range az.Places(ctx, model.UserID{}, model.Domain{}) {
			requireIs(t, err, authz.ErrInvalid, name)
			require.Zero(t, p)
			n++
		}
		require.Equal(t, 1, n, name)
	}
}
