package authz_test

import (
	"context"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
)

// A refusal is a valid call, changed into one that must be refused.
type refusal struct {
	name   string
	change func(*call)
	want   error

	// same names the refusals of an operation that must say the same, ids
	// aside: whoever reads them must not learn what is there.
	same string
}

// ids are the ids that an error's text may name.
var ids = regexp.MustCompile(`\b([tudgmqr]-[a-z0-9]+/?)+`)

// sentinels are what a caller can branch on.
var sentinels = []error{
	authz.ErrDenied, authz.ErrNotFound, authz.ErrConflict, authz.ErrExpired, authz.ErrInvalid, authz.ErrStale, authz.ErrUnavailable,
}

// requireIs wants an error that is want and no other sentinel.
func requireIs(t testing.TB, err, want error, what string) {
	t.Helper()
	require.Error(t, err, what)
	require.ErrorIs(t, err, want, what)
	for _, other := range sentinels {
		if other != want {
			require.NotErrorIs(t, err, other, what)
		}
	}
	if want == authz.ErrDenied {
		require.NotErrorIs(t, err, authz.ErrNotFound, what)
	}
}

// Whatever is refused leaves the database, the answers, and the answers of a
// process that starts afterwards as they were.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			before := s.snapshot(t)
			texts := make(map[string]string)
			for _, r := range o.refusals() {
				c := o.valid
				r.change(&c)
				err := o.do(t.Context(), s.az, c)
				requireIs(t, err, r.want, r.name)
				if r.same != "" {
					text := ids.ReplaceAllString(err.Error(), "ID")
					if first, ok := texts[r.same]; ok {
						require.Equal(t, first, text, "%s: tells what is there", r.name)
					}
					texts[r.same] = text
				}
				requireAllRefused(t, s, r, func(az *authz.Authz) error { return o.do(t.Context(), az, c) })
				if !testing.Short() { // then once for all of an operation's
					s.requireSame(t, before)
				}
			}
			s.requireSameReopened(t, before)
			o.unusable(t, s)
			s.requireSameReopened(t, before)

			require.NoError(t, o.do(t.Context(), s.az, o.valid), "the control")
			require.NotEqual(t, before.rows, s.dump(t), "the control")
			s.requireAgreement(t)
			s.requireReplay(t, ledger(t, s.az))
		})
	}
}

// requireAllRefused wants that a Transaction with a refused change in it fails
// as a whole, though the host passes over the error and changes something else
// before.
func requireAllRefused(t *testing.T, s scene, r refusal, do func(*authz.Authz) error) {
	t.Helper()
	err := s.az.Transaction(t.Context(), func(tx *authz.Tx) error {
		if err := tx.EditTenant(t.Context(), authz.System, authz.Tenant{ID: tAcme, Name: "Half"}); err != nil {
			return err
		}
		_ = do(tx.Authz)
		return nil
	})
	require.ErrorIs(t, err, r.want, "%s: in a transaction", r.name)
}

// unusable calls o where nothing can be done: with an ended context, on an
// Authz that was closed, and on one that was never opened.
func (o operation) unusable(t *testing.T, s scene) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, o.do(ended, s.az, o.valid), context.Canceled)
	closed := openOn(t, s.db, time.Hour)
	require.NoError(t, closed.Close())
	for _, az := range []*authz.Authz{closed, {}, nil} {
		requireIs(t, o.do(t.Context(), az, o.valid), authz.ErrInvalid, "closed or zero")
	}
	var over *authz.Authz
	require.NoError(t, s.az.Transaction(t.Context(), func(tx *authz.Tx) error {
		over = tx.Authz
		return nil
	}))
	requireIs(t, o.do(t.Context(), over, o.valid), authz.ErrInvalid, "after its transaction")
}

