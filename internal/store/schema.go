package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

// A schema writes the migrations' text for one database. All text compares
// byte by byte: MariaDB and MySQL would fold case, accents and trailing
// blanks, and PostgreSQL would sort by the words of a language.
type schema struct {
	words map[string]string // by the word in braces
	text  string            // the type of {text(n)}, as a replacement of textColumn
}

// textColumn is a column of type {text(n)}, of at most n characters.
var textColumn = regexp.MustCompile(`(\w+)(\s+)\{text\((\d+)\)\}`)

// ours marks our tables on MariaDB and MySQL. A table of the same name that a
// host had before must be neither taken for ours nor dropped.
const ours = "volmacht"

func schemaOf(db *gorm.DB) (schema, error) {
	switch db.Name() {
	case sqliteName:
		return schema{
			text: `${1}${2}text CHECK (length(${1}) <= ${3})`, // text(100) would take any length
			words: map[string]string{
				"int": "bigint", "bool": "boolean", "bytes": "blob", "long": "text",
				"serial": "integer PRIMARY KEY AUTOINCREMENT", "table": "",
			},
		}, nil
	case postgresName:
		return schema{
			text: `${1}${2}varchar(${3}) COLLATE "C"`,
			words: map[string]string{
				"int": "bigint", "bool": "boolean", "bytes": "bytea", "long": `text COLLATE "C"`,
				"serial": "bigserial PRIMARY KEY", "table": "",
			},
		}, nil
	}
	var version string
	if err := one(db.Raw("SELECT VERSION()"), &version); err != nil {
		return schema{}, err
	}
	collation := "utf8mb4_0900_bin"
	if strings.Contains(version, "MariaDB") {
		collation = "utf8mb4_nopad_bin"
	}
	return schema{
		text: `${1}${2}varchar(${3})`,
		words: map[string]string{
			"int": "bigint", "bool": "boolean", "bytes": "varbinary(32)", "long": "longtext",
			"serial": "bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY",
			"table":  fmt.Sprintf(" ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE %s COMMENT='%s'", collation, ours),
		},
	}, nil
}

// run executes the statements of a migration's file.
func (s schema) run(db *gorm.DB, file string) error {
	text, err := files.ReadFile("migrations/" + file)
	if err != nil {
		return err
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	for statement := range strings.SplitSeq(strings.Join(lines, ""), ";\n") {
		if statement = strings.TrimSpace(statement); statement == "" {
			continue
		}
		if err := s.exec(db, statement); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// exec executes one statement. On MariaDB and MySQL, which cannot take back a
// migration that was interrupted, one that was executed before is skipped.
func (s schema) exec(db *gorm.DB, statement string) error {
	statement = textColumn.ReplaceAllString(statement, s.text)
	for word, replacement := range s.words {
		statement = strings.ReplaceAll(statement, "{"+word+"}", replacement)
	}
	if db.Name() != mysqlName {
		return db.Exec(statement).Error
	}
	if table, ok := strings.CutPrefix(statement, "DROP TABLE "); ok {
		if ok, err := owned(db, table); !ok {
			return err
		}
	}
	err := db.Exec(statement).Error
	e, _ := errors.AsType[*mysql.MySQLError](err)
	switch {
	case e != nil && e.Number == 1061: // the index is there
		return nil
	case e != nil && e.Number == 1050: // the table is there
		table := strings.Fields(statement)[2]
		ok, failed := owned(db, table)
		if failed == nil && !ok {
			failed = fmt.Errorf("a table %s is there that is not ours: %w", table, err)
		}
		return failed
	}
	return err
}

// tablesWhere counts tables of one name on MariaDB, MySQL and PostgreSQL.
const tablesWhere = "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = ? AND table_schema = "

// hasTable reports whether table is there. Unlike gorm's it does not take an
// error for a no.
func hasTable(db *gorm.DB, table string) (bool, error) {
	query := map[string]string{
		sqliteName:   "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
		postgresName: tablesWhere + "CURRENT_SCHEMA()",
		mysqlName:    tablesWhere + "DATABASE()",
	}[db.Name()]
	var n int64
	err := one(db.Raw(query, table), &n)
	return n > 0, err
}

// owned reports whether table is there and made by us, on MariaDB or MySQL.
func owned(db *gorm.DB, table string) (bool, error) {
	var n int64
	err := one(db.Raw(tablesWhere+"DATABASE() AND table_comment = ?", table, ours), &n)
	return n > 0, err
}
