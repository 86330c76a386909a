package authz_test

import (
	"context"
	"time"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

// Requests and reviews of the scene; their ids begin with q and r.
var (
	qOpen  = parsedRequest("q-open")  // carl's, on dOne
	qOther = parsedRequest("q-other") // carl's, on dTwo
	qOld   = parsedRequest("q-old")   // on dOne, expired
	qDone  = parsedRequest("q-done")  // on dOne, declined
	qBeta  = parsedRequest("q-beta")  // on dBeta
	qNone  = parsedRequest("q-none")

	rOpen = parsedReview("r-open") // acme's
	rOld  = parsedReview("r-old")  // acme's, closed
	rBeta = parsedReview("r-beta")
	rNone = parsedReview("r-none")
)

func parsedRequest(s string) model.RequestID { return model.Must(model.ParseRequestID(s)) }
func parsedReview(s string) model.ReviewID   { return model.Must(model.ParseReviewID(s)) }

func addRequests(tx *authz.Tx) error {
	var rows []store.AccountRequest
	for _, r := range []struct {
		id      model.RequestID
		on      model.Domain
		state   string
		expires time.Time
	}{
		{qOpen, dOne, store.RequestOpen, noon().Add(time.Hour)}, {qOther, dTwo, store.RequestOpen, noon().Add(time.Hour)},
		{qOld, dOne, store.RequestOpen, noon()}, {qDone, dOne, store.Declined, noon().Add(time.Hour)}, {qBeta, dBeta, store.RequestOpen, noon().Add(time.Hour)},
	} {
		rows = append(rows, store.AccountRequest{
			Tenant: r.on.Tenant(), ID: r.id, Dossier: r.on.Dossier(), FirstName: "F", LastName: "L", Canonical: r.id.String() + "@new.example",
			Typed: r.id.String() + "@new.example", Profile: accountancy.FullAccess, State: r.state,
			AskedBy: authz.By(uCarl).String(), AskedAt: store.At(noon()), ExpiresAt: store.At(r.expires),
		})
	}
	return tx.DB().Create(&rows).Error
}

// The accesses that acme's review asks about.
var (
	emilHere    = authz.Access{Subject: model.UserSubject(uEmil), Domain: home(tAcme), Profile: model.Member}
	doraHere    = authz.Access{Subject: model.UserSubject(uDora), Domain: home(tAcme), Profile: model.Member}
	emilWorks   = authz.Access{Subject: model.UserSubject(uEmil), Domain: home(tAcme), Profile: accountancy.Employee}
	emilInCrew  = authz.Access{Subject: model.UserSubject(uEmil), Domain: home(tAcme), Team: gCrew}
	emilOnOne   = authz.Access{Subject: model.UserSubject(uEmil), Domain: dOne, Assigned: true}
	carlOnTwo   = authz.Access{Subject: model.UserSubject(uCarl), Domain: dTwo, Profile: accountancy.FullAccess}
	spareOnTwo  = authz.Access{Subject: model.TeamSubject(gSpare), Domain: dTwo, Profile: accountancy.FullFeedback}
	annIsAdmin  = authz.Access{Subject: model.UserSubject(uAnn), Domain: home(tAcme), Profile: accountancy.Admin}
	carlWasHere = authz.Access{Subject: model.UserSubject(uCarl), Domain: dOne, Profile: accountancy.DocumentDelivery} // decided
)

func addReviews(tx *authz.Tx) error {
	at, later := store.At(noon()), store.At(noon().Add(24*time.Hour))
	for _, r := range []store.Review{
		{Tenant: tAcme, ID: rOpen, DueAt: later}, {Tenant: tAcme, ID: rOld, DueAt: at, ClosedAt: at}, {Tenant: tBeta, ID: rBeta, DueAt: later},
	} {
		r.OpenedBy, r.OpenedAt, r.RemindAt = system.String(), at, later
		if err := tx.DB().Create(&r).Error; err != nil {
			return err
		}
	}
	role := func(a authz.Access) string {
		switch {
		case a.Assigned:
			return model.Assigned
		case !a.Team.IsZero():
			return model.TeamSubject(a.Team).String()
		}
		return a.Profile.String()
	}
	for _, a := range []authz.Access{emilHere, doraHere, emilWorks, emilInCrew, emilOnOne, carlOnTwo, spareOnTwo, annIsAdmin, carlWasHere} {
		item := store.ReviewItem{Tenant: tAcme, Review: rOpen, Subject: a.Subject.String(), Dossier: a.Domain.Dossier().String(), Role: role(a)}
		if a == carlWasHere {
			item.Decision, item.DecidedBy, item.DecidedAt = store.Removed, system.String(), at
		}
		if err := tx.DB().Create(&item).Error; err != nil {
			return err
		}
	}
	return nil
}

func requestOperations() []operation {
	approve := func(ctx context.Context, az *authz.Authz, c call) error {
		_, err := az.ApproveRequest(ctx, c.by, c.domain, c.request, c.profile)
		return err
	}
	other := func(name string, id model.RequestID, want error, same string) refusal {
		return refusal{name, func(c *call) { c.request = id }, want, same}
	}
	ids := []refusal{
		other("no request", model.RequestID{}, authz.ErrInvalid, ""),
		other("an unknown request", qNone, authz.ErrNotFound, "request"),
		other("one on another dossier", qOther, authz.ErrNotFound, "request"),
		other("one of another tenant", qBeta, authz.ErrNotFound, "request"),
		other("one that expired", qOld, authz.ErrExpired, ""),
		other("one that was decided", qDone, authz.ErrConflict, ""),
	}
	profiles := []refusal{
		{name: "an undeclared profile", change: func(c *call) { c.profile = model.Must(model.ParseProfile("z")) }, want: authz.ErrInvalid},
		{name: "a profile of tenants", change: func(c *call) { c.profile = accountancy.Employee }, want: authz.ErrInvalid},
		{name: "a profile that nobody is given", change: func(c *call) { c.profile = model.Must(model.ParseProfile("client_user")) }, want: authz.ErrInvalid},
	}
	own := uAnn.String() + "@new.example"
	return []operation{
		{method: "RequestAccount", takes: aDossier | aText | anEmail | byClients,
			valid: call{by: admin, domain: dOne, text: "Fien", email: "fien@new.example", locale: "nl", profile: accountancy.FullAccess},
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				_, err := az.RequestAccount(ctx, c.by, c.domain, authz.NewRequest{
					FirstName: c.text, LastName: c.text, Email: c.email, Locale: c.locale, Profile: c.profile, Note: c.text,
				})
				return err
			},
			more: append(append(localeRefusals(), profiles...),
				refusal{name: "one's own address", change: func(c *call) { c.email = own }, want: authz.ErrInvalid},
				refusal{name: "an address that is asked for", change: func(c *call) { c.email = "Q-Open@new.example" }, want: authz.ErrConflict})},
		{method: "ApproveRequest", valid: call{by: admin, domain: dOne, request: qOpen, profile: accountancy.FullFeedback}, takes: aDossier,
			do: approve, more: append(profiles, ids...)},
		{method: "DeclineRequest", valid: call{by: admin, domain: dOne, request: qOpen, text: "No."}, takes: aDossier | aText, more: ids,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.DeclineRequest(ctx, c.by, c.domain, c.request, c.text)
			}},
	}
}

