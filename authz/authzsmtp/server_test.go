package authzsmtp_test

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz/authzsmtp"
)

// A server is a real SMTP server on this machine. Its answers are those of a
// good one, unless a test says otherwise.
type server struct {
	mail, rcpt, data func() error
	quit             func(net.Conn) // at the end of a session

	mu    sync.Mutex
	taken []envelope
	users []string
	host  string
	port  int
	certs *tls.Config
}

type envelope struct {
	from, to string
	utf8     bool
	message  []byte
}

func (s *server) mails() []envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// serve starts the server. With certs it speaks TLS from the first byte.
func serve(t *testing.T, s *server, change ...func(*smtp.Server)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().(*net.TCPAddr)
	if s.certs != nil {
		l = tls.NewListener(l, s.certs)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	srv.Domain, srv.AllowInsecureAuth, srv.EnableSMTPUTF8 = "mail.example", true, true
	srv.ErrorLog = discard{}
	for _, f := range change {
		f(srv)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Close())
		<-ended
	})
	s.host, s.port = "127.0.0.1", addr.Port
	return s
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

type session struct {
	server *server
	conn   *smtp.Conn
	envelope
}

func said(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		s.server.users = append(s.server.users, username+":"+password)
		if password != "secret" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.from, s.utf8 = from, o.UTF8
	return said(s.server.mail)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return said(s.server.rcpt)
}

func (s *session) Data(r io.Reader) error {
	var err error
	if s.message, err = io.ReadAll(r); err != nil {
		return err
	}
	s.server.mu.Lock()
	s.server.taken = append(s.server.taken, s.envelope)
	s.server.mu.Unlock()
	return said(s.server.data)
}

func (s *session) Reset() {
	if s.server.quit != nil && len(s.message) > 0 {
		s.server.quit(s.conn.Conn())
	}
}

func (s *session) Logout() error { return nil }

func (s *server) mailer(t *testing.T, change ...func(*authzsmtp.Config)) *authzsmtp.Mailer {
	t.Helper()
	c := authzsmtp.Config{Host: s.host, Port: s.port, Timeout: 5 * time.Second, Hello: "portal.example"}
	for _, f := range change {
		f(&c)
	}
	m, err := authzsmtp.New(c)
	require.NoError(t, err)
	return m
}
