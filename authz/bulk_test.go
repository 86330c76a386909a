package authz_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/storetest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
	"github.com/volmacht/volmacht/policies/sophia"
)

func TestReadInvitations(t *testing.T) {
	t.Parallel()
	const file = "\uFEFFemail,first_name,last_name,dossier,profile,note,locale\r\n" +
		"ivo@a.example, Ivo ,Maes,,,,\r\n\r\n" +
		`bob@a.example,Bob,"Baker, Jr",d-1,full_access,"Say ""hi""",nl`
	lines, err := authz.ReadInvitations("people.csv", strings.NewReader(file), tAcme)
	require.NoError(t, err)
	require.Equal(t, []authz.InvitationLine{
		{Line: 2, NewInvitation: authz.NewInvitation{FirstName: "Ivo", LastName: "Maes", Email: "ivo@a.example", Grants: []authz.InvitedGrant{{Domain: home(tAcme)}}}},
		{Line: 4, NewInvitation: authz.NewInvitation{FirstName: "Bob", LastName: "Baker, Jr", Email: "bob@a.example", Locale: "nl", Note: `Say "hi"`,
			Grants: []authz.InvitedGrant{{Domain: dOne, Profile: accountancy.FullAccess}}}},
	}, lines)

	// As spreadsheets write it where the comma is for decimals.
	dutch := strings.NewReplacer("Baker, Jr", "Baker, Jr", ",", ";").Replace(file)
	again, err := authz.ReadInvitations("people.csv", strings.NewReader(dutch), tAcme)
	require.NoError(t, err)
	require.Equal(t, lines, again)

	const columns = "first_name,last_name,email,locale,dossier,profile,note"
	const head = "first_name,last_name,email,dossier,profile\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":                {"", "invitations.csv: the file is empty: want a first line with the columns first_name,last_name,email,locale,dossier,profile,note"},
		"blank":                {"\n \n", "invitations.csv: the file is empty"},
		"no header":            {"Bob,Baker,bob@a.example\n", `invitations.csv:1: column "Bob": want only`},
		"a column too few":     {"first_name,last_name\n", `invitations.csv:1: column "email" is not there`},
		"a column twice":       {"first_name,last_name,email,email\n", `invitations.csv:1: column "email" is there twice`},
		"a column in capitals": {"First Name,last_name,email\n", `invitations.csv:1: column "First Name": want only ` + columns + `; did you mean "first_name"?`},
		"a column misspelt":    {"first_name,last_name,emial\n", `invitations.csv:1: column "emial": want only ` + columns + `; did you mean "email"?`},
		"a column of nothing":  {"first_name,last_name,email,age_in_years\n", `invitations.csv:1: column "age_in_years": want only ` + columns},
		"two separators":       {"first_name,last_name,email;locale\n", `invitations.csv:1: column "email;locale": want only`},
		"commas after all":     {"first_name;last_name;email\nBob,Baker,bob@a.example\n", `invitations.csv:2: 1 values: want 3, one for each column of the first line, separated by ';' like that`},
		"a value too few":      {head + "Bob,Baker,bob@a.example,d-1\n", `invitations.csv:2: 4 values: want 5`},
		"a value too many":     {head + "\nBob,Baker,bob@a.example,d-1,,x\n", `invitations.csv:3: 6 values: want 5`},
		"no name":              {head + ",Baker,bob@a.example,,\n", `invitations.csv:2: first name is empty`},
		"no address":           {head + "Bob,Baker,bob,,\n", `invitations.csv:2: e-mail address "bob": want one bare address`},
		"a header in it":       {head + "Bob,Baker,\"bob@a.example\rBcc: x@a.example\",,\n", `invitations.csv:2: a carriage return inside the line`},
		"a bad dossier":        {head + "Bob,Baker,bob@a.example,*,\n", `invitations.csv:2: dossier id "*"`},
		"a path as dossier":    {head + "Bob,Baker,bob@a.example,../t-beta/d-1,\n", `invitations.csv:2: dossier id`},
		"a bad profile":        {head + "Bob,Baker,bob@a.example,,Full access\n", `invitations.csv:2: profile "Full access"`},
		"an open quote":        {head + "\"Bob,Baker,bob@a.example,,\nAnn,Maes,ann@a.example,,\n", `invitations.csv:2: a quote that does not end`},
		"a quote inside":       {head + "Bo\"b,Baker,bob@a.example,,\n", `invitations.csv:2: a quote inside a value`},
		"not UTF-8":            {head + "B\xffb,Baker,bob@a.example,,\n", `invitations.csv:2: the line is not UTF-8`},
		"too many columns":     {strings.Repeat(",", 100), `invitations.csv:1: 101 columns: want only ` + columns},
		"a header too long":    {head[:len(head)-1] + strings.Repeat(",note", 1<<14), `invitations.csv:1: the line has more than 65536 bytes`},
		"a line too long":      {head + "\"" + strings.Repeat("x", 1<<16) + "\",B,b@a.example,,\n", `invitations.csv:2: the line has more than 65536 bytes`},
		"NUL":                  {head + "B\x00b,Baker,bob@a.example,,\n", `invitations.csv:2: first name "B\x00b" has a control character`},
	} {
		_, err := authz.ReadInvitations("", strings.NewReader(c.text), tAcme)
		requireIs(t, err, authz.ErrInvalid, name)
		require.True(t, strings.HasPrefix(err.Error(), c.want), "%s: %s", name, err)
	}
	lines, err = authz.ReadInvitations("", strings.NewReader(head+"\"Bob,B,b@a.example,,\nAnn,Maes,ann@a.example,,\n,,,,\n"), tAcme)
	var faults model.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 2)
	require.Len(t, lines, 1, "what is sound is there")
	require.Equal(t, 3, lines[0].Line)
	_, err = authz.ReadInvitations("", strings.NewReader(head), model.TenantID{})
	requireIs(t, err, authz.ErrInvalid, "no tenant")
}

