package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/volmacht/volmacht/model"
)

// An InvitationLine is one of many invitations, and where it comes from.
type InvitationLine struct {
	Line int // in the file, from 1; 0: the place in the list, from 1
	NewInvitation
}

// Bulk says how many invitations are made.
type Bulk struct {
	// File is what reports call the list. Empty is "invitations.csv".
	File string

	// LineByLine makes those invitations that can be made, some hundreds in a
	// transaction. Otherwise all are made together or none is.
	LineByLine bool

	// Progress, if set, is called now and then with how many lines are done.
	// It counts from the start again when the database makes a transaction run
	// again.
	Progress func(done, all int)
}

// A LineError is why one line is not invited.
type LineError struct {
	File string
	Line int
	Err  error
}

// Error returns "invitations.csv:14: …".
func (e LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns Err.
func (e LineError) Unwrap() error { return e.Err }

// A BulkReport says line by line what became of many invitations.
type BulkReport struct {
	Invited []BulkInvited // in the order of the list
	Failed  []LineError   // the same
}

// A BulkInvited is one line that was invited.
type BulkInvited struct {
	Line       int
	Invitation model.InvitationID
}

// bulkBatch is how many lines go into one transaction, line by line.
const bulkBatch = 500

// InviteAll is [Authz.Invite] for many: see [ReadInvitations] for a file of
// them. The report names every line that failed, and when any did, the error
// is that of the first, also line by line, where the others are invited. A
// context that ends is the error too; what the report then has as invited is
// invited. In the ledger each transaction is one row.
//
// In a [Authz.Transaction] a line that fails undoes the transaction.
func (az *Authz) InviteAll(ctx context.Context, by Actor, t model.TenantID, all []InvitationLine, how Bulk) (BulkReport, error) {
	if how.File == "" {
		how.File = "invitations.csv"
	}
	size := max(len(all), 1)
	if how.LineByLine {
		size = bulkBatch
	}
	var report BulkReport
	for start := 0; start == 0 || start < len(all); start += size {
		part := bulkPart{how: how, all: all, start: start, lines: all[start:min(start+size, len(all))]}
		err := az.write(ctx, by, t, "invite all", part.run)
		report.Failed = append(report.Failed, part.failed...)
		if err != nil && !errors.Is(err, errFailed) {
			return report, err
		}
		if err == nil {
			report.Invited = append(report.Invited, part.invited...)
		}
		if how.Progress != nil {
			how.Progress(start+len(part.lines), len(all))
		}
	}
	if n := len(report.Failed); n > 0 {
		return report, az.refuse("invite all", fmt.Errorf("%d of %d lines failed, the first of them %w", n, len(all), report.Failed[0]))
	}
	return report, nil
}

// errFailed ends a transaction in which lines failed. They are in its report.
var errFailed = errors.New("lines failed")

// A bulkPart is the lines of one transaction.
type bulkPart struct {
	how     Bulk
	all     []InvitationLine
	start   int
	lines   []InvitationLine
	invited []BulkInvited
	failed  []LineError
}

func (p *bulkPart) run(c *change) error {
	p.invited, p.failed = nil, nil
	if len(p.lines) == 0 {
		if err := c.mayInvite(model.TenantDomain(c.tenant)); err != nil {
			return err
		}
		return fmt.Errorf("no invitations: %w", ErrInvalid)
	}
	drafts, lines, err := p.drafts(c)
	if err != nil {
		return err
	}
	faults, err := c.offeredAlready(drafts)
	if err != nil {
		return err
	}
	sound := drafts[:0]
	for i, d := range drafts {
		if faults[i] != nil {
			p.fail(lines[i], faults[i])
			continue
		}
		id, err := model.ParseInvitationID(d.row.ID)
		if err != nil {
			return err
		}
		sound = append(sound, d)
		p.invited = append(p.invited, BulkInvited{lines[i], id})
	}
	slices.SortStableFunc(p.failed, func(a, b LineError) int { return a.Line - b.Line })
	if len(p.failed) > 0 && !p.how.LineByLine || len(sound) == 0 {
		return fmt.Errorf("%w: %w", errFailed, p.failed[0])
	}
	done := 0
	for some := range slices.Chunk(sound, batch) {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := c.issue(some); err != nil {
			return err
		}
		done += len(some)
		if p.how.Progress != nil && done < len(sound) {
			p.how.Progress(p.start+done, len(p.all))
		}
	}
	c.detail["invitations"] = strconv.Itoa(len(sound))
	return nil
}

// drafts are the lines that the actor may invite, with their numbers.
func (p *bulkPart) drafts(c *change) (drafts []draft, lines []int, err error) {
	for i, l := range p.lines {
		if err := c.ctx.Err(); err != nil {
			return nil, nil, err
		}
		number := l.Line
		if number == 0 {
			number = p.start + i + 1
		}
		d, err := c.draft(l.NewInvitation)
		switch {
		case err == nil:
			drafts, lines = append(drafts, d), append(lines, number)
		case isAny(err, ErrDenied, ErrNotFound, ErrConflict, ErrInvalid):
			p.fail(number, err)
		default:
			return nil, nil, err
		}
	}
	return drafts, lines, nil
}

func (p *bulkPart) fail(line int, err error) {
	p.failed = append(p.failed, LineError{p.how.File, line, err})
}

func isAny(err error, sentinels ...error) bool {
	return slices.ContainsFunc(sentinels, func(s error) bool { return errors.Is(err, s) })
}
