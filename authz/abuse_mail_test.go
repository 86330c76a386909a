package authz_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
)

// A8: nothing that somebody else has a say in leads a link elsewhere. A request
// has no part in it at all: mails are built by a worker, from the configuration.
func TestA8(t *testing.T) {
	t.Parallel()
	for name, lure := range map[string]string{
		"a host":         "evil.example",
		"a URL":          "https://evil.example/#{token}",
		"an element":     `<a href="https://evil.example/">click</a>`,
		"an attribute":   `" href="https://evil.example/" x="`,
		"a base":         `<base href="https://evil.example/">`,
		"a script":       `<script>location="https://evil.example/"</script>`,
		"a refresh":      `<meta http-equiv="refresh" content="0;url=https://evil.example/">`,
		"a template":     `{{.Link}}{{define "action"}}evil.example{{end}}`,
		"a word":         "{token}{tenant}{id}",
		"a comment":      "<!-- --!> <!--",
		"an end":         "</title></p></div></body>",
		"a header":       "Host: evil.example",
		"a user of ours": "https://portal.example@evil.example/",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t)
			require.NoError(t, p.az.EditTenant(t.Context(), system, authz.Tenant{ID: tAcme, Name: lure}))
			require.NoError(t, p.az.RenameDossier(t.Context(), system, dOne, lure))
			require.NoError(t, p.az.EditPerson(t.Context(), system, authz.Person{ID: uAnn, FirstName: lure, LastName: lure}))
			p.invite(t, "i-1", func(inv *store.Invitation) { inv.Note, inv.FirstName, inv.LastName = lure, lure, lure })
			require.NoError(t, p.db.Model(&store.Message{}).Where("1 = 1").Update("name", lure).Error)
			p.deliver(t, authz.Delivery{Sent: 1})

			l := p.box.Last(t, "Robin@new.example")
			require.Contains(t, l.Text, lure, "the control")
			token := tokenIn.FindString(l.HTML)
			require.Equal(t, 1, p.good(t, token))
			links := linksOf(t, l.HTML)
			require.NotEmpty(t, links)
			for _, link := range links {
				require.Equal(t, "https://portal.example/invitation#"+token, link)
			}
			require.Equal(t, 1, strings.Count(l.Text, "https://portal.example/invitation#"+token))
			require.Empty(t, elements(t, l.HTML, "script", "base", "form", "iframe", "img"))
			for _, meta := range elements(t, l.HTML, "meta") {
				for _, a := range meta.Attr {
					require.NotEqual(t, "http-equiv", a.Key)
				}
			}
		})
	}
}

var tokenIn = regexp.MustCompile(`\b[A-Za-z0-9_-]{43}\b`)

func elements(t *testing.T, page string, names ...string) (found []*html.Node) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for n := range doc.Descendants() {
		for _, name := range names {
			if n.Type == html.ElementNode && n.Data == name {
				found = append(found, n)
			}
		}
	}
	return found
}

func linksOf(t *testing.T, page string) (links []string) {
	t.Helper()
	for _, a := range elements(t, page, "a", "area", "link") {
		for _, attribute := range a.Attr {
			if attribute.Key == "href" {
				links = append(links, attribute.Val)
			}
		}
	}
	return links
}
