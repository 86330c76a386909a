package authzsmtp

import (
	"fmt"
	netmail "net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/volmacht/volmacht/authz"
)

// message writes a letter as a mail: the text, with the HTML as the other form
// of it.
func message(l authz.Letter) (*mail.Msg, error) {
	for what, s := range map[string]string{
		"key": l.Key, "sender": l.From.Name + l.From.Address, "recipient": l.To.Name + l.To.Address, "subject": l.Subject,
	} {
		if err := checkHeader(what, s); err != nil {
			return nil, err
		}
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	for what, a := range map[string]*netmail.Address{"sender": &l.From, "recipient": &l.To} {
		if parsed, err := netmail.ParseAddress(a.Address); err != nil || parsed.Address != a.Address {
			return nil, fmt.Errorf("%s: not one bare address: %w", what, authz.ErrUndeliverable)
		}
	}
	msg.FromMailAddress(&l.From)
	msg.ToMailAddress(&l.To)
	msg.Subject(l.Subject)
	msg.SetDate()
	msg.SetMessageIDWithValue(l.MessageID())
	for name, value := range l.Headers {
		if err := checkHeader("header", name+value); err != nil {
			return nil, err
		}
		msg.SetGenHeader(mail.Header(name), value)
	}
	msg.SetBodyString(mail.TypeTextPlain, l.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, l.HTML)
	return msg, nil
}

// checkHeader refuses what could end a line of the header and begin another.
func checkHeader(what, s string) error {
	if strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) {
		return fmt.Errorf("%s has a control character or is not UTF-8: %w", what, authz.ErrUndeliverable)
	}
	return nil
}
