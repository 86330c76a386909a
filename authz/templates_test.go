package authz_test

import (
	"flag"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
)

var update = flag.Bool("update", false, "write the golden files of the mails")

// full is a mail with everything in it that its kind can have.
func full(kind authz.MessageKind) authz.Content {
	c := authz.Content{
		Name: "Kim de Vries", Tenant: "Peeters & Maes", Dossier: "Bakery Van Damme", About: "Robin Maes", AboutEmail: "robin@example.com",
		Inviter: "Ann Peeters", Note: "See you on Thursday.", Until: time.Date(2026, time.March, 7, 9, 5, 0, 0, time.UTC),
		Link: "https://portal.example/page#0123456789",
	}
	switch kind {
	case authz.InvitationMessage, authz.LinkMessage:
		c.Dossiers = []string{"Bakery Van Damme", "Brewery"}
	case authz.DecisionMessage:
		c.Note = "She left in May."
	case authz.TopicMessage:
		c.Topic, c.Subject, c.Text = "Documents", "Your return for 2025 is ready", "Your return is in the portal.\nPlease look at it.\n\nWe are glad to help."
		c.Activate, c.ActivateLink = true, "https://portal.example/activate#9876543210"
	case authz.CopyMessage:
		c.Topic, c.Subject, c.Text, c.Link = "Documents", "Your return for 2025 is ready", "Your return is in the portal.\n\nWe are glad to help.", ""
	}
	return c
}

// Every mail is as it was when somebody last looked at it.
func TestMailsGolden(t *testing.T) {
	t.Parallel()
	want := make(map[string]bool)
	for _, kind := range authz.Kinds {
		for _, locale := range authz.Locales {
			subject, text, page, err := authz.Render(kind, locale, full(kind))
			require.NoError(t, err)
			_, err = html.Parse(strings.NewReader(page))
			require.NoError(t, err)
			for name, got := range map[string]string{
				string(kind) + "." + locale + ".txt":  "Subject: " + subject + "\n\n" + text,
				string(kind) + "." + locale + ".html": page,
			} {
				file := filepath.Join("testdata", "mails", name)
				want[name] = true
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
					require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				}
				golden, err := os.ReadFile(file)
				require.NoError(t, err, "go test ./authz -run TestMailsGolden -update writes it")
				require.Equal(t, string(golden), got, file)
			}
		}
	}
	entries, err := os.ReadDir(filepath.Join("testdata", "mails"))
	require.NoError(t, err)
	for _, e := range entries {
		require.True(t, want[e.Name()], "%s is of no mail", e.Name())
	}
}

// A mail with next to nothing in it reads well too.
func TestMailsBare(t *testing.T) {
	t.Parallel()
	for _, kind := range authz.Kinds {
		for _, locale := range authz.Locales {
			subject, text, page, err := authz.Render(kind, locale, authz.Content{Tenant: "Acme", About: "Robin", Subject: "S", Text: "T"})
			require.NoError(t, err)
			for _, s := range []string{subject, text, page} {
				for _, odd := range []string{"<no value>", "()", ",,", "  (", "1970", "0001", "“”", "\n\n\n"} {
					require.NotContains(t, s, odd, "%s %s", kind, locale)
				}
			}
		}
	}
}

// Everybody is written to in their language, or in English.
func TestMailLocale(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	for locale, want := range map[string]string{
		"en": "en", "nl": "nl", "de": "de", "nl-BE": "nl", "de-AT": "de", "NL": "nl", "nl_NL": "nl", "en-GB": "en",
		"": "en", "fr": "en", "ja": "en", "???": "en", "gsw": "de",
	} {
		p.invite(t, "i-"+strings.Map(func(r rune) rune {
			if r == '?' {
				return 'x'
			}
			return r
		}, locale))
		require.NoError(t, p.db.Model(&store.Message{}).Where("state = ?", store.Queued).Update("locale", locale).Error)
		p.deliver(t, authz.Delivery{Sent: 1})
		l := p.box.Last(t, "Robin@new.example")
		require.Equal(t, want, l.Locale, locale)
		require.Equal(t, want, l.Headers["Content-Language"], locale)
		require.Contains(t, l.Text, map[string]string{"en": "Hello", "nl": "Beste", "de": "Guten Tag"}[want], locale)
	}
}

// A host replaces one file, and the others stay.
func TestTemplatesReplaced(t *testing.T) {
	t.Parallel()
	own := fstest.MapFS{
		"nl/invitation.tmpl": {Data: []byte(`{{define "subject"}}Welkom bij {{.Tenant}}{{end}}{{define "action"}}Kom binnen{{end}}` +
			`{{define "text"}}Dag.{{.Data.extra}}{{end}}{{define "html"}}<p>Dag.</p>{{end}}`)},
		"README.md": {Data: []byte("Not a template.")},
	}
	p := newPost(t, func(m *authz.Mail) { m.Templates = own })
	p.invite(t, "i-1")
	require.NoError(t, p.db.Model(&store.Message{}).Where("1 = 1").Update("locale", "nl").Error)
	p.deliver(t, authz.Delivery{Sent: 1})
	l := p.box.Last(t, "Robin@new.example")
	require.Equal(t, "Welkom bij Office", l.Subject)
	require.Contains(t, l.Text, "Dag.\n")
	require.Contains(t, l.Text, p.box.Token(t, "Robin@new.example"))
	require.Contains(t, l.HTML, "Kom binnen")
	p.invite(t, "i-2")
	p.deliver(t, authz.Delivery{Sent: 1})
	require.Equal(t, "Office invites you", p.box.Last(t, "Robin@new.example").Subject)
}

