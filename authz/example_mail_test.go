package authz_test

import (
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/authz/authztest"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/afas"
)

// mailing opens an Authz that sends its mails into a box, with Ann as the
// administrator of the organisation acme. What it returns last closes it.
func mailing() (*authz.Authz, *authztest.Mailbox, func()) {
	dir := must(os.MkdirTemp("", "volmacht"))
	db := must(authz.OpenSQLite(filepath.Join(dir, "portal.db")))
	box := new(authztest.Mailbox) // for a real portal, a Mailer of authzsmtp
	az := must(authz.Open(ctx, db, authz.Config{
		Pack:  afas.Pack(),
		Clock: func() time.Time { return authztest.Start },
		Mail: authz.Mail{
			Mailer: box,
			From:   mail.Address{Name: "Portal", Address: "portal@vendor.example"},
			Log:    slog.New(slog.DiscardHandler),
			Links:  authz.Links{Portal: "https://portal.example/", Invitation: "https://portal.example/invitation#{token}"},
		},
	}))
	must(az.CreateTenant(ctx, authz.System, office))
	must(az.AddPerson(ctx, authz.System, authz.Person{
		ID: ann, FirstName: "Ann", LastName: "Peeters", Locale: "nl", Addresses: []authz.Address{{Email: "ann@acme.example"}},
	}))
	check(az.AddMember(ctx, authz.System, office.Domain(), authz.NewMember{User: ann, Profiles: []model.Profile{afas.Administrator}}))
	check(az.SetPreference(ctx, authz.By(ann), authz.Preference{
		Domain: office.Domain(), User: ann, Email: "ann@acme.example", Topic: afas.TopicReleaseNotes, Wanted: true,
	}))
	return az, box, func() {
		check(az.Close())
		check(must(db.DB()).Close())
		check(os.RemoveAll(dir))
	}
}

func ExampleAuthz_Notify() {
	az, box, done := mailing()
	defer done()
	check(az.Notify(ctx, authz.System, office.Domain(), afas.TopicReleaseNotes, authz.Note{
		Subject: "Version 9 is here", Text: "It is faster.", Path: "/releases/9",
	}))
	fmt.Println(must(az.Deliver(ctx)).Sent) // a portal runs az.Work(ctx) instead
	text, _, _ := strings.Cut(box.Letters()[0].Text, "-- ")
	fmt.Print(text)
	// Output:
	// 1
	// Beste Ann Peeters,
	//
	// It is faster.
	//
	// Open het portaal:
	// https://portal.example/releases/9
	//
	// Met vriendelijke groet,
	// Acme
}

func ExampleAuthz_Recipients() {
	az, _, done := mailing()
	defer done()
	for _, r := range must(az.Recipients(ctx, office.Domain(), afas.TopicReleaseNotes)) {
		fmt.Println(r.Name, r.Email)
	}
	// Output: Ann Peeters ann@acme.example
}

func ExampleAuthz_Preferences() {
	az, _, done := mailing()
	defer done()
	for _, p := range must(az.Preferences(ctx, authz.By(ann), office.Domain(), ann)) {
		fmt.Println(p.Email, p.Topic, p.Wanted)
	}
	// Output:
	// ann@acme.example product_news false
	// ann@acme.example release_notes true
	// ann@acme.example manages_software false
	// ann@acme.example invoice_contact false
}

func ExampleAuthz_RetryMessage() {
	az, box, done := mailing()
	defer done()
	check(az.Notify(ctx, authz.System, office.Domain(), afas.TopicReleaseNotes, authz.Note{Subject: "Version 9", Text: "It is faster."}))
	box.Fail(fmt.Errorf("550 mailbox full: %w", authz.ErrUndeliverable))
	must(az.Deliver(ctx))
	box.Fail(nil)
	for _, m := range must(az.Messages(ctx, authz.By(ann), acme, authz.MessageFilter{State: authz.MessageDead}, model.MessageID{})) {
		fmt.Println(m.Kind, m.To.Email, m.Failure)
		check(az.RetryMessage(ctx, authz.By(ann), acme, m.ID))
	}
	fmt.Println(must(az.Deliver(ctx)).Sent)
	// Output:
	// topic ann@acme.example 550 mailbox full: undeliverable
	// 1
}
