// Command people tells how people come in: a tax practice invites a client by
// mail, the client accepts, gets a message, and a review asks who has access.
// The mails are printed instead of sent.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/mail"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/taxdome"
)

func main() {
	flag.Usage = func() { fmt.Fprintln(flag.CommandLine.Output(), "usage: people\n\nTells how people come in.") }
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "people: unexpected argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "people:", err)
		os.Exit(1)
	}
}

// A printer is an [authz.Mailer] that prints; authzsmtp has one that sends. It
// keeps the token that a mail has, and does not print it: a token is a way in.
type printer struct {
	out   io.Writer
	token string
}

var token = regexp.MustCompile(`#([\w-]{43})`)

func (p *printer) Send(_ context.Context, l authz.Letter) error {
	if found := token.FindStringSubmatch(l.Text); found != nil {
		p.token = found[1]
	}
	text := fmt.Sprintf("To: %s\nSubject: %s\n\n%s", l.To.Address, l.Subject, token.ReplaceAllString(l.Text, "#(token)"))
	for line := range strings.Lines(strings.TrimSpace(text)) {
		fmt.Fprintln(p.out, "  "+strings.TrimSpace("| "+line))
	}
	return nil
}

// run tells the story on a database that is thrown away.
func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "people")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := authz.OpenSQLite(filepath.Join(dir, "practice.db"))
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	defer pool.Close()
	p := &printer{out: out}
	noon := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC) // it always prints the same
	az, err := authz.Open(ctx, db, authz.Config{Pack: taxdome.Pack(), Clock: func() time.Time { return noon }, Mail: authz.Mail{
		Mailer: p, From: mail.Address{Name: "Portal", Address: "portal@portal.example"},
		Links: authz.Links{Portal: "https://portal.example/", Invitation: "https://portal.example/invitation#{token}"},
	}})
	if err != nil {
		return err
	}
	defer az.Close()
	return story(ctx, az, p)
}

func story(ctx context.Context, az *authz.Authz, p *printer) error {
	say := func(text string) { fmt.Fprintln(p.out, text) }
	say("Olga registers her practice, and opens an account for the Smit family.")
	made, err := az.Register(ctx, authz.System, authz.Registration{
		Tenant: authz.Tenant{ID: model.Must(model.ParseTenantID("olsen")), Name: "Olsen Tax"},
		Person: authz.Person{FirstName: "Olga", LastName: "Olsen", Addresses: []authz.Address{{Email: "olga@olsen.example"}}},
	})
	if err != nil {
		return err
	}
	practice, olga := made.Tenant.ID, authz.By(made.Person.ID)
	account, err := az.CreateDossier(ctx, olga, practice, authz.Dossier{ID: model.Must(model.ParseDossierID("smit")), Name: "Smit family"})
	if err != nil {
		return err
	}

	say("Olga invites Jan to it, who gets its messages too.")
	if _, err = az.AddContact(ctx, olga, account.Domain, authz.NewContact{
		FirstName: "Jan", LastName: "Smit", Note: "See you there!",
		Addresses: []authz.ContactAddress{{Email: "jan@home.example", Login: true, Notify: true}},
	}); err != nil {
		return err
	}
	if _, err = az.Deliver(ctx); err != nil { // a host has az.Work running instead
		return err
	}

	say("Jan follows the link, fills in the form, and accepts.")
	jan, err := az.Accept(ctx, p.token, authz.Acceptance{Salutation: "Mr", Phone: "06 12345678", Country: "NL"})
	if err != nil {
		return err
	}
	if err = az.Require(ctx, jan.User, account.Domain, taxdome.EnterPortal); err != nil {
		return err
	}
	say("Jan may enter the portal of the account now.")

	say("The practice has a document for the account.")
	note := authz.Note{Subject: "Your tax return", Text: "It is ready for you to look at.", Path: "/documents/7"}
	if err = az.Notify(ctx, authz.System, account.Domain, taxdome.TopicDocuments, note); err != nil {
		return err
	}
	if _, err = az.Deliver(ctx); err != nil {
		return err
	}

	say("Olga opens a review of who has access.")
	review, err := az.OpenReview(ctx, olga, practice)
	if err != nil {
		return err
	}
	if review, err = az.Review(ctx, olga, practice, review.ID); err != nil {
		return err
	}
	for _, item := range review.Items {
		say(fmt.Sprintf("    %s: %v in %v", item.Name, item.Profile, item.Domain))
	}
	_, err = az.Deliver(ctx)
	return err
}
