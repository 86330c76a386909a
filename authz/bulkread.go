package authz

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/volmacht/volmacht/model"
)

const (
	maxBulkFile    = 32 << 20 // bytes
	maxBulkLine    = 64 << 10 // bytes, ten times what fits into an invitation
	maxBulkLines   = 100_000
	maxBulkColumns = 100 // that are named one by one when they are unknown
)

// bulkColumns are the columns of a file of invitations.
var bulkColumns = []string{"first_name", "last_name", "email", "locale", "dossier", "profile", "note"}

// ReadInvitations reads a CSV file of people to invite to a tenant, for
// [Authz.InviteAll]. The first line names the columns, in any order:
//
//	first_name,last_name,email,locale,dossier,profile,note
//
// The first three must be there. An empty dossier is the tenant itself, an
// empty profile the default one of the place. Every line is one invitation,
// in UTF-8; a value stays on its line, and may be in quotes. Blank lines are
// passed over. If the first line is separated by semicolons, as spreadsheets in
// some languages write it, so are the others.
//
// What is wrong is a [model.Faults] with a line for each fault, such as
// "people.csv:14: …", beside all the lines that are sound. It names file; an
// empty one is "invitations.csv".
func ReadInvitations(file string, r io.Reader, t model.TenantID) ([]InvitationLine, error) {
	if file == "" {
		file = "invitations.csv"
	}
	text, err := io.ReadAll(io.LimitReader(r, maxBulkFile+1))
	if err != nil {
		return nil, fmt.Errorf("authz: read %s: %w", file, err)
	}
	b := bulkReader{file: file, tenant: t, comma: ','}
	b.read(text)
	if len(b.faults) > 0 {
		return b.lines, b.faults
	}
	return b.lines, nil
}

type bulkReader struct {
	file    string
	tenant  model.TenantID
	comma   rune     // what separates values
	columns []string // nil before the first line
	lines   []InvitationLine
	faults  model.Faults
}

func (b *bulkReader) fault(line int, check, format string, args ...any) {
	b.faults = append(b.faults, model.Fault{File: b.file, Line: line, Check: check, Message: fmt.Sprintf(format, args...)})
}

func (b *bulkReader) read(text []byte) {
	switch {
	case b.tenant.IsZero():
		b.fault(0, model.CheckEmpty, "tenant is not set")
		return
	case len(text) > maxBulkFile:
		b.fault(0, model.CheckSize, "the file has more than %d bytes", maxBulkFile)
		return
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF")) // spreadsheets write it
	number := 0
	for raw := range bytes.Lines(text) {
		number++
		raw = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		if number > maxBulkLines+1 {
			b.fault(number, model.CheckSize, "more than %d lines: split the file", maxBulkLines)
			return
		}
		if len(raw) > maxBulkLine {
			b.fault(number, model.CheckSize, "the line has more than %d bytes", maxBulkLine)
			if b.columns == nil {
				return
			}
			continue
		}
		if b.columns == nil && bytes.ContainsRune(raw, ';') && !bytes.ContainsRune(raw, ',') {
			b.comma = ';'
		}
		fields, ok := b.split(number, raw)
		switch {
		case b.columns == nil:
			if !ok || !b.header(number, fields) {
				return // nothing after it could be told apart
			}
		case ok:
			b.line(number, fields)
		}
	}
	if b.columns == nil {
		b.fault(0, model.CheckEmpty, "the file is empty: want a first line with the columns %s", strings.Join(bulkColumns, ","))
	}
}

// split reads one line by itself: a quote that is not closed spoils no other.
func (b *bulkReader) split(number int, raw []byte) ([]string, bool) {
	if !utf8.Valid(raw) {
		b.fault(number, model.CheckEncoding, "the line is not UTF-8: save the file as CSV in UTF-8")
		return nil, false
	}
	if bytes.ContainsRune(raw, '\r') {
		b.fault(number, model.CheckEncoding, "a carriage return inside the line")
		return nil, false
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord, r.Comma = -1, b.comma
	fields, err := r.Read()
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		b.fault(number, model.CheckQuote, `a quote inside a value: put quotes round all of it, and "" for each inside`)
	case errors.Is(err, csv.ErrQuote):
		b.fault(number, model.CheckQuote, "a quote that does not end with its value")
	case err != nil:
		b.fault(number, model.CheckSyntax, "%v", err)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields, err == nil
}

// header reads the names of the columns.
func (b *bulkReader) header(number int, fields []string) bool {
	if len(fields) > maxBulkColumns {
		b.fault(number, model.CheckSize, "%d columns: want only %s", len(fields), strings.Join(bulkColumns, ","))
		return false
	}
	for i, name := range fields {
		switch {
		case !slices.Contains(bulkColumns, name):
			b.fault(number, model.CheckUndeclared, "column %.40q: want only %s%s", name, strings.Join(bulkColumns, ","), nearColumn(name))
		case slices.Contains(fields[:i], name):
			b.fault(number, model.CheckDuplicate, "column %q is there twice", name)
		}
	}
	for _, name := range bulkColumns[:3] {
		if !slices.Contains(fields, name) {
			b.fault(number, model.CheckArity, "column %q is not there", name)
		}
	}
	b.columns = fields
	return len(b.faults) == 0
}

// nearColumn returns a question for the end of a fault, or "".
func nearColumn(name string) string {
	plain := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(name))
	if !slices.Contains(bulkColumns, plain) {
		plain = model.Nearest(plain, slices.Values(bulkColumns), 2)
	}
	if plain == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", plain)
}

// line reads one invitation.
func (b *bulkReader) line(number int, fields []string) {
	if len(fields) != len(b.columns) {
		b.fault(number, model.CheckArity, "%d values: want %d, one for each column of the first line, separated by %q like that", len(fields), len(b.columns), b.comma)
		return
	}
	value := func(column string) string {
		if i := slices.Index(b.columns, column); i >= 0 {
			return fields[i]
		}
		return ""
	}
	n := NewInvitation{
		FirstName: value("first_name"), LastName: value("last_name"), Email: value("email"),
		Locale: value("locale"), Note: value("note"),
	}
	grant := InvitedGrant{Domain: model.TenantDomain(b.tenant)}
	var err error
	if s := value("dossier"); s != "" {
		var d model.DossierID
		if d, err = model.ParseDossierID(s); err == nil {
			grant.Domain = model.DossierDomain(b.tenant, d)
		}
	}
	if s := value("profile"); s != "" && err == nil {
		grant.Profile, err = model.ParseProfile(s)
	}
	if err == nil {
		_, err = n.check()
	}
	if err != nil {
		b.fault(number, model.CheckSyntax, "%s", strings.TrimSuffix(err.Error(), ": "+ErrInvalid.Error()))
		return
	}
	n.Grants = []InvitedGrant{grant}
	b.lines = append(b.lines, InvitationLine{number, n})
}
