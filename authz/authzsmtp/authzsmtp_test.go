package authzsmtp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authzsmtp"
)

func letter() authz.Letter {
	return authz.Letter{
		Key: "key-1", From: mail.Address{Name: "Portal", Address: "portal@portal.example"}, To: mail.Address{Name: "Zoë Müller, \"Zo\"", Address: "zoe@client.example"},
		Subject: "Grüße: déjà vu", Text: "Über den Link:\nhttps://portal.example/i#" + strings.Repeat("Ab0_-", 30) + "\n.\nEnde.\n", HTML: "<p>Über <b>alles</b></p>",
		Locale: "de", Headers: map[string]string{"Auto-Submitted": "auto-generated", "Content-Language": "de"},
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	l := letter()
	require.NoError(t, s.mailer(t).Send(t.Context(), l))
	mails := s.mails()
	require.Len(t, mails, 1)
	require.Equal(t, "portal@portal.example", mails[0].from)
	require.Equal(t, "zoe@client.example", mails[0].to)
	m := parse(t, mails[0].message)
	require.Equal(t, "<key-1@portal.example>", m.header.Get("Message-ID"))
	require.Equal(t, "auto-generated", m.header.Get("Auto-Submitted"))
	require.Equal(t, "de", m.header.Get("Content-Language"))
	to, err := m.header.AddressList("To")
	require.NoError(t, err)
	require.Equal(t, []*mail.Address{&l.To}, to)
	require.Equal(t, l.Subject, m.subject)
	require.Equal(t, l.Text, m.parts["text/plain"])
	require.Equal(t, l.HTML, strings.TrimSpace(m.parts["text/html"]))
	date, err := m.header.Date()
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), date, time.Hour)
}

type parsed struct {
	header  mail.Header
	subject string
	parts   map[string]string
}

func parse(t *testing.T, message []byte) parsed {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(message))
	require.NoError(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	found := parsed{m.Header, subject, make(map[string]string)}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		require.Equal(t, "quoted-printable", part.Header.Get("Content-Transfer-Encoding"))
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		require.NoError(t, err)
		require.Equal(t, "utf-8", strings.ToLower(params["charset"]))
		found.parts[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

func answer(code int) func() error {
	return func() error { return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: "no"} }
}

// What the server refuses for good is undeliverable, and what it refuses for now
// is worth another try; so is whatever is not about this mail.
func TestSendRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server        *server
		undeliverable bool
	}{
		"the recipient, for now":  {&server{rcpt: answer(450)}, false},
		"the recipient, for good": {&server{rcpt: answer(550)}, true},
		"the mail, for now":       {&server{data: answer(451)}, false},
		"the mail, for good":      {&server{data: answer(554)}, true},
		"the sender, for now":     {&server{mail: answer(421)}, false},
		"the sender, for good":    {&server{mail: answer(550)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.server)
			err := s.mailer(t).Send(t.Context(), letter())
			require.Error(t, err)
			require.Equal(t, c.undeliverable, errors.Is(err, authz.ErrUndeliverable), "%v", err)
		})
	}
}

// A server that says nothing is given up, by the time-out or with the context.
func TestSendTimesOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	silent := &server{data: func() error { <-release; return nil }}
	serve(t, silent)
	err := silent.mailer(t, func(c *authzsmtp.Config) { c.Timeout = 200 * time.Millisecond }).Send(t.Context(), letter())
	require.Error(t, err)
	require.NotErrorIs(t, err, authz.ErrUndeliverable)

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err = silent.mailer(t, func(c *authzsmtp.Config) { c.Timeout = time.Hour }).Send(ctx, letter())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, authz.ErrUndeliverable)

	// One that does not even greet.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	mute := &server{host: "127.0.0.1", port: l.Addr().(*net.TCPAddr).Port}
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, mute.mailer(t, func(c *authzsmtp.Config) { c.Timeout = time.Hour }).Send(ctx, letter()), context.DeadlineExceeded)
}

