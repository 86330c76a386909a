package lint

import (
	"slices"
	"strings"

	"github.com/volmacht/volmacht/model"
)

// ignore begins a comment that silences a warning about the row below it, with
// no blank line in between. After it come the name of the check and the reason:
//
//	# lint:ignore escalation an administrator has no need of the portal (TAX-11)
//	p, manage_accounts, assigned, dossier, profile:client, grant, allow
const ignore = "lint:ignore"

// silenced returns findings without those that p gives a reason for, and with
// the reasons that silence nothing.
func silenced(p *model.Pack, findings []Finding) []Finding {
	var silences []*silence
	for _, file := range []string{model.ModelFile, model.PolicyFile, model.CatalogFile} {
		silences = append(silences, readSilences(file, p.File(file))...)
	}
	findings = slices.DeleteFunc(findings, func(f Finding) bool {
		for _, s := range silences {
			if s.covers(f) {
				s.used = true
				return true
			}
		}
		return false
	})
	for _, s := range silences {
		if fault := s.fault(); fault != "" {
			findings = append(findings, Finding{File: s.file, Line: s.line, Severity: Warning, Check: "ignore", Message: fault})
		}
	}
	return findings
}

// A silence is a comment that silences a check for one line.
type silence struct {
	file          string
	line, row     int // of the comment, and of what it is about; 0 for nothing
	check, reason string
	used          bool
}

func (s *silence) covers(f Finding) bool {
	return f.Severity == Warning && f.File == s.file && f.Line == s.row && f.Check == s.check && s.reason != ""
}

func (s *silence) fault() string {
	switch {
	case s.reason == "":
		return "want # " + ignore + " CHECK REASON"
	case !s.used:
		return "there is no warning " + s.check + " to ignore about the row below"
	}
	return ""
}

func readSilences(file, text string) []*silence {
	var all, open []*silence
	n := 0
	for raw := range strings.Lines(text) {
		n++
		line := strings.TrimSpace(raw)
		comment, isComment := strings.CutPrefix(line, "#")
		words := strings.Fields(comment)
		switch {
		case isComment && len(words) > 0 && words[0] == ignore:
			s := &silence{file: file, line: n}
			if len(words) > 2 {
				s.check, s.reason = words[1], strings.Join(words[2:], " ")
			}
			all, open = append(all, s), append(open, s)
		case isComment:
		default:
			for _, s := range open {
				if line != "" {
					s.row = n
				}
			}
			open = nil
		}
	}
	return all
}
