package model

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxFile  = 8 << 20  // bytes of a file
	maxRow   = 64 << 10 // bytes of a line
	maxValue = 100      // bytes of a field of a rule: the columns of casbin_rule
)

// A line is a line of a file that holds more than blanks or a comment.
type line struct {
	number int
	text   string // without the line break
}

// readLines yields the lines of text, except blank ones and comments. What an
// editor would not show is a fault wherever it is, in a comment too: a carriage
// return alone, for example, can make a rule look like part of a comment.
func readLines(text []byte, c *collector) iter.Seq[line] {
	return func(yield func(line) bool) {
		if len(text) > maxFile {
			c.addAs(CheckSize, 0, 0, "the file is %d bytes long, want at most %d", len(text), maxFile)
			return
		}
		rest, marked := bytes.CutPrefix(text, []byte("\uFEFF"))
		if marked {
			c.addAs(CheckEncoding, 1, 1, "the file starts with a byte order mark: save it as plain UTF-8")
		}
		number := 0
		for raw := range bytes.Lines(rest) {
			number++
			raw = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
			switch blank := bytes.Trim(raw, " "); {
			case len(raw) > maxRow:
				c.addAs(CheckSize, number, 0, "the line is %d bytes long, want at most %d", len(raw), maxRow)
			case !plain(raw, number, c), len(blank) == 0, blank[0] == '#':
			case !yield(line{number, string(raw)}):
				return
			}
			if c.full() {
				return
			}
		}
	}
}

// plain reports whether raw holds nothing but printable text and spaces.
func plain(raw []byte, number int, c *collector) bool {
	for i := 0; i < len(raw); {
		r, size := utf8.DecodeRune(raw[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			c.addAs(CheckEncoding, number, i+1, "byte 0x%02X is not UTF-8", raw[i])
			return false
		case !unicode.IsPrint(r):
			c.addAs(CheckEncoding, number, i+1, "character %U: want printable text and plain spaces", r)
			return false
		}
		i += size
	}
	return true
}

// A row is a line of a CSV file in fields, without the blanks around them.
type row struct {
	line    int
	fields  []string
	columns []int
}

// readRows yields the lines of text as CSV, each line read by itself: a quote
// that is not closed spoils its own line and not the rest of the file.
func readRows(text []byte, c *collector) iter.Seq[row] {
	return func(yield func(row) bool) {
		buffer := bufio.NewReader(nil)
		for l := range readLines(text, c) {
			buffer.Reset(strings.NewReader(l.text))
			if r, sound := readRow(l, buffer, c); sound && !yield(r) {
				return
			}
		}
	}
}

func readRow(l line, text io.Reader, c *collector) (row, bool) {
	r := csv.NewReader(text)
	r.TrimLeadingSpace = true
	r.FieldsPerRecord = -1
	fields, err := r.Read()
	if err != nil {
		quoteFault(l, err, c)
		return row{}, false
	}
	sound := true
	columns := make([]int, len(fields))
	for i, f := range fields {
		_, columns[i] = r.FieldPos(i)
		fields[i] = strings.Trim(f, " ")
		if strings.Contains(f, "#") {
			c.addAs(CheckComment, l.number, columns[i], "%.80q holds a #: a comment wants a line of its own", f)
			sound = false
		}
	}
	return row{l.number, fields, columns}, sound
}

func quoteFault(l line, err error, c *collector) {
	column := 0
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		column = parse.Column
	}
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		c.addAs(CheckQuote, l.number, column, `a quote inside a field: put quotes round all of it, and "" for each inside`)
	case errors.Is(err, csv.ErrQuote):
		c.addAs(CheckQuote, l.number, column, "a quote that does not end with its field: a value cannot hold a line break")
	default:
		c.add(l.number, column, "%v", err)
	}
}

// A repeats finds rows that are given twice.
type repeats map[string]seen

type seen struct {
	line int
	text string
}

// check reports whether text is new; when not, it adds a fault. Rows that
// differ in capitals only are as bad: one of them is a slip.
func (r repeats) check(line int, text string, c *collector) bool {
	key := strings.ToLower(text)
	first, found := r[key]
	if !found {
		r[key] = seen{line, text}
		return true
	}
	if first.text == text {
		c.addAs(CheckDuplicate, line, 0, "%.200q is already on line %d", text, first.line)
	} else {
		c.addAs(CheckCaseTwin, line, 0, "%.200q differs from line %d in capitals only", text, first.line)
	}
	return false
}