// Nobody there: worth another try.
func TestSendToNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	m, err := authzsmtp.New(authzsmtp.Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port})
	require.NoError(t, err)
	err = m.Send(t.Context(), letter())
	require.Error(t, err)
	require.NotErrorIs(t, err, authz.ErrUndeliverable)
}

// A connection that drops after the mail and before the answer: nobody knows.
func TestSendDropped(t *testing.T) {
	t.Parallel()
	var dropped atomic.Bool
	s := &server{}
	serve(t, s, func(srv *smtp.Server) {
		srv.Backend = smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
			to := s
			if dropped.CompareAndSwap(false, true) {
				to = &server{data: func() error { return c.Conn().Close() }}
			}
			return &session{server: to, conn: c}, nil
		})
	})
	m := s.mailer(t)
	err := m.Send(t.Context(), letter())
	require.Error(t, err)
	require.NotErrorIs(t, err, authz.ErrUndeliverable)
	require.NoError(t, m.Send(t.Context(), letter()))
}

// What goes wrong after the server took the mail is no reason to send it again.
func TestSendTakenIsSent(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{quit: func(c net.Conn) { _ = c.Close() }})
	require.NoError(t, s.mailer(t).Send(t.Context(), letter()))
	require.Len(t, s.mails(), 1)
}

// certificates are those of a server on this machine, and what trusts them.
func certificates(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: roots, ServerName: "example.com"}
}

// elsewhere is this machine under an address that is not taken for it.
func elsewhere(c *authzsmtp.Config) { c.Host = "0.0.0.0" }

func signedIn(c *authzsmtp.Config) { c.Username, c.Password = "portal", "secret" }

// Mails and passwords go over TLS, or not at all; but on this machine.
func TestTLS(t *testing.T) {
	t.Parallel()
	certs, trusted := certificates(t)
	trust := func(c *authzsmtp.Config) { c.TLS = trusted }
	implicit := func(c *authzsmtp.Config) { c.ImplicitTLS = true }
	wrong := func(c *authzsmtp.Config) { c.Password = "guess" }
	startTLS := func(srv *smtp.Server) { srv.TLSConfig, srv.AllowInsecureAuth = certs, false }
	for name, c := range map[string]struct {
		server []func(*smtp.Server)
		tls    bool // from the first byte
		mailer []func(*authzsmtp.Config)
		sent   bool
		users  []string
	}{
		"STARTTLS":                    {[]func(*smtp.Server){startTLS}, false, []func(*authzsmtp.Config){elsewhere, trust, signedIn}, true, []string{"portal:secret"}},
		"TLS":                         {nil, true, []func(*authzsmtp.Config){elsewhere, trust, implicit, signedIn}, true, []string{"portal:secret"}},
		"a wrong password":            {[]func(*smtp.Server){startTLS}, false, []func(*authzsmtp.Config){elsewhere, trust, signedIn, wrong}, false, []string{"portal:guess"}},
		"an unknown certificate":      {[]func(*smtp.Server){startTLS}, false, []func(*authzsmtp.Config){elsewhere, signedIn}, false, nil},
		"an unknown one, TLS":         {nil, true, []func(*authzsmtp.Config){elsewhere, implicit, signedIn}, false, nil},
		"an unknown one, here":        {[]func(*smtp.Server){startTLS}, false, []func(*authzsmtp.Config){signedIn}, false, nil},
		"no TLS":                      {nil, false, []func(*authzsmtp.Config){elsewhere, trust, signedIn}, false, nil},
		"no TLS, and no password":     {nil, false, []func(*authzsmtp.Config){elsewhere, trust}, false, nil},
		"no TLS, on this machine":     {nil, false, nil, true, nil},
		"no TLS where it was implied": {nil, false, []func(*authzsmtp.Config){implicit, trust}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{}
			if c.tls {
				s.certs = certs
			}
			serve(t, s, c.server...)
			err := s.mailer(t, c.mailer...).Send(t.Context(), letter())
			require.Equal(t, c.sent, err == nil, "%v", err)
			require.NotErrorIs(t, err, authz.ErrUndeliverable)
			require.Len(t, s.mails(), map[bool]int{true: 1}[c.sent])
			require.Equal(t, c.users, s.users)
		})
	}
}

