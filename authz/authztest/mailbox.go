package authztest

import (
	"context"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/volmacht/volmacht/authz"
)

// A Mailbox takes the mails that an Authz sends, instead of sending them. It
// keeps one mail of a [authz.Letter.Key], as a careful mail server does. The zero
// Mailbox is empty and ready; it is safe for concurrent use.
type Mailbox struct {
	mu      sync.Mutex
	letters []authz.Letter
	sent    int
	tokens  map[string]bool // of every mail that was handed over, arrived or not
	fail    error
}

// Send implements [authz.Mailer].
func (m *Mailbox) Send(ctx context.Context, l authz.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent++
	if m.tokens == nil {
		m.tokens = make(map[string]bool)
	}
	for _, found := range anyToken.FindAllStringSubmatch(l.Text+l.HTML, -1) {
		m.tokens[found[1]] = true
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.fail != nil {
		return m.fail
	}
	if !slices.ContainsFunc(m.letters, func(other authz.Letter) bool { return other.Key == l.Key }) {
		m.letters = append(m.letters, l)
	}
	return nil
}

// Fail makes every sending from now on fail with err, or succeed again when it
// is nil. To refuse mails for good, wrap [authz.ErrUndeliverable].
func (m *Mailbox) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// Letters returns the mails that arrived, in order.
func (m *Mailbox) Letters() []authz.Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.letters)
}

// Len returns how many mails arrived.
func (m *Mailbox) Len() int { return len(m.Letters()) }

// Sent returns how often a mail was handed over, whatever came of it.
func (m *Mailbox) Sent() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent
}

// Last returns the last mail to an address, and ends the test when there is
// none.
func (m *Mailbox) Last(t testing.TB, to string) authz.Letter {
	t.Helper()
	all := m.Letters()
	var had []string
	for _, l := range slices.Backward(all) {
		if l.To.Address == to {
			return l
		}
		had = append(had, l.To.Address)
	}
	t.Fatalf("authztest: no mail to %s: there are mails to %q", to, had)
	return authz.Letter{}
}

// Link returns the first link in the last mail to an address.
func (m *Mailbox) Link(t testing.TB, to string) string {
	t.Helper()
	l := m.Last(t, to)
	link := anyLink.FindString(l.Text)
	if link == "" {
		t.Fatalf("authztest: no link in the mail %q to %s", l.Subject, to)
	}
	return link
}

// Token returns the token in the last mail to an address: what the link of an
// invitation has after its #.
func (m *Mailbox) Token(t testing.TB, to string) string {
	t.Helper()
	l := m.Last(t, to)
	found := anyToken.FindStringSubmatch(l.Text)
	if found == nil {
		t.Fatalf("authztest: no token in the mail %q to %s", l.Subject, to)
	}
	return found[1]
}

var (
	anyLink  = regexp.MustCompile(`https?://\S+`)
	anyToken = regexp.MustCompile(`#([A-Za-z0-9_-]{43})\b`)
)
