package authztest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

const token = "0123456789abcdefghijklmnopqrstuvwxyzABCDEF_"

func letter(key, to string) authz.Letter {
	l := authz.Letter{Key: key, Subject: key, Text: "Follow\nhttps://portal.example/invitation#" + token + "\n"}
	l.To.Address = to
	return l
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	box := new(authztest.Mailbox)
	require.NoError(t, box.Send(t.Context(), letter("one", "ann@client.example")))
	require.NoError(t, box.Send(t.Context(), letter("two", "ann@client.example")))
	require.NoError(t, box.Send(t.Context(), letter("one", "ann@client.example")))
	refused := errors.New("refused")
	box.Fail(refused)
	require.ErrorIs(t, box.Send(t.Context(), letter("three", "ann@client.example")), refused)
	box.Fail(nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, box.Send(ended, letter("four", "ann@client.example")), context.Canceled)
	require.Equal(t, 2, box.Len())
	require.Equal(t, 5, box.Sent())
	require.Equal(t, "two", box.Last(t, "ann@client.example").Subject)
	require.Equal(t, "https://portal.example/invitation#"+token, box.Link(t, "ann@client.example"))
	require.Equal(t, token, box.Token(t, "ann@client.example"))
}

// A token is found wherever it is besides its mail, also one of a mail that never
// arrived.
func TestLeaks(t *testing.T) {
	t.Parallel()
	db, err := store.OpenMemory()
	require.NoError(t, err)
	pool, err := db.DB()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	_, err = store.Open(t.Context(), db)
	require.NoError(t, err)
	require.NoError(t, db.Exec("CREATE TABLE hosts_own (note text, raw blob)").Error)
	box := new(authztest.Mailbox)
	find := func(log string, want ...string) {
		t.Helper()
		found, err := authztest.Leaks(db, log, box)
		require.NoError(t, err)
		require.ElementsMatch(t, want, found)
	}
	require.NoError(t, db.Exec("INSERT INTO hosts_own (note, raw) VALUES (?, ?)", "link "+token, []byte(token)).Error)
	find(token)
	box.Fail(errors.New("refused"))
	require.Error(t, box.Send(t.Context(), letter("one", "ann@client.example")))
	find("", "column note of hosts_own", "column raw of hosts_own")
	require.NoError(t, db.Exec("DELETE FROM hosts_own").Error)
	find("")
	require.NoError(t, db.Create(&store.Tenant{ID: model.NewTenantID(), Name: token}).Error)
	find("msg="+token, "column name of volmacht_tenants", "the log")
}