// Whatever is wrong with the configuration is said at Open.
func TestMailConfig(t *testing.T) {
	t.Parallel()
	template := func(name, text string) func(*authz.Mail) {
		return func(m *authz.Mail) { m.Templates = fstest.MapFS{name: {Data: []byte(text)}} }
	}
	invitation := func(s string) func(*authz.Mail) { return func(m *authz.Mail) { m.Links.Invitation = s } }
	portal := func(s string) func(*authz.Mail) { return func(m *authz.Mail) { m.Links.Portal = s } }
	body := `{{define "subject"}}S{{end}}{{define "action"}}A{{end}}{{define "text"}}T{{end}}{{define "html"}}H{{end}}`
	for name, c := range map[string]struct {
		change func(*authz.Mail)
		says   string
	}{
		"as it is":                    {func(*authz.Mail) {}, ""},
		"http on this machine":        {invitation("http://localhost:8080/i#{token}"), ""},
		"http on this machine, IPv6":  {invitation("http://[::1]:8080/i#{token}"), ""},
		"a token in the path":         {invitation("https://portal.example/i/{token}"), ""},
		"a template that does":        {template("en/link.tmpl", body), ""},
		"no sender":                   {func(m *authz.Mail) { m.From = mail.Address{} }, "From: "},
		"a sender's header":           {func(m *authz.Mail) { m.From.Name = "A\r\nBcc: b@b.example" }, "From: "},
		"no links":                    {func(m *authz.Mail) { m.Links = authz.Links{} }, `Links: Portal ""`},
		"http":                        {portal("http://portal.example/"), "https"},
		"another scheme":              {portal("javascript:alert(1)"), "https"},
		"no scheme":                   {portal("//portal.example/"), "https"},
		"a path":                      {portal("/portal"), "https"},
		"a user":                      {portal("https://portal.example@evil.example/"), "user"},
		"a query":                     {portal("https://portal.example/?a=b"), "query"},
		"a fragment":                  {portal("https://portal.example/#a"), "#"},
		"a line":                      {portal("https://portal.example/\r\nx"), "control"},
		"a backslash":                 {portal(`https://portal.example\@evil.example/`), "backslash"},
		"no token":                    {invitation("https://portal.example/i"), "{token}"},
		"two tokens":                  {invitation("https://portal.example/{token}#{token}"), "once"},
		"a token in the host":         {invitation("https://{token}.example/"), "path or after"},
		"a token in the query":        {invitation("https://portal.example/i?t={token}"), "path or after"},
		"a word that is none":         {invitation("https://portal.example/{id}#{token}"), "{id}"},
		"a token where none belongs":  {func(m *authz.Mail) { m.Links.Review = "https://portal.example/{token}" }, "{token}"},
		"a negative time":             {func(m *authz.Mail) { m.Pause = -1 }, "Pause"},
		"negative attempts":           {func(m *authz.Mail) { m.Attempts = -1 }, "Attempts"},
		"a template of no name":       {template("en/invitations.tmpl", body), "en/invitations.tmpl replaces no template"},
		"a template of no language":   {template("fr/invitation.tmpl", body), "fr/invitation.tmpl"},
		"a template that ends early":  {template("en/link.tmpl", `{{define "subject"}}S`), "en/link.tmpl"},
		"a template of unknown words": {template("en/link.tmpl", strings.Replace(body, "T", "{{.Tenants}}", 1)), "Tenants"},
		"a template without subject":  {template("en/link.tmpl", strings.Replace(body, "S", " ", 1)), "subject"},
		"a layout without links":      {template("layout.tmpl", `{{define "letter"}}{{template "text" .}}{{end}}{{define "page"}}{{template "html" .}}{{end}}{{define "quote"}}{{.}}{{end}}{{define "paragraphs"}}{{.Text}}{{end}}`), "link"},
		"HTML that cannot be escaped": {template("en/link.tmpl", strings.Replace(body, "H", `<a href={{.Link}}`, 1)), "en/link"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			m := authz.Mail{
				Mailer: new(authztest.Mailbox), From: mail.Address{Address: "portal@portal.example"},
				Links: authz.Links{Portal: "https://portal.example/", Invitation: "https://portal.example/invitation#{token}"},
			}
			c.change(&m)
			_, err := authz.Open(t.Context(), s.db, authz.Config{Pack: scenePack(), Mail: m})
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			requireIs(t, err, authz.ErrInvalid, name)
			require.ErrorContains(t, err, "Config.Mail.")
			require.ErrorContains(t, err, c.says)
		})
	}
}
