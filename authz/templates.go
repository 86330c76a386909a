package authz

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"

	"golang.org/x/text/language"
)

// Content is what the template of a mail can say. What a kind of message does
// not have is zero.
type Content struct {
	Locale string // "en", "nl" or "de": the language of the template
	Name   string // the addressee's
	Tenant string // the tenant's name

	Dossier  string   // the name of the dossier that it is about
	Dossiers []string // the names of those that an invitation gives access to

	About, AboutEmail string // whom an invitation or a request is for, or who got what this is a copy of

	Inviter string    // who invites, or who asks for the account
	Note    string    // what they wrote, or why a request was declined
	Until   time.Time // when the link ends, the request ends, the review is due
	Overdue bool      // Until is past

	Approved bool // the request was approved, not declined

	Subject, Text string // of the host's own message
	Topic         string // its topic, in the language of Locale

	// Link is where the mail leads. In an invitation it holds the token.
	Link string

	// Activate says that the addressee's account is not active yet, and
	// ActivateLink, unless it is empty, where to activate it.
	Activate     bool
	ActivateLink string

	// Data is what was put into the outbox beside all this.
	Data map[string]string
}

// Paragraphs returns Text by paragraph, and each by line.
func (c Content) Paragraphs() [][]string {
	var all [][]string
	for _, paragraph := range blankLines.Split(strings.TrimSpace(c.Text), -1) {
		all = append(all, strings.Split(paragraph, "\n"))
	}
	return all
}

var blankLines = regexp.MustCompile(`\n[ \t]*\n\s*`)

// Date writes t in the language of Locale, in UTC.
func (c Content) Date(t time.Time) string {
	t = t.UTC()
	switch c.Locale {
	case "nl":
		return fmt.Sprintf("%d %s %d, %s uur (UTC)", t.Day(), months["nl"][t.Month()-1], t.Year(), t.Format("15:04"))
	case "de":
		return fmt.Sprintf("%d. %s %d, %s Uhr (UTC)", t.Day(), months["de"][t.Month()-1], t.Year(), t.Format("15:04"))
	default:
		return t.Format("2 January 2006, 15:04 UTC")
	}
}

var months = map[string][]string{
	"nl": {"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"},
	"de": {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
}

//go:embed mails
var shipped embed.FS

var (
	locales = []string{"en", "nl", "de"} // the first one for everybody else
	matcher = language.NewMatcher([]language.Tag{language.English, language.Dutch, language.German})
)

// localeOf returns the language to write to somebody in.
func localeOf(tag string) string {
	wanted, err := language.Parse(tag)
	if err != nil {
		return locales[0]
	}
	_, i, _ := matcher.Match(wanted)
	return locales[i]
}

// templates are the wording of every kind of message in every language.
type templates struct {
	text map[string]*texttemplate.Template // by LOCALE/KIND
	html map[string]*htmltemplate.Template
}

var shippedTemplates = sync.OnceValues(func() (*templates, error) { return parseTemplates(nil) })

// readTemplates returns the shipped templates, with the files of own in their
// place.
func readTemplates(own fs.FS) (*templates, error) {
	if own == nil {
		return shippedTemplates()
	}
	return parseTemplates(own)
}

func parseTemplates(own fs.FS) (*templates, error) {
	files, err := templateFiles(own)
	if err != nil {
		return nil, err
	}
	t := &templates{text: map[string]*texttemplate.Template{}, html: map[string]*htmltemplate.Template{}}
	for _, locale := range locales {
		for _, kind := range kinds {
			name := locale + "/" + string(kind)
			text := texttemplate.New(name).Option("missingkey=zero")
			html := htmltemplate.New(name).Option("missingkey=zero")
			for _, file := range []string{"layout.tmpl", locale + "/common.tmpl", name + ".tmpl"} {
				if _, err := text.New(file).Parse(files[file]); err != nil {
					return nil, fmt.Errorf("%w: %w", err, ErrInvalid)
				}
				if _, err := html.New(file).Parse(files[file]); err != nil {
					return nil, fmt.Errorf("%w: %w", err, ErrInvalid)
				}
			}
			t.text[name], t.html[name] = text, html
			if err := t.try(kind, locale); err != nil {
				return nil, fmt.Errorf("%s.tmpl: %w: %w", name, err, ErrInvalid)
			}
		}
	}
	return t, nil
}

// templateFiles returns the text of every file, those of own before the
// shipped ones, and refuses a file of own that would replace none.
func templateFiles(own fs.FS) (map[string]string, error) {
	files := make(map[string]string)
	read := func(from fs.FS, take func(name string) error) error {
		return fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if err := take(name); err != nil {
				return err
			}
			text, err := fs.ReadFile(from, name)
			files[name] = string(text)
			return err
		})
	}
	ours, err := fs.Sub(shipped, "mails")
	if err == nil {
		err = read(ours, func(string) error { return nil })
	}
	if err != nil || own == nil {
		return files, err
	}
	return files, read(own, func(name string) error {
		if _, known := files[name]; !known && path.Ext(name) == ".tmpl" {
			return fmt.Errorf("%s replaces no template: want layout.tmpl, or common.tmpl or one of %v in a folder %v: %w", name, kinds, locales, ErrInvalid)
		}
		return nil
	})
}

// try renders a mail with everything in it, and one with next to nothing.
func (t *templates) try(kind MessageKind, locale string) error {
	sample := Content{
		Name: "Kim de Vries", Tenant: "Example", Dossier: "Bakery", Dossiers: []string{"Bakery", "Brewery"},
		About: "Robin Maes", AboutEmail: "robin@example.com", Inviter: "Ann Peeters", Note: "See you soon.",
		Until: time.Unix(0, 0), Overdue: true, Subject: "A subject", Text: "A line.\n\nAnother.", Topic: "Documents",
		Link: "https://portal.example/sample", Approved: true, Activate: true, ActivateLink: "https://portal.example/activate",
		Data: map[string]string{},
	}
	for _, c := range []Content{sample, {Tenant: sample.Tenant, Subject: sample.Subject, Text: sample.Text, About: sample.About, Link: sample.Link}} {
		if kind == CopyMessage {
			c.Link, c.Activate, c.ActivateLink = "", false, ""
		}
		subject, text, html, err := t.render(kind, locale, c)
		if err != nil {
			return err
		}
		if subject == "" {
			return errors.New("the subject is empty")
		}
		for _, link := range []string{c.Link, c.ActivateLink} {
			if !strings.Contains(text, link) || !strings.Contains(html, link) {
				return errors.New("the mail has lost its link: want it in the text and in the HTML")
			}
		}
	}
	return nil
}

// render writes a mail in one of the locales.
func (t *templates) render(kind MessageKind, locale string, c Content) (subject, text, html string, err error) {
	c.Locale = locale
	name := locale + "/" + string(kind)
	if !slices.Contains(kinds, kind) {
		return "", "", "", fmt.Errorf("message of kind %q: there is no template for it", kind)
	}
	var b strings.Builder
	write := func(execute func() error) string {
		b.Reset()
		if err == nil {
			err = execute()
		}
		return b.String()
	}
	subject = write(func() error { return t.text[name].ExecuteTemplate(&b, "subject", c) })
	text = write(func() error { return t.text[name].ExecuteTemplate(&b, "letter", c) })
	html = write(func() error { return t.html[name].ExecuteTemplate(&b, "page", c) })
	text = strings.TrimSpace(manyLines.ReplaceAllString(text, "\n\n")) + "\n"
	return strings.Join(strings.Fields(subject), " "), text, html, err
}

var manyLines = regexp.MustCompile(`\n{3,}`)
