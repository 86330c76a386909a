package authztest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gorm.io/gorm"
)

// leaks returns the places, other than its mails, in which a token of the
// mailbox is found: columns of the database, and the log.
func leaks(db *gorm.DB, log string, m *Mailbox) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.tokens) == 0 {
		return nil, nil
	}
	holds := func(s string) bool {
		for token := range m.tokens {
			if strings.Contains(s, token) {
				return true
			}
		}
		return false
	}
	var found []string
	if holds(log) {
		found = append(found, "the log")
	}
	tables, err := db.Migrator().GetTables()
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		var rows []map[string]any
		if err := db.Table(table).Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, row := range rows {
			for column, v := range row {
				text := fmt.Sprint(v)
				if b, ok := v.([]byte); ok {
					text = string(b)
				}
				if where := "column " + column + " of " + table; holds(text) && !slices.Contains(found, where) {
					found = append(found, where)
				}
			}
		}
	}
	return found, nil
}

// A logged is what was logged so far.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
