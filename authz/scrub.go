package authz

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFailure is how much of an error is kept, in characters.
const maxFailure = 1000

// scrub returns what may be kept of an error that a Mailer returned. A server
// may quote the mail at fault: where enough of its token shows to find the rest
// by trying, nothing of the error is kept.
func (e *envelope) scrub(err error) string {
	text := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(err.Error(), "?"))
	if holds(err.Error(), e.token) {
		text = "the error quoted the link of the mail, and is not kept"
	}
	if runes := []rune(text); len(runes) > maxFailure {
		text = string(runes[:maxFailure-1]) + "…"
	}
	return text
}

// holds reports whether text has a piece of token in it, however it is broken
// into lines or quoted.
func holds(text, token string) bool {
	const piece = 10
	bare := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return -1
	}, text)
	for i := 0; i+piece <= len(token); i++ {
		if strings.Contains(bare, token[i:i+piece]) {
			return true
		}
	}
	return false
}
