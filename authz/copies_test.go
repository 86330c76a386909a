package authz_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

const archive = "archive@acme.example"

// signing is the tax practice with one topic more, for who may sign: only clients do.
func signing() *model.Pack {
	files := fstest.MapFS{}
	for _, name := range []string{model.ModelFile, model.PolicyFile, model.CatalogFile} {
		files[name] = &fstest.MapFile{Data: model.Must(fs.ReadFile(taxdome.Files(), name))}
	}
	files[model.CatalogFile].Data = append(files[model.CatalogFile].Data, "topic, deeds, dossier, default if document sign, D, D, D\n"...)
	return model.Must(model.ReadPack(files, "taxdome"))
}

// Whoever sets where copies go reads no more by them than they may read anyway, at
// the moment when a copy is sent (TAX-14).
func TestCopiesTellNothingNew(t *testing.T) {
	t.Parallel()
	setBy := func(by authz.Actor) func(*testing.T, *firm) {
		return func(t *testing.T, f *firm) { require.NoError(t, f.az.SetCopies(t.Context(), by, tAcme, archive)) }
	}
	ann := setBy(authz.By(uAnn))
	private := func(t *testing.T, f *firm) {
		require.NoError(t, f.az.SetPrivate(t.Context(), authz.By(uAnn), f.d1, true))
	}
	assigned := func(t *testing.T, f *firm) {
		require.NoError(t, f.az.Assign(t.Context(), system, f.d1, authz.Supporting(uAnn)))
	}
	demoted := func(t *testing.T, f *firm) {
		require.NoError(t, f.az.Withdraw(t.Context(), system, model.UserSubject(uAnn), taxdome.Owner, f.home))
	}
	idle := func(t *testing.T, f *firm) {
		require.NoError(t, f.az.DeactivateMember(t.Context(), system, tAcme, uAnn))
	}
	deeds := model.Must(model.ParseTopic("deeds"))
	for name, c := range map[string]struct {
		do      []func(*testing.T, *firm)
		topic   model.Topic // zero: documents
		copied  bool
		stopped bool // there is an advice
	}{
		"a shared dossier":                     {do: []func(*testing.T, *firm){ann}, copied: true},
		"a private one":                        {do: []func(*testing.T, *firm){private, ann}},
		"one that becomes private later":       {do: []func(*testing.T, *firm){ann, private}},
		"a private one, assigned":              {do: []func(*testing.T, *firm){private, assigned, ann}, copied: true},
		"a private one, set by the system":     {do: []func(*testing.T, *firm){private, setBy(system)}, copied: true},
		"the same address, set again":          {do: []func(*testing.T, *firm){private, setBy(system), ann}},
		"what its topic needs":                 {do: []func(*testing.T, *firm){ann}, topic: deeds},
		"what its topic needs, by the system":  {do: []func(*testing.T, *firm){setBy(system)}, topic: deeds, copied: true},
		"an administrator no more":             {do: []func(*testing.T, *firm){ann, demoted}, stopped: true},
		"a member no more":                     {do: []func(*testing.T, *firm){ann, idle}, stopped: true},
		"a member no more, and set by another": {do: []func(*testing.T, *firm){ann, idle, setBy(authz.By(uAmy))}, copied: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFirm(t, signing())
			f.member(t, uAnn, f.home, taxdome.Owner)
			f.member(t, uAmy, f.home, taxdome.Owner)
			f.member(t, uCarl, f.d1, taxdome.Client)
			f.contact(t, uCarl, f.d1, "work.example", true)
			for _, do := range c.do {
				do(t, f)
			}
			if c.topic.IsZero() {
				c.topic = taxdome.TopicDocuments
			}
			require.NoError(t, f.az.Notify(t.Context(), system, f.d1, c.topic, authz.Note{Subject: "Your return", Text: "A secret."}))
			advice, err := f.az.Advice(t.Context(), system, f.home)
			require.NoError(t, err)
			require.Equal(t, c.stopped, len(advice) == 1 && advice[0] == authz.Advice{Domain: f.home, Kind: authz.CopiesStopped}, advice)
			if c.copied {
				f.deliver(t, authz.Delivery{Sent: 2})
				require.Contains(t, f.box.Last(t, archive).Text, "A secret.")
				return
			}
			f.deliver(t, authz.Delivery{Sent: 1, Dropped: 1})
			require.Equal(t, 1, f.box.Len())
			require.Equal(t, "who set the address for copies may not read this message", f.dropped(t).Failure)
		})
	}
}

// dropped returns the one message that was not sent.
func (f *firm) dropped(t testing.TB) authz.Message {
	t.Helper()
	all, err := f.az.Messages(t.Context(), system, tAcme, authz.MessageFilter{State: authz.MessageDropped}, model.MessageID{})
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}
