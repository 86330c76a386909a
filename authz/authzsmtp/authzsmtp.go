// Package authzsmtp sends Volmacht's mails to an SMTP server:
//
//	mailer, err := authzsmtp.New(authzsmtp.Config{
//		Host: "smtp.example.com", Username: "portal", Password: os.Getenv("SMTP_PASSWORD"),
//	})
//	az, err := authz.Open(ctx, db, authz.Config{Pack: pack, Mail: authz.Mail{Mailer: mailer, …}})
//
// Connections are encrypted, or there are none: only a server on this machine
// may do without. What the server refuses for good, the mail or its recipient, is
// [authz.ErrUndeliverable]; every other failure is worth another try, which
// carries the same Message-ID.
package authzsmtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/volmacht/volmacht/authz"
)

// Config says which server takes the mails, and how. Every field but Host may
// be left zero.
type Config struct {
	Host string

	// Port is the server's. Zero is 587, or 465 with ImplicitTLS.
	Port int

	// ImplicitTLS speaks TLS from the first byte. Otherwise the connection
	// changes to TLS by STARTTLS, and there is no mail without: except to a
	// server on this machine that does not offer it.
	ImplicitTLS bool

	// TLS is for certificates that the system does not know. Nil is the
	// system's, at TLS 1.2 or later.
	TLS *tls.Config

	// Username and Password sign in, when there is a username. The strongest
	// way that the server offers is used, and none that would send the
	// password in the clear to another machine.
	Username, Password string

	// Timeout is how long the server may take over one answer. Zero is 30 seconds.
	Timeout time.Duration

	// Hello is how this machine introduces itself. Empty is its host name.
	Hello string
}

// A Mailer is an [authz.Mailer]. Each letter goes over a connection of its
// own. It is safe for concurrent use.
type Mailer struct{ config Config }

// New checks the configuration. It does not connect.
func New(c Config) (*Mailer, error) {
	if c.Host == "" || strings.ContainsFunc(c.Host, func(r rune) bool { return r <= ' ' || r == '/' }) {
		return nil, fmt.Errorf("authzsmtp: Config.Host %q: want the name of a server: %w", c.Host, authz.ErrInvalid)
	}
	if c.Port < 0 || c.Port > 65535 || c.Timeout < 0 {
		return nil, fmt.Errorf("authzsmtp: Config.Port %d and Config.Timeout %v: want a port, and no negative time: %w", c.Port, c.Timeout, authz.ErrInvalid)
	}
	if c.Username == "" && c.Password != "" {
		return nil, fmt.Errorf("authzsmtp: Config.Password without a username: %w", authz.ErrInvalid)
	}
	if c.Port == 0 && c.ImplicitTLS {
		c.Port = 465
	} else if c.Port == 0 {
		c.Port = 587
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.TLS == nil {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if c.TLS = c.TLS.Clone(); c.TLS.ServerName == "" {
		c.TLS.ServerName = c.Host
	}
	return &Mailer{c}, nil
}

// Send implements [authz.Mailer].
func (m *Mailer) Send(ctx context.Context, l authz.Letter) error {
	msg, err := message(l)
	if err != nil {
		return fmt.Errorf("authzsmtp: %w", err)
	}
	if err := m.send(ctx, l, msg); err != nil && !msg.IsDelivered() { // what fails after the server took it is no matter
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return fmt.Errorf("authzsmtp: %w", refused(err))
	}
	return nil
}

// send hands msg over to the server. The connection ends with ctx.
func (m *Mailer) send(ctx context.Context, l authz.Letter, msg *mail.Msg) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	client, err := m.client(ctx)
	if err != nil {
		return err
	}
	server, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	local, _, _ := strings.Cut(l.To.Address, "@")
	if takes, _ := server.Extension("SMTPUTF8"); !takes && !ascii(local) {
		return fmt.Errorf("the server does not take addresses such as this one (SMTPUTF8): %w", authz.ErrUndeliverable)
	}
	if err := client.SendWithSMTPClient(server, msg); err != nil {
		return err
	}
	return client.CloseWithSMTPClient(server)
}

// client returns a client whose connections are closed when life ends.
func (m *Mailer) client(life context.Context) (*mail.Client, error) {
	c := m.config
	policy := mail.TLSMandatory
	if c.ImplicitTLS || local(c.Host) {
		policy = mail.TLSOpportunistic // over TLS there is none to change to
	}
	options := []mail.Option{
		mail.WithPort(c.Port), mail.WithTimeout(c.Timeout), mail.WithTLSPolicy(policy), mail.WithTLSConfig(c.TLS), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			dialer := &net.Dialer{Timeout: c.Timeout}
			if c.ImplicitTLS {
				conn, err = (&tls.Dialer{NetDialer: dialer, Config: c.TLS}).DialContext(ctx, network, address)
			} else {
				conn, err = dialer.DialContext(ctx, network, address)
			}
			if err == nil {
				context.AfterFunc(life, func() { _ = conn.Close() })
			}
			return conn, err
		}),
	}
	if c.Hello != "" {
		options = append(options, mail.WithHELO(c.Hello))
	}
	if c.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(c.Username), mail.WithPassword(c.Password))
	}
	return mail.NewClient(c.Host, options...)
}

// refused marks what the server will refuse every time: the recipient, or the
// mail itself. That it refuses the sender, or anything to us, can be mended.
func refused(err error) error {
	failed, ok := errors.AsType[*mail.SendError](err)
	final := ok && failed.ErrorCode()/100 == 5 && (failed.Reason == mail.ErrSMTPRcptTo || failed.Reason == mail.ErrSMTPDataClose)
	if !final {
		return err
	}
	return fmt.Errorf("the server answered %s: %w: %w", strconv.Itoa(failed.ErrorCode()), authz.ErrUndeliverable, err)
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