// Whatever the file holds, the reader ends, and what it lets through can be
// written and names no other tenant.
func FuzzReadInvitations(f *testing.F) {
	f.Add("first_name,last_name,email\nBob,Baker,bob@a.example\n")
	f.Add("email,last_name,first_name,note,dossier\n\"b@a.example\",B,\"B\"\"b\",,d-1\n\n")
	f.Add("\uFEFFfirst_name,last_name,email,profile\r\nB,B,b@a.example,full_access\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := authz.ReadInvitations("f.csv", strings.NewReader(text), tAcme)
		if err != nil {
			require.ErrorIs(t, err, authz.ErrInvalid)
		}
		last := 1
		for _, l := range lines {
			require.Greater(t, l.Line, last)
			last = l.Line
			require.Len(t, l.Grants, 1)
			require.Equal(t, tAcme, l.Grants[0].Domain.Tenant())
			for _, value := range []string{l.FirstName, l.LastName, l.Email, l.Locale, l.Note} {
				require.NotContains(t, value, "\n")
				require.NotContains(t, value, "\r")
				require.NotContains(t, value, "\x00")
			}
		}
	})
}

// people are n lines that can be invited.
func people(n int) (all []authz.InvitationLine) {
	for i := range n {
		all = append(all, authz.InvitationLine{NewInvitation: offer(fmt.Sprintf("p%d@many.example", i), dTwo, accountancy.FullAccess)})
	}
	return all
}

// All or nothing, or line by line; either way every line is answered for.
func TestInviteAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, s := t.Context(), newTimed(t, db)
		lines := people(1003)
		lines[1].Email, lines[2].Grants[0].Domain = eIvo, dNone // ivo is invited, but not to dTwo
		lines[3].FirstName, lines[700].Email = "", "P5@many.example"
		lines[900].Grants[0].Profile = accountancy.Admin
		wrong := []string{"bulk.csv:3: ", "bulk.csv:4: first name is empty", `bulk.csv:701: e-mail address "P5@many.example" is invited to this already`, "bulk.csv:901: profile admin"}
		before := s.snapshot(t)
		report, err := s.az.InviteAll(ctx, admin, tAcme, lines, authz.Bulk{File: "bulk.csv"})
		require.ErrorContains(t, err, "4 of 1003 lines failed, the first of them bulk.csv:3: ")
		requireIs(t, err, authz.ErrNotFound, "the first one's")
		require.Empty(t, report.Invited)
		requireFailed(t, wrong, report.Failed)
		s.requireSame(t, before)

		var seen []int
		head := ledger(t, s.az)
		report, err = s.az.InviteAll(ctx, admin, tAcme, lines, authz.Bulk{File: "bulk.csv", LineByLine: true,
			Progress: func(done, all int) {
				require.Equal(t, 1003, all)
				seen = append(seen, done)
			}})
		requireIs(t, err, authz.ErrNotFound, "not all of them")
		requireFailed(t, wrong, report.Failed)
		require.Len(t, report.Invited, 999)
		require.IsIncreasing(t, seen)
		require.Equal(t, 1003, seen[len(seen)-1])
		for _, i := range []int{0, 500, 998} {
			inv := s.invitation(t, report.Invited[i].Invitation)
			require.Equal(t, lines[report.Invited[i].Line-1].Email, inv.Email)
			require.NoError(t, s.accept(t, s.token(t, inv.ID), model.UserID{}))
		}
		after := ledger(t, s.az)
		require.Len(t, after, len(head)+3+3, "one row for each transaction, and the three that accepted")
		require.Equal(t, map[string]string{"invitations": "498"}, after[len(head)].Detail)

		again, err := s.az.InviteAll(ctx, admin, tAcme, lines[10:20], authz.Bulk{LineByLine: true})
		requireIs(t, err, authz.ErrConflict, "twice")
		require.Len(t, again.Failed, 10)
		_, err = s.az.InviteAll(ctx, authz.By(uOlga), tAcme, people(2), authz.Bulk{LineByLine: true})
		require.Error(t, err)
		require.NoError(t, s.az.VerifyLedger(ctx, tAcme))
	})
}