// A10: nothing in a letter begins a header of its own.
func TestA10Header(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	m := s.mailer(t)
	const evil = "x\r\nBcc: victim@client.example\r\n\r\nbody"
	for name, change := range map[string]func(*authz.Letter){
		"subject": func(l *authz.Letter) { l.Subject = evil }, "subject, LF": func(l *authz.Letter) { l.Subject = "x\nBcc: b@b.example" },
		"recipient's name": func(l *authz.Letter) { l.To.Name = evil }, "sender's name": func(l *authz.Letter) { l.From.Name = evil },
		"recipient":    func(l *authz.Letter) { l.To.Address = "a@b.example>\r\nRCPT TO:<victim@client.example" },
		"two":          func(l *authz.Letter) { l.To.Address = "a@b.example, victim@client.example" },
		"sender":       func(l *authz.Letter) { l.From.Address = "a@b.example\r\nBcc: b@b.example" },
		"key":          func(l *authz.Letter) { l.Key = evil },
		"header":       func(l *authz.Letter) { l.Headers = map[string]string{"X-A": evil} },
		"header name":  func(l *authz.Letter) { l.Headers = map[string]string{"X-A: b\r\nBcc": "victim@client.example"} },
		"no recipient": func(l *authz.Letter) { l.To.Address = "" },
	} {
		l := letter()
		change(&l)
		require.ErrorIs(t, m.Send(t.Context(), l), authz.ErrUndeliverable, name)
	}
	require.Empty(t, s.mails())

	// Names that only look like it are written as words.
	l := letter()
	l.To.Name, l.Subject = `a" <victim@client.example>, "b`, "=?utf-8?q?x=0D=0ABcc:_b@b.example?="
	require.NoError(t, m.Send(t.Context(), l))
	got := parse(t, s.mails()[0].message)
	to, err := got.header.AddressList("To")
	require.NoError(t, err)
	require.Equal(t, []*mail.Address{&l.To}, to)
	require.Empty(t, got.header.Get("Bcc"))
}

// Names in any script arrive; an address with letters of its own does where the
// server takes such.
func TestSendScripts(t *testing.T) {
	t.Parallel()
	s := serve(t, &server{})
	l := letter()
	l.To = mail.Address{Name: "山田 太郎", Address: "ján@xn--bcher-kva.example"}
	l.Subject = strings.Repeat("Приглашение ", 15)
	require.NoError(t, s.mailer(t).Send(t.Context(), l))
	got := s.mails()[0]
	require.Equal(t, "ján@xn--bcher-kva.example", got.to)
	require.True(t, got.utf8)
	require.Equal(t, strings.TrimSpace(l.Subject), strings.TrimSpace(parse(t, got.message).subject))

	old := serve(t, &server{}, func(srv *smtp.Server) { srv.EnableSMTPUTF8 = false })
	require.ErrorIs(t, old.mailer(t).Send(t.Context(), l), authz.ErrUndeliverable)
	l.To.Address = "jan@xn--bcher-kva.example"
	require.NoError(t, old.mailer(t).Send(t.Context(), l))
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]authzsmtp.Config{
		"no host": {}, "a URL": {Host: "smtp://a.example"}, "a port": {Host: "a.example", Port: 70000},
		"a time": {Host: "a.example", Timeout: -1}, "a password alone": {Host: "a.example", Password: "p"},
	} {
		_, err := authzsmtp.New(c)
		require.ErrorIs(t, err, authz.ErrInvalid, name)
	}
}