func reviewOperations() []operation {
	acme := home(tAcme)
	other := func(name string, id model.ReviewID, want error, same string) refusal {
		return refusal{name, func(c *call) { c.review = id }, want, same}
	}
	about := func(name string, a authz.Access, want error, same string) refusal {
		return refusal{name, func(c *call) { c.access = a }, want, same}
	}
	elsewhere, nobody, both := emilWorks, emilWorks, emilWorks
	elsewhere.Domain, nobody.Subject, both.Assigned = home(tBeta), model.Subject{}, true
	more := []refusal{
		other("no review", model.ReviewID{}, authz.ErrInvalid, ""),
		other("an unknown review", rNone, authz.ErrNotFound, "review"),
		other("a review of another tenant", rBeta, authz.ErrNotFound, "review"),
		other("a closed review", rOld, authz.ErrConflict, ""),
		about("nothing", authz.Access{}, authz.ErrInvalid, ""),
		about("of nobody", nobody, authz.ErrInvalid, ""),
		about("two things in one", both, authz.ErrInvalid, ""),
		about("what is not in it", authz.Access{Subject: model.UserSubject(uOlga), Domain: acme, Profile: accountancy.Support}, authz.ErrNotFound, ""),
		about("in another tenant", elsewhere, authz.ErrNotFound, ""),
		about("what is gone", carlWasHere, authz.ErrConflict, ""),
	}
	itself := about("one's own", annIsAdmin, authz.ErrDenied, "")
	at := func(a authz.Access) call { return call{by: admin, domain: acme, review: rOpen, access: a} }
	change := at(carlOnTwo)
	change.profile = accountancy.DocumentDelivery
	bad := func(name string, s authz.ReviewSchedule) refusal {
		return refusal{name, func(c *call) { c.schedule = s }, authz.ErrInvalid, ""}
	}
	const day = 24 * time.Hour
	all := []operation{
		{method: "SetReviewSchedule", takes: aTenant | onlySystem,
			valid: call{by: system, domain: acme, schedule: authz.ReviewSchedule{Every: 90 * day}},
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.SetReviewSchedule(ctx, c.by, c.tenant(), c.schedule)
			},
			more: []refusal{bad("never", authz.ReviewSchedule{Due: day}), bad("half days", authz.ReviewSchedule{Every: 36 * time.Hour}),
				bad("back in time", authz.ReviewSchedule{Every: -day}), bad("a term back in time", authz.ReviewSchedule{Every: day, Due: -day}),
				bad("out of time", authz.ReviewSchedule{Every: day, First: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}),
				bad("once in a lifetime", authz.ReviewSchedule{Every: 36500 * day})}},
		// The open one is out of the way for the call that succeeds.
		{method: "OpenReview", valid: call{by: admin, domain: acme}, takes: aTenant,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.Transaction(ctx, func(tx *authz.Tx) error {
					if err := tx.DB().Model(&store.Review{}).Where("id = ?", rOpen).Update("closed_at", store.At(noon())).Error; err != nil {
						return err
					}
					_, err := tx.OpenReview(ctx, c.by, c.tenant())
					return err
				})
			}},
		{method: "ConfirmReviewItem", valid: at(emilWorks), takes: aTenant, more: append(more, itself),
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.ConfirmReviewItem(ctx, c.by, c.tenant(), c.review, c.access)
			}},
		{method: "ConfirmReviewItem", variant: "many", valid: at(emilWorks), takes: aTenant, more: append(more, itself),
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.ConfirmReviewItem(ctx, c.by, c.tenant(), c.review, carlOnTwo, c.access)
			}},
		{method: "ChangeReviewItem", valid: change, takes: aTenant | aProfile,
			more: append(more, itself, about("a membership", emilHere, authz.ErrInvalid, ""), about("a link", emilOnOne, authz.ErrInvalid, ""),
				refusal{name: "a profile of tenants", change: func(c *call) { c.profile = accountancy.Admin }, want: authz.ErrInvalid},
				refusal{name: "the same", change: func(c *call) { c.profile = accountancy.FullAccess }, want: authz.ErrInvalid}),
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.ChangeReviewItem(ctx, c.by, c.tenant(), c.review, c.access, c.profile)
			}},
	}
	for variant, a := range map[string]authz.Access{
		"a member": emilHere, "a deactivated one": doraHere, "a profile": emilWorks, "a place in a team": emilInCrew,
		"the links to a dossier": emilOnOne, "a team's": spareOnTwo,
	} {
		all = append(all, operation{method: "RemoveReviewItem", variant: variant, valid: at(a), takes: aTenant, more: append(more, itself),
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.RemoveReviewItem(ctx, c.by, c.tenant(), c.review, c.access)
			}})
	}
	return all
}
