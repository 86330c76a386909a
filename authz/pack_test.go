package authz_test

import (
	"regexp"
	"strings"
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

var blanks = regexp.MustCompile(` +`)

// edited is the accountancy pack with some of its text replaced.
func edited(t *testing.T, oldNew ...string) *model.Pack {
	t.Helper()
	shipped, texts := accountancy.Pack(), map[string]string{}
	for _, file := range []string{model.ModelFile, model.PolicyFile, model.CatalogFile} {
		texts[file] = blanks.ReplaceAllString(shipped.File(file), " ") // columns move
	}
	for i := 0; i < len(oldNew); i += 2 {
		found := false
		for file, text := range texts {
			if strings.Contains(text, oldNew[i]) {
				texts[file], found = strings.Replace(text, oldNew[i], oldNew[i+1], 1), true
			}
		}
		require.True(t, found, "%q", oldNew[i])
	}
	pack, err := model.ParsePack(shipped.Name, texts)
	require.NoError(t, err)
	return pack
}

const (
	version1 = "accountancy, , 1,"
	version2 = "accountancy, , 2,"
	figures  = "p, full_access, any, dossier, figure, view, allow\n"
)

// A newer pack is in force for every process as soon as one has opened it,
// for the processes of the older one too.
func TestNewerPack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		old := node(t, db, authz.Config{Staleness: time.Nanosecond})
		home, ann := settle(t, old, "acme")
		d, err := old.CreateDossier(t.Context(), authz.By(ann), home.Tenant(), authz.Dossier{Name: "Dossier"})
		require.NoError(t, err)
		client, err := old.AddPerson(t.Context(), authz.System, authz.Person{FirstName: "Carl", LastName: "Baker"})
		require.NoError(t, err)
		require.NoError(t, old.AddMember(t.Context(), authz.By(ann), d.Domain,
			authz.NewMember{User: client.ID, Profiles: []model.Profile{accountancy.FullAccess}}))
		sees := func(az *authz.Authz) bool {
			t.Helper()
			ok, err := az.Enforce(t.Context(), client.ID, d.Domain, accountancy.ViewFigure)
			require.NoError(t, err)
			return ok
		}
		require.True(t, sees(old))

		second := edited(t, version1, version2, figures, "")
		renewed, err := authz.Open(t.Context(), storetest.Reopen(t, db), authz.Config{Pack: second})
		require.NoError(t, err)
		require.False(t, sees(renewed))
		require.False(t, sees(old))
		require.NoError(t, old.Configure(t.Context(), authz.By(ann), d.Domain, accountancy.ConfigurationB))
		require.False(t, sees(old))

		// An older process that starts again goes by the pack in force.
		again := node(t, storetest.Reopen(t, db), authz.Config{})
		require.False(t, sees(again))
	})
}

// Another pack, or a changed one of the same version, is refused, and the one
// in force stays.
func TestPackRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		node(t, db, authz.Config{})
		_, err := authz.Open(t.Context(), db, authz.Config{Pack: edited(t, figures, "")})
		require.ErrorIs(t, err, authz.ErrConflict)
		require.ErrorContains(t, err, "give the changed pack a higher version")
		_, err = authz.Open(t.Context(), db, authz.Config{})
		require.ErrorIs(t, err, authz.ErrInvalid)

		var rows int64
		require.NoError(t, db.Table("casbin_rule").Where("tenant = ''").Count(&rows).Error)
		require.EqualValues(t, len(accountancy.Pack().Rules), rows)
		az := node(t, db, authz.Config{}) // the same again is no change
		settle(t, az, "acme")
		var packs int64
		require.NoError(t, db.Table("volmacht_packs").Count(&packs).Error)
		require.EqualValues(t, 1, packs)
	})
}

