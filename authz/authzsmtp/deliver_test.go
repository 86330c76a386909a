package authzsmtp_test

import (
	"bytes"
	"net/mail"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/afas"
)

// Ten mails, by a server that refuses, hangs up and refuses again: each arrives,
// under one Message-ID, and none is sent again once the server took it.
func TestDeliver(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := &server{}
	s.rcpt = func() error {
		if asked.Add(1)%3 == 1 {
			return answer(451)()
		}
		return nil
	}
	s.data = func() error {
		if asked.Load()%4 == 3 { // it has the mail, and says that it has not
			return answer(452)()
		}
		return nil
	}
	serve(t, s)
	db, err := authz.OpenSQLite(filepath.Join(t.TempDir(), "portal.db"))
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	var late atomic.Int64
	start := time.Now()
	az, err := authz.Open(t.Context(), db, authz.Config{
		Pack: afas.Pack(), Clock: func() time.Time { return start.Add(time.Duration(late.Load())) },
		Mail: authz.Mail{
			Mailer: s.mailer(t), From: mail.Address{Name: "Portal", Address: "portal@portal.example"},
			Links: authz.Links{Portal: "https://portal.example/", Invitation: "https://portal.example/i#{token}"},
		},
	})
	require.NoError(t, err)
	tenant, err := az.CreateTenant(t.Context(), authz.System, authz.Tenant{Name: "Acme"})
	require.NoError(t, err)
	const people = 10
	for range people {
		u := model.NewUserID()
		email := u.String() + "@client.example"
		_, err := az.AddPerson(t.Context(), authz.System, authz.Person{ID: u, FirstName: "F", LastName: "L", Addresses: []authz.Address{{Email: email}}})
		require.NoError(t, err)
		require.NoError(t, az.AddMember(t.Context(), authz.System, tenant.Domain(), authz.NewMember{User: u}))
		require.NoError(t, az.SetPreference(t.Context(), authz.System,
			authz.Preference{Domain: tenant.Domain(), User: u, Email: email, Topic: afas.TopicProductNews, Wanted: true}))
	}
	require.NoError(t, az.Notify(t.Context(), authz.System, tenant.Domain(), afas.TopicProductNews, authz.Note{Subject: "News", Text: "All is new."}))
	failed, sent := 0, 0
	for sent < people {
		done, err := az.Deliver(t.Context())
		require.NoError(t, err)
		require.Zero(t, done.Dead+done.Dropped)
		failed, sent = failed+done.Failed, sent+done.Sent
		late.Add(int64(6 * time.Hour))
	}
	require.NotZero(t, failed, "it proves nothing")
	byID, byRecipient := make(map[string]int), make(map[string]int)
	for _, m := range s.mails() {
		read, err := mail.ReadMessage(bytes.NewReader(m.message))
		require.NoError(t, err)
		byID[read.Header.Get("Message-ID")]++
		byRecipient[m.to]++
	}
	require.Len(t, byID, people)
	require.Len(t, byRecipient, people)
	require.Greater(t, len(s.mails()), people, "no answer was lost: it proves nothing")
	n := len(s.mails())
	_, err = az.Deliver(t.Context())
	require.NoError(t, err)
	require.Len(t, s.mails(), n)
}
