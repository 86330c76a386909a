package authz_test

import (
	"context"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
)

func messageOperations() []operation {
	acme := home(tAcme)
	prefer := func(ctx context.Context, az *authz.Authz, c call) error {
		return az.SetPreference(ctx, c.by, authz.Preference{Domain: c.domain, User: c.user, Email: c.email, Topic: c.topic})
	}
	notify := func(ctx context.Context, az *authz.Authz, c call) error {
		return az.Notify(ctx, c.by, c.domain, c.topic, authz.Note{Subject: c.text, Text: "It is ready."})
	}
	emil := uEmil.String() + "@verified.example"
	home := refusal{name: "a topic of dossiers", change: func(c *call) { c.topic = topicWork }, want: authz.ErrInvalid}
	unwritten := refusal{name: "an address that is not written to", change: func(c *call) { c.email = uEmil.String() + "@new.example" },
		want: authz.ErrNotFound, same: "address"}
	return []operation{
		{method: "SetPreference", variant: "in a tenant", do: prefer, takes: aTenant | aMember | anEmail | aTopic,
			valid: call{by: admin, domain: acme, user: uEmil, email: emil, topic: topicNews}, more: append(addressRefusals(), unwritten)},
		{method: "SetPreference", variant: "on a dossier", do: prefer, takes: aDossier | aMember | anEmail | aTopic,
			valid: call{by: admin, domain: dOne, user: uEmil, email: emil, topic: topicWork}, more: append(addressRefusals(), unwritten)},
		{method: "SetPreference", variant: "one's own", do: prefer, takes: anEmail | aTopic,
			valid: call{by: authz.By(uEmil), domain: acme, user: uEmil, email: emil, topic: topicNews},
			more:  append(addressRefusals(), refusal{name: "another's", change: func(c *call) { c.user = uAnn }, want: authz.ErrDenied})},
		{method: "Notify", variant: "in a tenant", do: notify, takes: aTenant | aTopic | aText | onlySystem,
			valid: call{by: system, domain: acme, topic: topicNews, text: "News"}, more: []refusal{home}},
		{method: "Notify", variant: "on a dossier", do: notify, takes: aDossier | aTopic | aText | onlySystem,
			valid: call{by: system, domain: dOne, topic: topicWork, text: "Work"}},
		{method: "SetCopies", valid: call{by: admin, domain: acme, email: "copies@new.example"}, takes: aTenant | anOptional,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.SetCopies(ctx, c.by, c.tenant(), c.email)
			}},
		{method: "RetryMessage", valid: call{by: admin, domain: acme, message: mDead}, takes: aTenant,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.RetryMessage(ctx, c.by, c.tenant(), c.message)
			},
			more: []refusal{{name: "an unknown one", change: func(c *call) { c.message = mNone }, want: authz.ErrNotFound, same: "message"},
				{name: "another tenant's", change: func(c *call) { c.message = mBeta }, want: authz.ErrNotFound, same: "message"},
				{name: "none", change: func(c *call) { c.message = model.MessageID{} }, want: authz.ErrInvalid}}},
	}
}