// Publish tells what changes and puts it in force at once; what is wrong is
// refused, and the pack in force stays.
func TestPublish(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	second := edited(t, version1, version2, figures, "")
	o.allowed(t, o.cora, o.d2, accountancy.ViewFigure)

	preview, err := o.az.Preview(ctx, second)
	require.NoError(t, err)
	require.NotEmpty(t, preview)
	for _, c := range preview {
		require.False(t, c.Gain)
		require.Equal(t, accountancy.ViewFigure, c.Permission)
		require.Equal(t, accountancy.FullAccess, c.Profile)
	}
	_, err = o.az.Publish(ctx, o.by, second)
	require.ErrorIs(t, err, authz.ErrDenied)
	_, err = o.az.Publish(ctx, authz.System, nil)
	require.ErrorIs(t, err, authz.ErrInvalid)
	require.ErrorIs(t, o.az.Transaction(ctx, func(tx *authz.Tx) error {
		_, err := tx.Publish(ctx, authz.System, second)
		require.ErrorIs(t, err, authz.ErrInvalid)
		return err
	}), authz.ErrInvalid)
	o.allowed(t, o.cora, o.d2, accountancy.ViewFigure)

	changes, err := o.az.Publish(ctx, authz.System, second)
	require.NoError(t, err)
	require.Equal(t, preview, changes)
	o.denied(t, o.cora, o.d2, accountancy.ViewFigure)
	o.allowed(t, o.carl, o.d1, accountancy.ViewFigure)

	_, err = o.az.Publish(ctx, authz.System, accountancy.Pack())
	require.ErrorIs(t, err, authz.ErrConflict, "an older version")
	o.denied(t, o.cora, o.d2, accountancy.ViewFigure)
}

// A pack waits for changes that go by the one before, and is refused for what these
// bring into use. SQLite has one writer.
func TestPublishBesideAChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pack   *model.Pack
		change func(tx *authz.Tx, who model.UserID, d model.Domain) error
		want   error
	}{
		"without the lock": {edited(t, version1, version2, figures, ""), func(tx *authz.Tx, who model.UserID, d model.Domain) error {
			return tx.Grant(t.Context(), authz.System, authz.Grant{Subject: model.UserSubject(who), Profile: accountancy.Support, Domain: model.TenantDomain(d.Tenant())})
		}, nil},
		"with the lock": {withoutB(t), func(tx *authz.Tx, _ model.UserID, d model.Domain) error {
			return tx.Configure(t.Context(), authz.System, d, accountancy.ConfigurationB)
		}, authz.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
				ctx := t.Context()
				az := node(t, db, authz.Config{})
				home, _ := settle(t, az, "acme")
				bea := second(t, az, home)
				d, err := az.CreateDossier(ctx, authz.System, home.Tenant(), authz.Dossier{Name: "Dossier"})
				require.NoError(t, err)
				_, err = az.Enforce(ctx, bea, home, accountancy.CreateDossier) // from here on it knows the tenant
				require.NoError(t, err)
				other := node(t, storetest.Reopen(t, db), authz.Config{})
				published := make(chan error, 1)
				require.NoError(t, az.Transaction(ctx, func(tx *authz.Tx) error {
					require.NoError(t, c.change(tx, bea, d.Domain))
					go func() {
						_, err := other.Publish(ctx, authz.System, c.pack)
						published <- err
					}()
					node(t, storetest.Reopen(t, db), authz.Config{}) // has nothing to publish, and does not wait
					select {
					case err := <-published:
						require.Fail(t, "it did not wait", "%v", err)
					case <-time.After(300 * time.Millisecond):
					}
					return nil
				}))
				if err := <-published; c.want == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, c.want)
					require.ErrorContains(t, err, "configuration:B")
				}
			})
		})
	}
}

// withoutB is a second version that has another configuration in place of B.
func withoutB(t *testing.T) *model.Pack {
	t.Helper()
	return edited(t, version1, version2, "configuration, B, ", "configuration, E, ",
		"configuration:B, figure", "configuration:E, figure",
		"configuration:B, report", "configuration:E, report",
		"configuration:B, history", "configuration:E, history",
		"transition, D B, ", "transition, D E, ")
}

