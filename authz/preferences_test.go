package authz_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/afas"
	"github.com/volmacht/volmacht/policies/taxdome"
)

func TestPreferences(t *testing.T) {
	t.Parallel()
	f := newFirm(t, taxdome.Pack())
	f.member(t, uAnn, f.home, taxdome.Owner)
	f.member(t, uCarl, f.d1, taxdome.Client)
	f.member(t, uOlga, f.home)
	f.contact(t, uCarl, f.d1, "work.example", true)
	on := func(by authz.Actor, u model.UserID) map[model.Topic]bool {
		all, err := f.az.Preferences(t.Context(), by, f.d1, u)
		require.NoError(t, err)
		wanted := make(map[model.Topic]bool)
		for _, p := range all {
			require.Equal(t, authz.Preference{Domain: f.d1, User: u, Email: "u-carl@work.example", Topic: p.Topic, Wanted: p.Wanted}, p)
			wanted[p.Topic] = p.Wanted
		}
		require.Len(t, wanted, 7)
		return wanted
	}
	require.True(t, on(authz.By(uCarl), uCarl)[taxdome.TopicChats])
	f.prefer(t, uCarl, "work.example", f.home, taxdome.TopicChats, false)
	require.False(t, on(authz.By(uAnn), uCarl)[taxdome.TopicChats])
	require.NotContains(t, strings.Join(entriesOf(t, f.az), ""), "@", "the ledger has an address in it")

	say := func(by authz.Actor, change func(*authz.Preference)) error {
		p := authz.Preference{Domain: f.d1, User: uCarl, Email: "u-carl@work.example", Topic: taxdome.TopicInvoices}
		change(&p)
		return f.az.SetPreference(t.Context(), by, p)
	}
	same := func(*authz.Preference) {}
	require.NoError(t, say(authz.By(uCarl), same))
	before, err := f.az.Revision(t.Context(), tAcme)
	require.NoError(t, err)
	require.NoError(t, say(authz.By(uCarl), func(p *authz.Preference) { p.Email = "U-Carl@WORK.example" }))
	after, err := f.az.Revision(t.Context(), tAcme)
	require.NoError(t, err)
	require.Equal(t, before, after, "said before")
	require.NoError(t, say(authz.By(uCarl), func(p *authz.Preference) { p.Email = "u-carl@home.example" }), "one's own, though no contact")
	for name, c := range map[string]struct {
		by     authz.Actor
		change func(*authz.Preference)
		want   error
	}{
		"an address that is not written to": {authz.By(uAnn), func(p *authz.Preference) { p.Email = "u-carl@home.example" }, authz.ErrNotFound},
		"an address of nobody":              {authz.By(uAnn), func(p *authz.Preference) { p.Email = "nobody@home.example" }, authz.ErrNotFound},
		"an address of another's":           {authz.By(uCarl), func(p *authz.Preference) { p.Email = "u-ann@work.example" }, authz.ErrNotFound},
		"an unknown topic":                  {authz.By(uCarl), func(p *authz.Preference) { p.Topic = model.Must(model.ParseTopic("news")) }, authz.ErrInvalid},
		"no topic":                          {authz.By(uCarl), func(p *authz.Preference) { p.Topic = model.Topic{} }, authz.ErrInvalid},
		"a dossier that one does not see":   {authz.By(uCarl), func(p *authz.Preference) { p.Domain = f.d2 }, authz.ErrNotFound},
		"a dossier that is none":            {authz.By(uCarl), func(p *authz.Preference) { p.Domain = dNone }, authz.ErrNotFound},
		"somebody else's":                   {authz.By(uCarl), func(p *authz.Preference) { p.User = uAnn }, authz.ErrDenied},
		"a stranger's":                      {authz.By(uAnn), func(p *authz.Preference) { p.User = uNina }, authz.ErrNotFound},
	} {
		requireIs(t, say(c.by, c.change), c.want, name)
	}
	_, err = f.az.Preferences(t.Context(), authz.By(uOlga), f.d1, uOlga)
	requireIs(t, err, authz.ErrNotFound, "a dossier that one does not see")
	_, err = f.az.Preferences(t.Context(), authz.By(uCarl), f.d1, uAnn)
	requireIs(t, err, authz.ErrDenied, "somebody else's")
}

func entriesOf(t *testing.T, az *authz.Authz) (lines []string) {
	t.Helper()
	for _, e := range ledger(t, az) {
		for name, value := range e.Detail {
			lines = append(lines, name+"="+value)
		}
	}
	return lines
}

