package authz

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/mail"
	"time"
)

// Mail says how mails are sent. Only a process that calls [Authz.Work] or
// [Authz.Deliver] needs it. Mailer, From, Links.Portal and Links.Invitation go
// together; every other field may be left zero.
type Mail struct {
	// Mailer sends. The package authzsmtp has one for SMTP.
	Mailer Mailer

	// From is the sender of every mail.
	From mail.Address

	// Links are the pages of the host that mails lead to.
	Links Links

	// Templates replaces single files of the wording: see the guide to messages
	// for their names. They are tried at [Open].
	Templates fs.FS

	// Log is told what a sending process cannot return to anybody. It is never
	// given a token, an address or the text of a mail. Nil is slog.Default().
	Log *slog.Logger

	// Poll is how often [Authz.Work] looks for what other processes have put
	// into the outbox. Zero is ten seconds. Messages of its own go at once.
	Poll time.Duration

	// Timeout is how long one sending may take. Whoever takes twice as long is
	// given up for dead, and another worker sends. Zero is a minute.
	Timeout time.Duration

	// Pause is how long a message waits after it has failed once: twice as
	// long each time, up to MaxPause, give or take a quarter. Zero is 30
	// seconds, and four hours for MaxPause.
	Pause, MaxPause time.Duration

	// Attempts is how often a message is tried before it is given up. Zero is
	// 12, which with the pauses above is about half a day.
	Attempts int

	// Keep is how long messages that were sent or dropped stay in the
	// database. Zero is 30 days.
	Keep time.Duration
}

// A Mailer hands letters over to be delivered. It is called by one goroutine
// for each worker. Nil says that the letter was taken, and it is not sent
// again. Any error says that it may be sent again later, under the same
// [Letter.Key]; one that is [ErrUndeliverable] that it never should be.
type Mailer interface {
	Send(ctx context.Context, l Letter) error
}

// ErrUndeliverable is for a [Mailer]: the letter will not be taken, however
// often it is sent.
var ErrUndeliverable = errors.New("undeliverable")

// A Letter is one mail, ready to be sent. Do not log it: its text may hold a
// token, which is a way in.
type Letter struct {
	// Key is the same whenever the letter is sent again. A Mailer that can
	// should refuse to deliver two of one Key; see [Letter.MessageID].
	Key string

	From, To            mail.Address // the domain in its ASCII form
	Subject, Text, HTML string
	Locale              string            // a BCP 47 tag
	Headers             map[string]string // such as Auto-Submitted
}

// MessageID is the Message-ID for the letter, without its angle brackets: Key
// at the sender's domain.
func (l Letter) MessageID() string {
	_, domain := splitEmail(l.From.Address)
	return l.Key + "@" + domain
}

// A courier is Mail, checked and with its defaults filled in.
type courier struct {
	Mail
	links     links
	templates *templates
	woken     chan struct{} // holds one while there may be something to send
}

func newCourier(m Mail) (*courier, error) {
	c := &courier{Mail: m, woken: make(chan struct{}, 1)}
	for _, d := range []struct {
		name  string
		value *time.Duration
		zero  time.Duration
	}{
		{"Poll", &c.Poll, 10 * time.Second}, {"Timeout", &c.Timeout, time.Minute},
		{"Pause", &c.Pause, 30 * time.Second}, {"MaxPause", &c.MaxPause, 4 * time.Hour}, {"Keep", &c.Keep, 30 * 24 * time.Hour},
	} {
		if *d.value < 0 {
			return nil, fmt.Errorf("authz: Config.Mail.%s cannot be negative: %w", d.name, ErrInvalid)
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if c.Attempts < 0 {
		return nil, fmt.Errorf("authz: Config.Mail.Attempts cannot be negative: %w", ErrInvalid)
	}
	if c.Attempts == 0 {
		c.Attempts = 12
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Mailer == nil {
		if c.From.Address != "" || c.Links != (Links{}) {
			return nil, fmt.Errorf("authz: Config.Mail.Mailer is not set, and From or Links are: %w", ErrInvalid)
		}
		return c, nil
	}
	if _, err := canonicalEmail(c.From.Address); err != nil {
		return nil, fmt.Errorf("authz: Config.Mail.From: %w", err)
	}
	if err := checkText("name", c.From.Name, optional, 200); err != nil {
		return nil, fmt.Errorf("authz: Config.Mail.From: %w", err)
	}
	var err error
	if c.links, err = c.Links.parse(); err != nil {
		return nil, fmt.Errorf("authz: Config.Mail.Links: %w", err)
	}
	if c.templates, err = readTemplates(c.Mail.Templates); err != nil {
		return nil, fmt.Errorf("authz: Config.Mail.Templates: %w", err)
	}
	return c, nil
}

// wake lets one worker look at once.
func (c *courier) wake() {
	select {
	case c.woken <- struct{}{}:
	default: // it will look anyway
	}
}
