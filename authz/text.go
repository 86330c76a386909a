package authz

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

const (
	required = false
	optional = true
)

// checkText refuses text that no name has: control characters, blanks at
// either end, bad UTF-8, more than limit characters, or nothing at all.
func checkText(what, s string, mayBeEmpty bool, limit int) error {
	switch {
	case s == "" && mayBeEmpty:
		return nil
	case s == "":
		return fmt.Errorf("%s is empty: %w", what, ErrInvalid)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s %q is not UTF-8: %w", what, s, ErrInvalid)
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("%s %q has blanks around it: %w", what, s, ErrInvalid)
	case utf8.RuneCountInString(s) > limit:
		return fmt.Errorf("%s has more than %d characters: %w", what, limit, ErrInvalid)
	}
	for _, r := range s {
		joiner := r == '\u200c' || r == '\u200d' // which some names need
		if !joiner && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return fmt.Errorf("%s %q has a control character: %w", what, s, ErrInvalid)
		}
	}
	return nil
}

// domains is idna.Lookup, and refuses what is too long for the domain name system.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// canonicalEmail returns the form in which addresses are compared: lower
// case, the domain in its ASCII form. It refuses what is not one bare address.
func canonicalEmail(s string) (string, error) {
	if err := checkText("e-mail address", s, required, 254); err != nil {
		return "", err
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Name != "" || parsed.Address != s {
		return "", fmt.Errorf("e-mail address %q: want one bare address: %w", s, ErrInvalid)
	}
	at := strings.LastIndexByte(s, '@')
	if strings.ContainsAny(s, "\u200c\u200d") || !norm.NFC.IsNormalString(s) || strings.ContainsFunc(s[:at], foldsAway) {
		return "", fmt.Errorf("e-mail address %q: a character in it can be taken for another: %w", s, ErrInvalid)
	}
	domain, err := domains.ToASCII(s[at+1:])
	if err != nil || !strings.Contains(domain, ".") {
		return "", fmt.Errorf("e-mail address %q: no such domain can be: %w", s, ErrInvalid)
	}
	canonical := strings.ToLower(s[:at]) + "@" + strings.ToLower(domain)
	if len(canonical) > 254 {
		return "", fmt.Errorf("e-mail address %q is longer than 254 bytes: %w", s, ErrInvalid)
	}
	return canonical, nil
}

// foldsAway reports whether r in lower case is a letter that is written otherwise
// in upper case: U+0130, the capital I with a dot, becomes the i that I becomes. Two
// mailboxes would be one canonical address. What is equal only by NFKC, such as a
// letter and its wide form, stays two: names need it, see RFC 6532, section 3.1.
func foldsAway(r rune) bool {
	l := unicode.ToLower(r)
	return l != r && unicode.ToUpper(l) != r
}

func checkEmail(s string, mayBeEmpty bool) error {
	if s == "" && mayBeEmpty {
		return nil
	}
	_, err := canonicalEmail(s)
	return err
}

// splitEmail cuts an address that [canonicalEmail] took in two, the domain in
// its ASCII form.
func splitEmail(s string) (local, domain string) {
	at := strings.LastIndexByte(s, '@')
	if ascii, err := domains.ToASCII(s[at+1:]); err == nil {
		return s[:max(at, 0)], strings.ToLower(ascii)
	}
	return s[:max(at, 0)], s[at+1:]
}

// asciiDomain is an address as it is given to a mail server.
func asciiDomain(s string) string {
	local, domain := splitEmail(s)
	return local + "@" + domain
}

// checkProse refuses what is no text of several lines.
func checkProse(what, s string, limit int) error {
	for line := range strings.SplitSeq(s, "\n") {
		if line = strings.ReplaceAll(strings.TrimRight(line, " "), "\t", " "); strings.TrimSpace(line) == "" {
			continue
		}
		if err := checkText(what, strings.TrimSpace(line), required, limit); err != nil {
			return err
		}
	}
	switch {
	case strings.TrimSpace(s) == "":
		return fmt.Errorf("%s is empty: %w", what, ErrInvalid)
	case utf8.RuneCountInString(s) > limit:
		return fmt.Errorf("%s has more than %d characters: %w", what, limit, ErrInvalid)
	}
	return nil
}