// Every database agrees on who the recipients are, and keeps what was said.
func TestRecipientsEverywhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		az, err := authz.Open(t.Context(), db, authz.Config{Pack: afas.Pack(), Clock: noon})
		require.NoError(t, err)
		f := &firm{az: az, db: dbOf{az}, home: home(tAcme)}
		_, err = az.CreateTenant(t.Context(), system, authz.Tenant{ID: tAcme, Name: "Acme"})
		require.NoError(t, err)
		f.member(t, uAnn, f.home, afas.Administrator)
		f.member(t, uEmil, f.home)
		f.invited(t, uNina)
		for _, wanted := range []bool{true, false, true} {
			f.prefer(t, uAnn, "work.example", f.home, afas.TopicProductNews, wanted)
		}
		f.prefer(t, uEmil, "home.example", f.home, afas.TopicProductNews, true)
		f.contact(t, uNina, f.home, "work.example", true)
		f.prefer(t, uNina, "work.example", f.home, afas.TopicProductNews, true)
		require.Equal(t, []string{"u-ann@work.example", "u-emil@work.example", "u-nina@work.example"}, f.gets(t, f.home, afas.TopicProductNews),
			"his own addresses are one")
		f.contact(t, uEmil, f.home, "home.example", true)
		f.prefer(t, uEmil, "home.example", f.home, afas.TopicProductNews, true)
		require.Equal(t, []string{"u-ann@work.example", "u-emil@home.example", "u-nina@work.example"}, f.gets(t, f.home, afas.TopicProductNews))
		require.NoError(t, az.DeactivateMember(t.Context(), system, tAcme, uEmil))
		require.Equal(t, []string{"u-ann@work.example", "u-nina@work.example"}, f.gets(t, f.home, afas.TopicProductNews))
	})
}

func TestRecipientsRefuses(t *testing.T) {
	t.Parallel()
	f := newFirm(t, taxdome.Pack())
	for name, c := range map[string]struct {
		d     model.Domain
		topic model.Topic
	}{
		"nowhere": {model.Domain{}, taxdome.TopicChats}, "no topic": {f.d1, model.Topic{}},
		"an unknown topic": {f.d1, afas.TopicProductNews}, "a topic of dossiers": {f.home, taxdome.TopicChats},
	} {
		_, err := f.az.Recipients(t.Context(), c.d, c.topic)
		requireIs(t, err, authz.ErrInvalid, name)
	}
	require.Empty(t, f.gets(t, dNone, taxdome.TopicChats))
	require.Empty(t, f.gets(t, dossier(tNone, "d-1"), taxdome.TopicChats))
	_, err := new(authz.Authz).Recipients(t.Context(), f.d1, taxdome.TopicChats)
	requireIs(t, err, authz.ErrInvalid, "zero")
}

