package authz_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

func TestReviewCSV(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	require.NoError(t, s.az.ConfirmReviewItem(t.Context(), admin, tAcme, rOpen, emilHere))
	require.NoError(t, s.az.ChangeReviewItem(t.Context(), admin, tAcme, rOpen, carlOnTwo, accountancy.FullFeedback))
	r, err := s.az.Review(t.Context(), admin, tAcme, rOpen)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, r.WriteCSV(&b))
	require.Equal(t, `subject,name,domain,access,of,state,decision,became,by,at
team:g-spare,Team,t-acme/d-2,profile,full_feedback,,,,,
user:u-ann,F L,t-acme/,profile,admin,,,,,
user:u-carl,F L,t-acme/d-1,profile,document_delivery,,removed,,system,2026-01-05T12:00:00Z
user:u-carl,F L,t-acme/d-2,profile,full_access,,changed,full_feedback,user:u-ann,2026-01-05T12:00:00Z
user:u-dora,F L,t-acme/,membership,,,,,,
user:u-emil,F L,t-acme/,profile,employee,,,,,
user:u-emil,F L,t-acme/,membership,,,confirmed,,user:u-ann,2026-01-05T12:00:00Z
user:u-emil,F L,t-acme/,team,g-crew,,,,,
user:u-emil,F L,t-acme/d-1,assignment,,,,,,
`, b.String())
	require.ErrorIs(t, r.WriteCSV(fullDisk{}), errFull)
}

type fullDisk struct{}

var errFull = errors.New("disk full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// Attempted: to have a formula run in the spreadsheet of who opens the report,
// by the name of a person.
func TestReviewCSVFormulas(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "  =1": "  '=1", "\t=1": "'\t'=1", "\r=1": "'\r=1", "＝1": "'＝1",
		"x;=1;y": "x;'=1;y", "x; =1": "x; '=1", "a\n=1": "a\n'=1", `"=1`: `"=1`, "Anne-Marie": "Anne-Marie", "a+b": "a+b", "=": "'=", "": "", "O'Neill, J.": "O'Neill, J.",
	} {
		r := authz.Review{Items: []authz.ReviewItem{{
			Access: authz.Access{Subject: model.UserSubject(uAnn), Domain: home(tAcme), Profile: model.Member}, Name: name,
		}}}
		var b strings.Builder
		require.NoError(t, r.WriteCSV(&b))
		lines, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		require.NoError(t, err)
		require.Len(t, lines, 2)
		require.Equal(t, strings.ReplaceAll(want, "\r\n", "\n"), lines[1][1], "%q", name)
	}
}
