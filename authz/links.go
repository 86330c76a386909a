package authz

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/volmacht/volmacht/model"
)

// Links are the addresses of the host's pages, as mails give them. Mails are
// built from these alone: nothing that a request, a name or a text says can
// lead a link elsewhere.
//
// Each is an absolute URL with https, or with http on this machine. A word in
// braces is replaced, in the path or after the #:
//
//	Portal:     "https://portal.example/"
//	Invitation: "https://portal.example/invitation#{token}"
//	Request:    "https://portal.example/{tenant}/{dossier}/requests/{id}"
//	Review:     "https://portal.example/{tenant}/reviews/{id}"
//
// What follows the # is not sent to any server, so a token there is in no log
// and no Referer; the page reads it and posts it. A page without a script needs
// the token in the path: then keep that path out of the logs, and answer with
// Referrer-Policy: no-referrer. A token in the query is refused.
type Links struct {
	// Portal is where a mail leads that leads nowhere else, and what
	// [Note.Path] goes below.
	Portal string
	// Invitation is where an invitation is answered. It needs {token}.
	Invitation string
	// Request is where an account request is decided, and Review where a
	// review is done. Without, these mails lead to the portal.
	Request, Review string
}

// links are Links that were checked.
type links struct{ Links }

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

func (l Links) parse() (links, error) {
	for _, link := range []struct {
		name, value string
		optional    bool
		words       []string
	}{
		{name: "Portal", value: l.Portal},
		{name: "Invitation", value: l.Invitation, words: []string{"{token}"}},
		{name: "Request", value: l.Request, optional: true, words: []string{"{tenant}", "{dossier}", "{id}"}},
		{name: "Review", value: l.Review, optional: true, words: []string{"{tenant}", "{id}"}},
	} {
		if link.value == "" && link.optional {
			continue
		}
		if err := checkLink(link.value, link.words); err != nil {
			return links{}, fmt.Errorf("%s %q: %w", link.name, link.value, err)
		}
	}
	if n := strings.Count(l.Invitation, "{token}"); n != 1 {
		return links{}, fmt.Errorf("%s %q: want {token} in it once: %w", "Invitation", l.Invitation, ErrInvalid)
	}
	if u, err := url.Parse(l.Portal); err != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(l.Portal, "#") {
		return links{}, fmt.Errorf("%s %q: want no query and nothing after a #: %w", "Portal", l.Portal, ErrInvalid)
	}
	return links{l}, nil
}

func checkLink(s string, words []string) error {
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' }) {
		return fmt.Errorf("a blank, a backslash or a control character in it: %w", ErrInvalid)
	}
	const filled = "0filled0"
	for _, word := range placeholder.FindAllString(s, -1) {
		if !slices.Contains(words, word) {
			return fmt.Errorf("%s: want one of %v: %w", word, words, ErrInvalid)
		}
	}
	u, err := url.Parse(placeholder.ReplaceAllString(s, filled))
	switch {
	case err != nil:
		return fmt.Errorf("not a URL: %w", ErrInvalid)
	case u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return fmt.Errorf("want an absolute URL with https, or with http on this machine: %w", ErrInvalid)
	case u.User != nil:
		return fmt.Errorf("want no user in it: %w", ErrInvalid)
	case strings.Contains(u.Host, filled), strings.Contains(u.RawQuery, filled):
		return fmt.Errorf("want words in braces only in the path or after the #: %w", ErrInvalid)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l links) invitation(token string) string {
	return strings.Replace(l.Invitation, "{token}", token, 1)
}

// about fills in a link to a page, or returns the portal when there is none.
func (l links) about(link string, d model.Domain, id string) string {
	if link == "" {
		return l.Portal
	}
	return strings.NewReplacer("{tenant}", d.Tenant().String(), "{dossier}", d.Dossier().String(), "{id}", id).Replace(link)
}

// below returns a page of the portal.
func (l links) below(path string) string {
	return strings.TrimSuffix(l.Portal, "/") + path
}

// checkPath refuses what is no path below the portal.
func checkPath(path string) error {
	if path == "" {
		return nil
	}
	if len(path) > 1000 {
		return fmt.Errorf("path has more than 1000 bytes: %w", ErrInvalid)
	}
	u, err := url.Parse(path)
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"<>{}|^`", r) }
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || path[0] != '/' || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, bad) {
		return fmt.Errorf("path %q: want one below the portal, such as /documents/7: %w", path, ErrInvalid)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("path %q: want no . and no .. in it: %w", path, ErrInvalid)
		}
	}
	return nil
}
