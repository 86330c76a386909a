package model_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
)

// hostile is what no id and no name can be.
var hostile = map[string]string{
	"empty":              "",
	"a blank":            " ",
	"a blank inside":     "a b",
	"a blank in front":   " a",
	"a blank behind":     "a ",
	"a wildcard":         "*",
	"a wildcard behind":  "a*",
	"a slash":            "a/b",
	"a comma":            "a,b",
	"a dot":              "a.b",
	"a hash":             "a#",
	"a quote":            `a"`,
	"an apostrophe":      "a'--",
	"a backslash":        `a\b`,
	"a percent sign":     "a%",
	"NUL":                "a\x00",
	"a line break":       "a\ng, user:eve, admin",
	"a carriage return":  "a\r",
	"a tab":              "a\t",
	"DEL":                "a\x7f",
	"an accent":          "é",
	"a Cyrillic letter":  "\u0430dmin",
	"full width":         "\uff41",
	"zero width":         "a\u200b",
	"a bidi override":    "a\u202e",
	"a byte order mark":  "\ufeffa",
	"no UTF-8":           "\xff",
	"an Arabic digit":    "a\u0663",
	"37 bytes":           strings.Repeat("x", 37),
	"a million bytes":    strings.Repeat("x", 1_000_000),
	"a Kelvin sign":      "\u212a",
	"parent folder":      "..",
	"a dollar expansion": "${a}",
}

// parsers are all Parse functions of one string; each returns what it read,
// as text.
var parsers = map[string]func(string) (string, error){
	"tenant id":     asText(model.ParseTenantID),
	"dossier id":    asText(model.ParseDossierID),
	"user id":       asText(model.ParseUserID),
	"team id":       asText(model.ParseTeamID),
	"invitation id": asText(model.ParseInvitationID),
	"message id":    asText(model.ParseMessageID),
	"request id":    asText(model.ParseRequestID),
	"review id":     asText(model.ParseReviewID),
	"profile":       asText(model.ParseProfile),
	"configuration": asText(model.ParseConfiguration),
	"module":        asText(model.ParseModule),
	"setting":       asText(model.ParseSetting),
	"flag":          asText(model.ParseFlag),
	"topic":         asText(model.ParseTopic),
	"trait":         asText(model.ParseTrait),
	"domain":        asText(model.ParseDomain),
	"subject":       asText(model.ParseSubject),
	"permission": func(s string) (string, error) {
		object, action, _ := strings.Cut(s, " ")
		p, err := model.ParsePermission(object, action)
		return p.String(), err
	},
}

func asText[T fmt.Stringer](parse func(string) (T, error)) func(string) (string, error) {
	return func(s string) (string, error) {
		v, err := parse(s)
		return v.String(), err
	}
}

func TestParseRefusesHostileText(t *testing.T) {
	t.Parallel()
	prefixes := map[string][]string{
		"domain":     {"", "acme/", "acme/d1/"},
		"subject":    {"", "user:", "team:", "user:a:"},
		"trait":      {"", "module:", "configuration:", "setting:", "activated:", "released:", ":", "modul:", "MODULE:"},
		"permission": {"", "document ", "document:", "document:own:", "document  "},
	}
	for kind, parse := range parsers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for name, text := range hostile {
				for _, prefix := range append([]string{""}, prefixes[kind]...) {
					s := prefix + text
					if legal[kind] == s || kind == "domain" && text == "a/b" || kind == "permission" && text == "a b" {
						continue
					}
					got, err := parse(s)
					require.ErrorIs(t, err, model.ErrInvalid, "%s: %.60q", name, s)
					require.Empty(t, got, name)
					require.Less(t, len(err.Error()), 400, "%s: the message repeats the text", name)
				}
			}
		})
	}
}

// legal is what prefixes and hostile make of sound text.
var legal = map[string]string{"domain": "acme/"}

func TestParseRefusesWordsWithAMeaning(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"profile", "configuration", "module", "setting", "flag", "topic"} {
		for _, word := range []string{"any", "assigned", "tenant", "dossier", "shared", "private", "1a", "_a", "a-b", "user:a"} {
			_, err := parsers[kind](word)
			require.ErrorIs(t, err, model.ErrInvalid, "%s %s", kind, word)
		}
	}
	for _, word := range []string{"any", "assigned", "module:any", "setting:shared", "activated:tenant", "configuration:assigned", "module:a:b", "acme/*", "acme/"} {
		_, err := model.ParseTrait(word)
		require.ErrorIs(t, err, model.ErrInvalid, word)
	}
}

