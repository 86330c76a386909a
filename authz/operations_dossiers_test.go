package authz_test

import (
	"context"

	"github.com/volmacht/volmacht/authz"
	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies/accountancy"
)

func teamOperations() []operation {
	acme, fresh := home(tAcme), parsedTeam("g-fresh")
	return []operation{
		{method: "CreateTeam", valid: call{by: admin, domain: acme, team: fresh, text: "Team"}, takes: aTenant | aText | anOptional,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				_, err := az.CreateTeam(ctx, c.by, c.tenant(), authz.Team{ID: c.team, Name: c.text, Email: c.email})
				return err
			},
			more: []refusal{{name: "one that is there", change: func(c *call) { c.team = gCrew }, want: authz.ErrConflict}}},
		{method: "EditTeam", valid: call{by: admin, domain: acme, team: gCrew, text: "Crew"}, takes: aTenant | aTeam | aText | anOptional,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.EditTeam(ctx, c.by, c.tenant(), authz.Team{ID: c.team, Name: c.text, Email: c.email})
			}},
		{method: "DeleteTeam", valid: call{by: admin, domain: acme, team: gCrew}, takes: aTenant | aTeam,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.DeleteTeam(ctx, c.by, c.tenant(), c.team)
			}},
		{method: "AddTeamMember", valid: call{by: admin, domain: acme, team: gSpare, user: uEmil}, takes: aTenant | aTeam | anActive,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.AddTeamMember(ctx, c.by, c.tenant(), c.team, c.user)
			}},
		{method: "RemoveTeamMember", valid: call{by: admin, domain: acme, team: gCrew, user: uEmil}, takes: aTenant | aTeam | anActive,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.RemoveTeamMember(ctx, c.by, c.tenant(), c.team, c.user)
			},
			more: []refusal{{name: "who is not in it", change: func(c *call) { c.user = uOlga }, want: authz.ErrNotFound}}},
	}
}

func dossierOperations() []operation {
	configuration := []refusal{{name: "not pending", change: func(c *call) { c.configuration = accountancy.ConfigurationC }, want: authz.ErrConflict},
		{name: "no configuration", change: func(c *call) { c.configuration = model.Configuration{} }, want: authz.ErrConflict},
		{name: "nothing pending", change: func(c *call) { c.domain = dOne }, want: authz.ErrConflict}}
	waiting := call{by: system, domain: dPending, configuration: accountancy.ConfigurationB, text: "no answer"}
	return []operation{
		{method: "CreateDossier", takes: aTenant | anActive | aTeam | aText | aModule | aFlag,
			valid: call{by: admin, domain: home(tAcme), text: "Smith", user: uEmil, team: gCrew,
				configuration: accountancy.ConfigurationB, module: accountancy.ModulePayment, flag: accountancy.FlagWorklist},
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				_, err := az.CreateDossier(ctx, c.by, c.tenant(), authz.Dossier{
					ID: parsedDossier("d-fresh"), Name: c.text, Configuration: c.configuration, Manager: c.user, Team: c.team,
					Supporting: []model.UserID{uOlga, c.user}, Modules: []model.Module{c.module}, Flags: []model.Flag{c.flag},
				})
				return err
			},
			more: []refusal{{name: "a configuration nobody declared", want: authz.ErrInvalid,
				change: func(c *call) { c.configuration = model.Must(model.ParseConfiguration("Z")) }}}},
		{method: "CreateDossier", variant: "with an id", valid: call{by: admin, domain: dNone}, do: func(ctx context.Context, az *authz.Authz, c call) error {
			_, err := az.CreateDossier(ctx, c.by, c.tenant(), authz.Dossier{ID: c.domain.Dossier(), Name: "Smith"})
			return err
		}, more: []refusal{{name: "one that is there", change: func(c *call) { c.domain = dTwo }, want: authz.ErrConflict},
			{name: "one that is closed", change: func(c *call) { c.domain = dShut }, want: authz.ErrConflict}}},
		{method: "RenameDossier", valid: call{by: admin, domain: dOne, text: "Smith"}, takes: aDossier | aText,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.RenameDossier(ctx, c.by, c.domain, c.text)
			}},
		{method: "Configure", variant: "at once", valid: call{by: admin, domain: dOne, configuration: accountancy.ConfigurationB},
			takes: aDossier | aConfiguration, do: configure},
		{method: "Configure", variant: "otherwise than is pending", valid: call{by: admin, domain: dPending, configuration: accountancy.ConfigurationC},
			takes: aDossier | aConfiguration, do: configure},
		{method: "Configure", variant: "as before", valid: call{by: admin, domain: dPending, configuration: accountancy.ConfigurationD},
			takes: aDossier | aConfiguration, do: configure},
		{method: "FinishConfiguration", valid: waiting, takes: aDossier | onlySystem, more: configuration,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.FinishConfiguration(ctx, c.by, c.domain, c.configuration)
			}},
		{method: "FailConfiguration", valid: waiting, takes: aDossier | aText | onlySystem, more: configuration,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.FailConfiguration(ctx, c.by, c.domain, c.configuration, c.text)
			}},
		{method: "SetModule", valid: call{by: admin, domain: dOne, module: accountancy.ModuleFinancial}, takes: aDossier | aModule,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.SetModule(ctx, c.by, c.domain, c.module, true)
			}},
		{method: "SetFlag", valid: call{by: admin, domain: dOne, flag: accountancy.FlagWorklist}, takes: aDossier | aFlag,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.SetFlag(ctx, c.by, c.domain, c.flag, true)
			}},
		{method: "SetPrivate", valid: call{by: admin, domain: dOne}, takes: aDossier,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.SetPrivate(ctx, c.by, c.domain, true)
			}},
		{method: "CloseDossier", valid: call{by: admin, domain: dOne}, takes: aDossier,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.CloseDossier(ctx, c.by, c.domain)
			}},
		{method: "ReopenDossier", valid: call{by: admin, domain: dShut}, takes: aDossier | aClosed,
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				return az.ReopenDossier(ctx, c.by, c.domain)
			},
			more: []refusal{{name: "an open one", change: func(c *call) { c.domain = dOne }, want: authz.ErrConflict}}},
	}
}

