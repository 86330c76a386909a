package authz

import (
	"context"
	"fmt"
	"time"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// AccountRequests lists the requests for an account on a dossier, or on all
// dossiers of a tenant. Those who have "account_request decide" on a dossier see
// all of its requests; others see those that they made themselves, on dossiers that
// they still see. The
// zero state stands for all. A page has at most limit requests, never more than
// 1,000, the oldest first; the next one is that after the last ID of this one.
func (az *Authz) AccountRequests(ctx context.Context, by Actor, in model.Domain, state RequestState, after model.RequestID, limit int) ([]AccountRequest, error) {
	err := checkLimit(limit)
	if err == nil {
		err = state.check()
	}
	if err != nil {
		return nil, fmt.Errorf("authz: account requests: %w", err)
	}
	return read(ctx, az, by, in, model.Permission{}, "account requests", func(q *query) ([]AccountRequest, error) {
		at := az.now()
		reader, err := q.decider(by, in, at)
		if err != nil {
			return nil, err
		}
		var page []AccountRequest
		for last := after.String(); ; {
			var rows []store.AccountRequest
			list := q.db.Where("tenant = ? AND id > ?", in.Tenant(), last).Order("id").Limit(maxPage)
			if in.IsDossier() {
				list = list.Where("dossier = ?", in.Dossier())
			}
			if reader.onlyOwn() {
				list = list.Where("asked_by = ?", by.String())
			}
			switch state {
			case "":
			case RequestOpen:
				list = list.Where("state = ? AND expires_at > ?", store.RequestOpen, store.At(at))
			case RequestExpired:
				list = list.Where("(state = ? OR state = ? AND expires_at <= ?)", store.Expired, store.RequestOpen, store.At(at))
			default:
				list = list.Where("state = ?", string(state))
			}
			if err := list.Find(&rows).Error; err != nil {
				return nil, err
			}
			for _, row := range rows {
				if reader.may(row) {
					page = append(page, requestOf(row, at))
				}
				if len(page) == limit {
					return page, nil
				}
			}
			if len(rows) < maxPage {
				return page, nil
			}
			last = rows[len(rows)-1].ID.String()
		}
	})
}

func (s RequestState) check() error {
	switch s {
	case "", RequestOpen, RequestApproved, RequestDeclined, RequestExpired:
		return nil
	}
	return fmt.Errorf("state %q of a request: want open, approved, declined or expired: %w", string(s), ErrInvalid)
}

// A decider is an actor who reads requests: the dossiers that it decides on,
// and those that it sees.
type decider struct {
	by            Actor
	decides, sees map[model.DossierID]bool
}

func (q *query) decider(by Actor, in model.Domain, at time.Time) (decider, error) {
	may := decider{by: by, decides: make(map[model.DossierID]bool), sees: make(map[model.DossierID]bool)}
	if by.system {
		return may, nil
	}
	dossiers := []model.Domain{in}
	if !in.IsDossier() {
		dossiers = q.state.dossiers()
	}
	for _, d := range dossiers {
		decides, err := q.state.enforce(by.user, d, model.DecideAccountRequest, at)
		if err != nil {
			return may, err
		}
		sees, err := q.state.sees(by.user, d, at)
		if err != nil {
			return may, err
		}
		if decides {
			may.decides[d.Dossier()] = true
		}
		may.sees[d.Dossier()] = sees
	}
	return may, nil
}

// onlyOwn reports whether the actor sees no request but its own.
func (d decider) onlyOwn() bool { return !d.by.system && len(d.decides) == 0 }

func (d decider) may(row store.AccountRequest) bool {
	return d.by.system || d.decides[row.Dossier] || d.sees[row.Dossier] && row.AskedBy == d.by.String()
}

func requestState(row store.AccountRequest, at time.Time) RequestState {
	if row.State == store.RequestOpen && row.ExpiresAt <= store.At(at) {
		return RequestExpired
	}
	return RequestState(row.State)
}

func requestOf(row store.AccountRequest, at time.Time) AccountRequest {
	return AccountRequest{
		NewRequest: NewRequest{
			FirstName: row.FirstName, LastName: row.LastName, Email: row.Typed, Locale: row.Locale, Profile: row.Profile, Note: row.Note,
		},
		ID: row.ID, Domain: model.DossierDomain(row.Tenant, row.Dossier), State: requestState(row, at),
		AskedBy: row.AskedBy, Asked: row.AskedAt.Time(), Expires: row.ExpiresAt.Time(), Mailed: row.Mailed,
		DecidedBy: row.DecidedBy, Decided: row.DecidedAt.Time(), Reason: row.Reason, Invitation: row.Invitation,
	}
}
