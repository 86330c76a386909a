package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/authz"
)

func TestCanonicalPhone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ number, country, want string }{
		{"+32 470 12 34 56", "", "+32470123456"},
		{"0470/12.34.56", "BE", "+32470123456"},
		{"06 12345678", "NL", "+31612345678"},
		{"+49 30 901820", "BE", "+4930901820"},
	} {
		got, err := authz.CanonicalPhone(c.number, c.country)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, c := range []struct{ number, country string }{
		{"", "BE"}, {"0470 12 34 56", ""}, {"0470 12 34 56", "XX"}, {"+32", ""}, {"+999 470 12 34 56", ""},
		{"12", "BE"}, {"call me", "BE"}, {"+32 470 12 34 56\r\nBcc: a@b.example", ""},
	} {
		_, err := authz.CanonicalPhone(c.number, c.country)
		require.ErrorIs(t, err, authz.ErrInvalid, "%q in %q", c.number, c.country)
	}
}
