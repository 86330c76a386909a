package model

import (
	"maps"
	"slices"
	"strings"
)

// Everything is the object or action of a rule about all of them, and the
// domain of what holds in every tenant.
const Everything = "*"

// A policyRow is a rule and where it stands.
type policyRow struct {
	rule    Rule
	line    int
	columns []int // of PType, then of each field
}

// ReadRules reads a policy.csv and returns its rules, and the line of each.
// The rows are those that m defines; what they may hold is:
//
//	p,  PROFILE or assigned, any, assigned or PROFILE, TRAIT or any or *, OBJECT or *, ACTION or *, allow or deny
//	g,  PROFILE, PROFILE that it contains, *
//	g2, *, released:FEATURE
//	g3, PART, OBJECT or group of objects
//
// Who holds what in which tenant is no part of a pack. The error is [Faults].
func ReadRules(file string, text []byte, m *Model) ([]Rule, []int, error) {
	c := &collector{file: file}
	rows := readPolicy(text, m, c)
	if err := c.err(); err != nil {
		return nil, nil, err
	}
	rules, lines := make([]Rule, len(rows)), make([]int, len(rows))
	for i, r := range rows {
		rules[i], lines[i] = r.rule, r.line
	}
	return rules, lines, nil
}

func readPolicy(text []byte, m *Model, c *collector) []policyRow {
	var rows []policyRow
	repeated := repeats{}
	for r := range readRows(text, c) {
		ptype, values := r.fields[0], r.fields[1:]
		fields, known := ruleFields(ptype, m)
		if !known {
			c.add(r.line, r.columns[0], "%.80q: want p%s first", ptype, linkWords(m))
			continue
		}
		if len(values) != len(fields) {
			c.addAs(CheckArity, r.line, 0, "%s has %d fields, want %d: %s", ptype, len(values), len(fields), strings.Join(fields, ", "))
			continue
		}
		sound := true
		for i, v := range values {
			sound = checkField(ptype, fields[i], v, r.line, r.columns[i+1], c) && sound
		}
		if !sound {
			continue
		}
		rule := NewRule(ptype, values...)
		if ptype != "p" && ptype != "g2" && values[0] == values[1] {
			c.addAs(CheckCycle, r.line, r.columns[2], "%q contains itself", values[0])
		} else if repeated.check(r.line, rule.String(), c) {
			rows = append(rows, policyRow{rule, r.line, r.columns})
		}
	}
	return rows
}

// linkWords lists the rows of m that are links: ", g or g2".
func linkWords(m *Model) string {
	keys := slices.Sorted(maps.Keys(m.Links))
	last := len(keys) - 1
	return strings.Join(append([]string{""}, keys[:last]...), ", ") + " or " + keys[last]
}

// ruleFields names the fields of a row, for faults and for checkField.
func ruleFields(ptype string, m *Model) (fields []string, known bool) {
	if ptype == "p" {
		return m.Fields, true
	}
	n, known := m.Links[ptype]
	switch {
	case !known:
		return nil, false
	case ptype == "g":
		fields = []string{"profile", "profile", "domain"}
	case ptype == "g2" && n == 2:
		fields = []string{"domain", "trait"}
	default:
		fields = []string{"part", "object", "domain"}
	}
	return fields[:n], true
}

// checkField reports whether v may stand in the named field.
func checkField(ptype, field, v string, line, column int, c *collector) bool {
	if v == "" {
		c.addAs(CheckEmpty, line, column, "%s is empty", field)
		return false
	}
	if len(v) > maxValue {
		c.addAs(CheckSize, line, column, "%s %.40q… is %d bytes long, want at most %d", field, v, len(v), maxValue)
		return false
	}
	oneOf := func(check string, words ...string) bool {
		if !slices.Contains(words, v) {
			c.addAs(check, line, column, "%s %q: want %s", effectName(field), v, strings.Join(words, " or "))
			return false
		}
		return true
	}
	var err error
	switch field {
	case "sub":
		if v != Assigned {
			_, err = ParseProfile(v)
		}
	case "profile":
		_, err = ParseProfile(v)
	case "via":
		if v != Any && v != Assigned {
			_, err = ParseProfile(v)
		}
	case "dom":
		if v != Any && v != Everything {
			_, err = ParseTrait(v)
		}
	case "domain":
		return oneOf(CheckSyntax, Everything)
	case "trait":
		var t Trait
		if t, err = ParseTrait(v); err == nil && t.Kind() != KindReleased {
			c.add(line, column, "trait %q: a pack can give a trait to every tenant only as released:", v)
			return false
		}
	case "obj":
		if v != Everything {
			err = checkObject(v)
		}
	case "part", "object":
		err = checkObject(v)
	case "act":
		if v != Everything {
			_, err = ParsePermission("object", v)
		}
	case "eft":
		return oneOf(CheckEffect, "allow", "deny")
	}
	return !c.invalid(line, column, err)
}

// effectName spells out the one field whose name is no word.
func effectName(field string) string {
	if field == "eft" {
		return "effect"
	}
	return field
}