// A pack that lacks what is in use, or that lint finds an error in, is refused.
func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	ctx := t.Context()
	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, accountancy.ConfigurationB))
	lacking := withoutB(t)
	_, err := o.az.Publish(ctx, authz.System, lacking)
	require.ErrorIs(t, err, authz.ErrConflict)
	require.ErrorContains(t, err, "configuration:B")

	require.NoError(t, o.az.Configure(ctx, o.by, o.d1, accountancy.ConfigurationC))
	_, err = o.az.Publish(ctx, authz.System, lacking)
	require.NoError(t, err)

	unsafe := edited(t, version1, "accountancy, , 3,", figures,
		strings.Replace(figures, "dossier,", "any, ", 1))
	_, err = o.az.Publish(ctx, authz.System, unsafe)
	require.ErrorIs(t, err, authz.ErrInvalid)
	require.ErrorContains(t, err, "policy.csv:")
}

// What is in casbin_rule decides, and not the files that it was written from. A
// node reads it once for a revision of the pack; a tenant takes it three
// statements after that.
func TestRowsOfPackDecide(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		az := node(t, db, authz.Config{})
		home, ann := settle(t, az, "acme")
		d, err := az.CreateDossier(t.Context(), authz.By(ann), home.Tenant(), authz.Dossier{Name: "Dossier"})
		require.NoError(t, err)
		client, err := az.AddPerson(t.Context(), authz.System, authz.Person{FirstName: "Carl", LastName: "Baker"})
		require.NoError(t, err)
		require.NoError(t, az.AddMember(t.Context(), authz.By(ann), d.Domain,
			authz.NewMember{User: client.ID, Profiles: []model.Profile{accountancy.FullAccess}}))
		sees := func(az *authz.Authz) bool {
			t.Helper()
			ok, err := az.Enforce(t.Context(), client.ID, d.Domain, accountancy.ViewFigure)
			require.NoError(t, err)
			return ok
		}
		again := func() *authz.Authz { return node(t, storetest.Reopen(t, db), authz.Config{}) }
		require.True(t, sees(again()))

		figure := store.CasbinRule{PType: "p", V0: "full_access", V1: "any", V2: "dossier", V3: "figure", V4: "view", V5: "allow"}
		changed := db.Where("tenant = '' AND v5 <> ''").Where(&figure).Updates(&store.CasbinRule{V5: "deny"})
		require.NoError(t, changed.Error)
		require.EqualValues(t, 1, changed.RowsAffected)
		require.True(t, sees(az), "a node has read the revision")
		require.False(t, sees(again()))

		other := storetest.Reopen(t, db)
		cold := node(t, other, authz.Config{})
		f := inject(t, other)
		require.LessOrEqual(t, f.count(func() { require.False(t, sees(cold)) }), int64(3))

		// The next revision brings the rows of its pack, whatever was there.
		second, err := authz.Open(t.Context(), storetest.Reopen(t, db), authz.Config{Pack: edited(t, version1, version2)})
		require.NoError(t, err)
		require.True(t, sees(second))
		require.True(t, sees(again()))

		// What no pack may hold keeps a node from deciding.
		for name, r := range map[string]store.CasbinRule{
			"effect": {PType: "p", V0: "full_access", V1: "any", V2: "dossier", V3: "figure", V4: "view", V5: "Deny"},
			"fields": {PType: "p", V0: "full_access", V1: "any", V2: "dossier"},
			"end":    {PType: "p", V0: "full_access", V1: "any", V2: "any", V3: "*", V4: "*", V5: "allow", ValidUntil: store.At(time.Now())},
		} {
			require.NoError(t, db.Create(&r).Error)
			_, err := authz.Open(t.Context(), storetest.Reopen(t, db), authz.Config{Pack: accountancy.Pack()})
			require.ErrorContains(t, err, "cannot be read", name)
			require.NoError(t, db.Delete(&r).Error)
		}
	})
}