func requireFailed(t *testing.T, want []string, failed []authz.LineError) {
	t.Helper()
	require.Len(t, failed, len(want))
	for i, f := range failed {
		require.True(t, strings.HasPrefix(f.Error(), want[i]), f.Error())
	}
}

// A profile that is misspelt is answered with the one that may have been meant, but
// never with one that waits for the vendor (SOP-04).
func TestMisspeltProfile(t *testing.T) {
	t.Parallel()
	s := newTimed(t, emptyDB(t))
	lines := people(2)
	lines[0].Grants[0].Profile, lines[1].Grants[0].Profile = rung("ful_access"), rung("quite_another")
	report, err := s.az.InviteAll(t.Context(), admin, tAcme, lines, authz.Bulk{})
	requireIs(t, err, authz.ErrInvalid, "misspelt")
	requireFailed(t, []string{
		`invitations.csv:1: profile "ful_access": the pack accountancy declares none of that name, did you mean "full_access"?`,
		`invitations.csv:2: profile "quite_another": the pack accountancy declares none of that name: `,
	}, report.Failed)

	f := newFirm(t, sophia.Pack())
	f.member(t, uAnn, f.home, sophia.ChangeRights)
	for misspelt, want := range map[string]string{"place_order": `did you mean "place_orders"?`, "view_invoice": "declares none of that name: "} {
		_, err = f.az.Invite(t.Context(), system, tAcme, offer("new@acme.example", f.home, rung(misspelt)))
		require.ErrorContains(t, err, want)
	}
}

// A context that ends half way: what is reported is there, and nothing else.
func TestInviteAllCancelled(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]int{"together": {0}, "line by line": {500, 1000}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *gorm.DB) {
				s := newTimed(t, db)
				ctx, cancel := context.WithCancel(t.Context())
				report, err := s.az.InviteAll(ctx, admin, tAcme, people(1200), authz.Bulk{LineByLine: name != "together", Progress: func(done, _ int) {
					if done >= 600 {
						cancel()
					}
				}})
				require.ErrorIs(t, err, context.Canceled)
				var there int64
				require.NoError(t, db.Table("volmacht_invitations").Where("canonical LIKE 'p%@many.example'").Count(&there).Error)
				require.EqualValues(t, len(report.Invited), there)
				require.Contains(t, want, int(there))
			})
		})
	}
}

// Ten thousand at once, from a file: how long that takes is logged.
func TestInviteTenThousand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("long")
	}
	storetest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newTimed(t, db)
		text := bytes.NewBufferString("first_name,last_name,email,dossier,profile\n")
		for i := range 10_000 {
			fmt.Fprintf(text, "New,Person,p%d@many.example,d-%d,full_access\n", i, i%2+1)
		}
		lines, err := authz.ReadInvitations("people.csv", text, tAcme)
		require.NoError(t, err)
		start := time.Now()
		report, err := s.az.InviteAll(t.Context(), admin, tAcme, lines, authz.Bulk{})
		require.NoError(t, err)
		t.Logf("10,000 together: %v", time.Since(start))
		require.Len(t, report.Invited, 10_000)
		for i := range lines {
			lines[i].Email = "b" + lines[i].Email
		}
		start = time.Now()
		report, err = s.az.InviteAll(t.Context(), admin, tAcme, lines, authz.Bulk{LineByLine: true})
		require.NoError(t, err)
		t.Logf("10,000 line by line: %v", time.Since(start))
		require.Len(t, report.Invited, 10_000)
		require.Len(t, s.mails(t, authz.InvitationMessage), 20_000)
	})
}