func TestWordsReadAndWriteThemselves(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", 36)
	cases := map[string]struct {
		text string
		zero interface {
			encoding.TextUnmarshaler
			fmt.Stringer
		}
	}{
		"tenant id":      {"acme", new(model.TenantID)},
		"dossier id":     {"-_-", new(model.DossierID)},
		"user id":        {longest, new(model.UserID)},
		"team id":        {"01890a5d-ac96-774b-bcce-b302099a8057", new(model.TeamID)},
		"profile":        {"full_access", new(model.Profile)},
		"configuration":  {"B", new(model.Configuration)},
		"module":         {"payment", new(model.Module)},
		"setting":        {"self_service_users", new(model.Setting)},
		"flag":           {"worklist", new(model.Flag)},
		"topic":          {"invoices", new(model.Topic)},
		"plain trait":    {"worklist", new(model.Trait)},
		"private":        {"private", new(model.Trait)},
		"module trait":   {"module:payment", new(model.Trait)},
		"tenant domain":  {"acme/", new(model.Domain)},
		"dossier domain": {"acme/d1", new(model.Domain)},
		"user":           {"user:carl", new(model.Subject)},
		"team":           {"team:north", new(model.Subject)},
		"permission":     {"document:own view", new(model.Permission)},
		"grant":          {"profile:full_access grant", new(model.Permission)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, c.zero.String())
			require.NoError(t, c.zero.UnmarshalText([]byte(c.text)))
			require.Equal(t, c.text, c.zero.String())
			asJSON, err := json.Marshal(c.zero)
			require.NoError(t, err)
			require.Equal(t, `"`+c.text+`"`, string(asJSON))
			require.ErrorIs(t, json.Unmarshal([]byte(`"a\u0000b"`), c.zero), model.ErrInvalid)
			require.Error(t, json.Unmarshal([]byte(`""`), c.zero))
			require.Equal(t, c.text, c.zero.String(), "what is refused changes nothing")
			if scanner, ok := c.zero.(sql.Scanner); ok {
				value, err := c.zero.(driver.Valuer).Value()
				require.NoError(t, err)
				require.Equal(t, c.text, value)
				require.ErrorIs(t, scanner.Scan("a b"), model.ErrInvalid)
				require.ErrorIs(t, scanner.Scan(int64(1)), model.ErrInvalid)
				require.NoError(t, scanner.Scan([]byte("abc")))
				require.Equal(t, "abc", c.zero.String())
				require.NoError(t, scanner.Scan(nil))
				require.Empty(t, c.zero.String())
				value, err = c.zero.(driver.Valuer).Value()
				require.NoError(t, err)
				require.Nil(t, value)
			}
		})
	}
}

func TestNewIDsDiffer(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, model.NewUserID(), model.NewUserID())
	for _, id := range []string{
		model.NewTenantID().String(), model.NewDossierID().String(), model.NewUserID().String(), model.NewTeamID().String(),
	} {
		require.Len(t, id, 36)
		require.Equal(t, byte('7'), id[14], "UUIDv7")
		_, err := model.ParseTenantID(id)
		require.NoError(t, err)
	}
}

func TestMustPanics(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { model.Must(model.ParseTenantID("*")) })
	require.Equal(t, "acme", model.Must(model.ParseTenantID("acme")).String())
}

// FuzzParse checks that what a Parse function accepts is what it gives back,
// and holds nothing that a rule or a database could read otherwise.
func FuzzParse(f *testing.F) {
	for _, text := range hostile {
		if len(text) < 100 {
			f.Add(text)
		}
	}
	for _, text := range []string{"acme", "acme/d1", "user:a", "module:payment", "document:own view", "B"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for kind, parse := range parsers {
			got, err := parse(s)
			if err != nil {
				require.ErrorIs(t, err, model.ErrInvalid, kind)
				require.Empty(t, got, kind)
				continue
			}
			require.Equal(t, s, got, kind)
			require.NotContains(t, s, "*")
			require.LessOrEqual(t, len(s), 110)
			for i := range len(s) {
				require.True(t, s[i] > ' ' && s[i] < 0x7f && s[i] != ',' || kind == "permission" && s[i] == ' ', "%s: %q", kind, s)
			}
		}
	})
}