// Whatever else is wrong with a call, a stranger is told the same of a tenant
// that is there as of one that is not, and a member who does not see a dossier
// the same as of none.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before := s.snapshot(t)
	compare := func(what string, o operation, by authz.Actor, there, not call) {
		there.by, not.by = by, by
		first, second := o.do(t.Context(), s.az, there), o.do(t.Context(), s.az, not)
		require.Error(t, first, what)
		require.Error(t, second, what)
		require.Equal(t, ids.ReplaceAllString(second.Error(), "ID"), ids.ReplaceAllString(first.Error(), "ID"), what)
	}
	for _, o := range operations() {
		for _, r := range o.refusals() {
			there := o.valid
			r.change(&there)
			if there.tenant() != tAcme || o.takes&(aTenant|aDossier) == 0 {
				continue
			}
			compare(o.String()+": "+r.name, o, authz.By(uBea), there, there.at(tNone))
			if there.domain.IsDossier() && o.takes&aDossier != 0 {
				not := there
				not.domain = dNone
				compare(o.String()+": "+r.name+", a member", o, authz.By(uOlga), there, not)
			}
		}
	}
	s.requireSame(t, before)
}

// The servers refuse the same.
func TestRefusalsOnServers(t *testing.T) {
	t.Parallel()
	storetest.Servers(t, func(t *testing.T, db *gorm.DB) {
		s := setScene(t, db)
		before := s.snapshot(t)
		for _, o := range operations() {
			for _, r := range o.refusals() {
				c := o.valid
				r.change(&c)
				requireIs(t, o.do(t.Context(), s.az, c), r.want, o.String()+": "+r.name)
			}
			require.Equal(t, before.rows, s.dump(t), o.String())
		}
		s.requireSameReopened(t, before)
	})
}

// Every method that takes an actor is in one of the tables.
func TestRefusalsAreComplete(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"Publish": true, "PackLedger": true} // of no tenant; TestPublish, TestPublishRefuses, TestPackLedger
	for _, o := range operations() {
		known[o.method] = true
	}
	for _, r := range reads() {
		known[r.method] = true
	}
	all := reflect.TypeFor[*authz.Authz]()
	for i := range all.NumMethod() {
		m := all.Method(i)
		for in := range m.Type.Ins() {
			if in == reflect.TypeFor[authz.Actor]() {
				require.True(t, known[m.Name], "%s takes an actor: add it to operations, or to reads", m.Name)
			}
		}
		delete(known, m.Name)
	}
	require.Empty(t, known, "no such methods")
}

// refusals are what must be refused, by what the operation takes.
func (o operation) refusals() []refusal {
	all := o.more
	add := func(name string, want error, same string, change func(*call)) {
		all = append(all, refusal{name, change, want, same})
	}
	has := func(p position) bool { return o.takes&p != 0 }

	add("no actor", authz.ErrInvalid, "", func(c *call) { c.by = authz.Actor{} })
	add("nobody as actor", authz.ErrInvalid, "", func(c *call) { c.by = authz.By(model.UserID{}) })
	for name, text := range badTexts(500) {
		if o.method != "EditTenant" && text != "a\nb" {
			continue // one way into the ledger: one operation for all of it
		}
		add("reason "+name, authz.ErrInvalid, "", func(c *call) { c.by = c.by.Because(text) })
	}
	all = append(all, o.actors()...)
	all = append(all, o.places()...)
	all = append(all, o.people()...)
	if has(aTeam) {
		add("a team of another tenant", authz.ErrNotFound, "team", func(c *call) { c.team = gBeta })
		add("unknown team", authz.ErrNotFound, "team", func(c *call) { c.team = gNone })
		if o.method != "CreateDossier" { // where none is fine
			add("no team", authz.ErrInvalid, "", func(c *call) { c.team = model.TeamID{} })
		}
	}
	if has(aText) {
		add("text empty", authz.ErrInvalid, "", func(c *call) { c.text = "" })
		for name, text := range badTexts(500) {
			add("text "+name, authz.ErrInvalid, "", func(c *call) { c.text = text })
		}
	}
	if has(anEmail) {
		add("e-mail empty", authz.ErrInvalid, "", func(c *call) { c.email = "" })
	}
	if has(anEmail | anOptional) {
		for name, text := range badEmails() {
			add("e-mail "+name, authz.ErrInvalid, "", func(c *call) { c.email = text })
		}
	}
	return append(all, o.names()...)
}