func configure(ctx context.Context, az *authz.Authz, c call) error {
	return az.Configure(ctx, c.by, c.domain, c.configuration)
}

func assignmentOperations() []operation {
	manager := func(c call) authz.Assignment { return authz.Manager(c.user) }
	group := func(c call) authz.Assignment { return authz.Group(c.team) }
	supporting := func(c call) authz.Assignment { return authz.Supporting(c.user) }
	assign := func(who func(call) authz.Assignment) func(context.Context, *authz.Authz, call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			return az.Assign(ctx, c.by, c.domain, who(c))
		}
	}
	unassign := func(who func(call) authz.Assignment) func(context.Context, *authz.Authz, call) error {
		return func(ctx context.Context, az *authz.Authz, c call) error {
			return az.Unassign(ctx, c.by, c.domain, who(c))
		}
	}
	user := call{by: admin, domain: dOne, user: uOlga}
	fresh := call{by: admin, domain: dTwo, user: uOlga}
	emil := call{by: admin, domain: dOne, user: uEmil}
	team := call{by: admin, domain: dOne, team: gSpare}
	none := refusal{name: "who is not linked so", change: func(c *call) { c.user = uOlga }, want: authz.ErrNotFound}
	nothing := refusal{name: "no assignment", want: authz.ErrInvalid, change: func(c *call) { c.user, c.team = model.UserID{}, model.TeamID{} }}
	return []operation{
		{method: "Assign", variant: "a manager", valid: user, do: assign(manager), takes: aDossier | anActive},
		{method: "Assign", variant: "a group", valid: team, do: assign(group), takes: aDossier | aTeam},
		{method: "Assign", variant: "supporting staff", valid: fresh, do: assign(supporting), takes: aDossier | anActive},
		{method: "Assign", variant: "nothing", valid: user, takes: aDossier, more: []refusal{nothing},
			do: func(ctx context.Context, az *authz.Authz, c call) error {
				if c.user.IsZero() {
					return az.Assign(ctx, c.by, c.domain, authz.Assignment{})
				}
				return az.Assign(ctx, c.by, c.domain, authz.Supporting(c.user))
			}},
		{method: "Unassign", variant: "a manager", valid: emil, do: unassign(manager), takes: aDossier | aMember, more: []refusal{none}},
		{method: "Unassign", variant: "a group", valid: call{by: admin, domain: dOne, team: gCrew}, do: unassign(group), takes: aDossier | aTeam},
		{method: "Unassign", variant: "supporting staff", valid: call{by: admin, domain: dOne, user: uDora}, do: unassign(supporting),
			takes: aDossier | aMember, more: []refusal{none}},
	}
}