// Each recipient is asked about again when its mail is sent.
func TestNotifyAsksAgain(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]func(t *testing.T, f *firm){
		"removed": func(t *testing.T, f *firm) { require.NoError(t, f.az.RemoveMember(t.Context(), system, f.home, uOlga)) },
		"deactivated": func(t *testing.T, f *firm) {
			require.NoError(t, f.az.DeactivateMember(t.Context(), system, tAcme, uOlga))
		},
		"not wanted any more": func(t *testing.T, f *firm) {
			f.prefer(t, uOlga, "work.example", f.home, afas.TopicProductNews, false)
		},
		"at another address": func(t *testing.T, f *firm) { f.contact(t, uOlga, f.home, "home.example", true) },
		"switched off":       func(t *testing.T, f *firm) { f.contact(t, uOlga, f.home, "work.example", false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFirm(t, afas.Pack())
			for _, u := range []model.UserID{uAnn, uOlga} {
				f.member(t, u, f.home, afas.Employee)
				f.prefer(t, u, "work.example", f.home, afas.TopicProductNews, true)
			}
			require.NoError(t, f.az.Notify(t.Context(), system, f.home, afas.TopicProductNews, authz.Note{Subject: "News", Text: "All is new."}))
			gone(t, f)
			f.deliver(t, authz.Delivery{Sent: 1, Dropped: 1})
			require.Equal(t, "u-ann@work.example", f.box.Letters()[0].To.Address)
		})
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	f := newFirm(t, afas.Pack())
	f.member(t, uAnn, f.home, afas.Administrator)
	notify := func(az *authz.Authz, change func(*authz.Note)) error {
		n := authz.Note{Subject: "News", Text: "One.\r\nTwo.\n\nThree <b>.", Path: "/news?id=1"}
		change(&n)
		return az.Notify(t.Context(), system, f.home, afas.TopicProductNews, n)
	}
	same := func(*authz.Note) {}
	require.NoError(t, notify(f.az, same))
	f.deliver(t, authz.Delivery{})
	f.prefer(t, uAnn, "work.example", f.home, afas.TopicProductNews, true)

	undo := errors.New("undo")
	require.ErrorIs(t, f.az.Transaction(t.Context(), func(tx *authz.Tx) error { return errors.Join(notify(tx.Authz, same), undo) }), undo)
	f.deliver(t, authz.Delivery{})

	require.NoError(t, notify(f.az, same))
	f.deliver(t, authz.Delivery{Sent: 1})
	l := f.box.Last(t, "u-ann@work.example")
	require.Contains(t, l.Text, "One.\nTwo.\n\nThree <b>.")
	require.Contains(t, l.HTML, "One.<br>\nTwo.</p>")
	require.Contains(t, l.HTML, "Three &lt;b&gt;.")
	require.Equal(t, "https://portal.example/news?id=1", f.box.Link(t, "u-ann@work.example"))
	require.Equal(t, []string{"https://portal.example/news?id=1", "https://portal.example/news?id=1"}, linksOf(t, l.HTML))

	for name, change := range map[string]func(*authz.Note){
		"no subject": func(n *authz.Note) { n.Subject = "" }, "a header": func(n *authz.Note) { n.Subject = "A\r\nBcc: b@b.example" },
		"no text": func(n *authz.Note) { n.Text = " \n" }, "a control character": func(n *authz.Note) { n.Text = "a\x1bb" },
		"a text that is long": func(n *authz.Note) { n.Text = strings.Repeat("a\n", 10_001) },
		"another host":        func(n *authz.Note) { n.Path = "//evil.example" }, "a URL": func(n *authz.Note) { n.Path = "https://evil.example/" },
		"a host at the end": func(n *authz.Note) { n.Path = ".evil.example/" }, "a user": func(n *authz.Note) { n.Path = "@evil.example/" },
		"a script": func(n *authz.Note) { n.Path = "javascript:alert(1)" }, "a backslash": func(n *authz.Note) { n.Path = `/\evil.example` },
		"up": func(n *authz.Note) { n.Path = "/a/../../b" }, "up, escaped": func(n *authz.Note) { n.Path = "/%2e%2e/b" },
		"a line": func(n *authz.Note) { n.Path = "/a\nhttps://evil.example" }, "a quote": func(n *authz.Note) { n.Path = `/a" href="b` },
	} {
		requireIs(t, notify(f.az, change), authz.ErrInvalid, name)
	}
}

// SOP-06: nobody is told of a changed right.
func TestSOP06NoMessage(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	messages := func() (n int64) {
		require.NoError(t, s.db.Model(&store.Message{}).Count(&n).Error)
		return n
	}
	before, who := messages(), model.UserSubject(uCarl)
	require.NoError(t, s.az.Grant(t.Context(), admin, authz.Grant{Subject: who, Profile: accountancy.Administrator, Domain: dOne}))
	require.NoError(t, s.az.Withdraw(t.Context(), admin, who, accountancy.Administrator, dOne))
	require.NoError(t, s.az.Assign(t.Context(), admin, dTwo, authz.Manager(uEmil)))
	require.Equal(t, before, messages())
}

// A16: who is removed and comes back has nothing said for them.
func TestA16Preferences(t *testing.T) {
	t.Parallel()
	f := newFirm(t, taxdome.Pack())
	f.member(t, uAnn, f.home, taxdome.Owner)
	f.member(t, uCarl, f.d1, taxdome.Client)
	back := func(leave model.Domain) bool {
		f.prefer(t, uCarl, "work.example", f.d1, taxdome.TopicChats, false)
		require.NoError(t, f.az.RemoveMember(t.Context(), authz.By(uAnn), leave, uCarl))
		require.NoError(t, f.az.AddMember(t.Context(), system, f.d1, authz.NewMember{User: uCarl, Profiles: []model.Profile{taxdome.Client}}))
		all, err := f.az.Preferences(t.Context(), authz.By(uCarl), f.d1, uCarl)
		require.NoError(t, err)
		for _, p := range all {
			if p.Topic == taxdome.TopicChats {
				return p.Wanted
			}
		}
		return false
	}
	require.True(t, back(f.d1), "of the dossier")
	require.True(t, back(f.home), "of the tenant")
}
