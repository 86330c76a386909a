package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

func TestMatrix(t *testing.T) {
	t.Parallel()
	for file, args := range map[string][]string{
		"matrix.txt":  {"matrix", "DIR"},
		"matrix.md":   {"matrix", "-format", "markdown", "DIR"},
		"matrix.csv":  {"matrix", "-format", "csv", "DIR"},
		"matrix.html": {"matrix", "-format", "html", "-lang", "nl", "DIR"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			code, out, errOut := ctl(firm(t, nil), args...)
			require.Zero(t, code, errOut)
			golden(t, file, out)
		})
	}
}

// The page needs nothing from elsewhere, runs nothing, and has a head for every
// row and column.
func TestMatrixPage(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"en": "with the extra module", "nl": "met de extra module", "de": "mit dem Zusatzmodul"} {
		code, out, errOut := ctl(firm(t, nil), "matrix", "DIR", "-format", "html", "-lang", lang)
		require.Zero(t, code, errOut)
		require.Contains(t, out, `<html lang="`+lang+`">`)
		require.Contains(t, out, want)
		require.NotContains(t, out, "<b>", "a label is text")
		for _, word := range []string{"<script", "http:", "https:", "<img", "<link", "@import", "url("} {
			require.NotContains(t, out, word)
		}
		root, err := html.Parse(strings.NewReader(out))
		require.NoError(t, err)
		count := map[string]int{}
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			count[n.Data]++
			for _, a := range n.Attr {
				if a.Key == "scope" {
					count[a.Val]++
				}
			}
		}
		require.Equal(t, count["th"], count["col"]+count["row"])
		require.Equal(t, 3, count["table"])
		require.Equal(t, count["table"], count["main"]*count["h2"]-1, "a heading for each table, and one for the list of them")
	}
}

func TestMatrixWrongUse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"matrix"}, "0 packs, want one"},
		{[]string{"matrix", "-format", "pdf", "DIR"}, `format "pdf": want text, markdown, csv or html`},
		{[]string{"matrix", "-lang", "fr", "DIR"}, `language "fr": want en, nl or de`},
	} {
		code, _, errOut := ctl(firm(t, nil), c.args...)
		require.Equal(t, 2, code)
		require.Contains(t, errOut, c.want)
	}
}