func (o operation) names() []refusal {
	var all []refusal
	for of, change := range map[position][2]func(*call){
		aProfile: {func(c *call) { c.profile = model.Profile{} }, func(c *call) { c.profile = model.Must(model.ParseProfile("z")) }},
		aModule:  {func(c *call) { c.module = model.Module{} }, func(c *call) { c.module = model.Must(model.ParseModule("z")) }},
		aSetting: {func(c *call) { c.setting = model.Setting{} }, func(c *call) { c.setting = model.Must(model.ParseSetting("z")) }},
		aTopic:   {func(c *call) { c.topic = model.Topic{} }, func(c *call) { c.topic = model.Must(model.ParseTopic("z")) }},
		aFlag:    {func(c *call) { c.flag = model.Flag{} }, func(c *call) { c.flag = model.Must(model.ParseFlag("z")) }},
		aConfiguration: {func(c *call) { c.configuration = model.Configuration{} },
			func(c *call) { c.configuration = model.Must(model.ParseConfiguration("Z")) }},
	} {
		if o.takes&of != 0 {
			all = append(all, refusal{"a name left out", change[0], authz.ErrInvalid, ""},
				refusal{"a name nobody declared", change[1], authz.ErrInvalid, ""})
		}
	}
	if o.takes&aProfile != 0 {
		// They are names of the policy, but nobody can be given them.
		for _, name := range []string{"member", "client_user"} {
			all = append(all, refusal{"profile " + name, func(c *call) { c.profile = model.Must(model.ParseProfile(name)) }, authz.ErrInvalid, ""})
		}
	}
	return all
}

func badTexts(limit int) map[string]string {
	return map[string]string{
		"with a newline": "a\nb", "with NUL": "a\x00b", "with a control character": "a\x1bb", "with DEL": "a\x7fb",
		"that turns round": "a\u202eb", "with a byte order mark": "\ufeffa", "with a line separator": "a\u2028b",
		"that is not UTF-8": "a\xffb", "cut inside a letter": "a\xc3", "too long": strings.Repeat("é", limit+1),
		"after a blank": " a", "before a blank": "a ", "before a no-break space": "a\u00a0", "all blank": " ",
	}
}

func badEmails() map[string]string {
	all := map[string]string{
		"of no domain": "ann", "of two": "ann@a.example,bob@b.example", "with a name": "Ann <ann@a.example>", "in brackets": "<ann@a.example>",
		"with a header": "ann@a.example\r\nBcc: bob@b.example", "of a host": "ann@localhost", "of an address": "ann@[127.0.0.1]",
		"quoted": `"ann b"@a.example`, "with a comment": "ann@a.example(x)", "of dots": "ann@a..example", "without a person": "@a.example",
		"of a blank": "ann@a example", "that is long when written in ASCII": "ann@" + strings.Repeat("é.", 120) + "example",
		"that is long in all": strings.Repeat("a", 190) + "@" + strings.Repeat("é.", 20) + "example",
		"of a long domain":    "ann@" + strings.Repeat("語言", 60) + ".example", "of many letters": strings.Repeat("a", 250) + "@a.example",
	}
	for name, text := range badTexts(254) {
		all[name] = text
	}
	return all
}

func localeRefusals() []refusal {
	var all []refusal
	for name, text := range badTexts(35) {
		all = append(all, refusal{"locale " + name, func(c *call) { c.locale = text }, authz.ErrInvalid, ""})
	}
	return all
}

func addressRefusals() []refusal {
	return []refusal{
		{name: "another's address", change: func(c *call) { c.email = uAnn.String() + "@new.example" }, want: authz.ErrNotFound, same: "address"},
		{name: "an unknown address", change: func(c *call) { c.email = "nobody@new.example" }, want: authz.ErrNotFound, same: "address"},
	}
}
