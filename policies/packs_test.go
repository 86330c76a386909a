package policies_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/volmacht/volmacht/model"
	"github.com/volmacht/volmacht/policies"
	"github.com/volmacht/volmacht/policies/internal/trial"
)

// A promise is what is asked of a pack.
type promise struct {
	prefix string
	ids    string // of the requirements
	// library are those of ids that no row can meet: about changes and messages.
	// The package comment says where they are met.
	library string
	// The names that hosts have come to know, in the order of the catalog.
	tenant, dossier, required, topics string
}

var promises = map[string]promise{
	"accountancy": {
		prefix: "ACC", ids: "01 02 03 04 05 06 07 10 11 12 13 14 15 16 17 20 21 22 23 30 31 32 33 34 35 36 37 38 39 40 41 42",
		tenant: "admin employee support", required: "admin",
		dossier: "administrator full_access document_processing document_processing_archive full_feedback document_delivery",
	},
	"sophia": {
		prefix: "SOP", ids: "01 02 03 04 05 06 07 08 09 10", library: "06 07",
		tenant: "change_rights place_orders view_invoices", required: "change_rights",
	},
	"taxdome": {
		prefix: "TAX", ids: "01 02 03 04 05 06 07 08 09 10 11 12 13 14", library: "02 04 06 07 09 14",
		tenant: "owner admin employee manage_accounts", dossier: "client", required: "owner",
		topics: "documents signatures approvals chats proposals organizers invoices",
	},
	"finview": {
		prefix: "FIN", ids: "01 02 03 04 05 06",
		tenant: "commercial operational employee platform_user",
		topics: "invoices case_messages inbox_messages",
	},
	"afas": {
		prefix: "AFA", ids: "01 02 03 04 05 06 07 08 09 10", library: "07",
		tenant: "employee administrator incident_manager", required: "administrator",
		topics: "product_news release_notes manages_software invoice_contact",
	},
}

// requirements returns ids with the prefix.
func (p promise) requirements(ids string) []string {
	var all []string
	for id := range strings.FieldsSeq(ids) {
		all = append(all, p.prefix+"-"+id)
	}
	return all
}

// A packTest is a pack with what is in its files.
type packTest struct {
	promise
	name      string
	pack      *model.Pack
	files     fs.FS
	scenarios []model.Scenario
}

// eachPack runs a test on every pack.
func eachPack(t *testing.T, test func(*testing.T, packTest)) {
	t.Parallel()
	for _, name := range policies.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := packTest{promise: promises[name], name: name}
			var found bool
			p.pack, found = policies.Pack(name)
			require.True(t, found)
			p.files, found = policies.Files(name)
			require.True(t, found)
			p.scenarios = p.read(t, p.text(t, model.ScenariosFile))
			test(t, p)
		})
	}
}

func (p packTest) text(t *testing.T, file string) string {
	t.Helper()
	text, err := fs.ReadFile(p.files, file)
	require.NoError(t, err)
	return string(text)
}

func (p packTest) read(t *testing.T, text string) []model.Scenario {
	t.Helper()
	all, err := model.ReadScenarios(model.ScenariosFile, []byte(text))
	require.NoError(t, err)
	require.NoError(t, p.pack.CheckScenarios(model.ScenariosFile, all))
	return all
}

func TestScenarios(t *testing.T) {
	eachPack(t, func(t *testing.T, p packTest) {
		for name, ask := range map[string]trial.Asker{"ours": trial.Ours, "Casbin": trial.Casbin} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				faults, err := trial.Run(ask, p.pack, model.ScenariosFile, p.scenarios)
				require.NoError(t, err)
				require.Empty(t, faults, "%v", faults)
			})
		}
	})
}

func TestEveryRowDecides(t *testing.T) {
	eachPack(t, func(t *testing.T, p packTest) {
		idle, err := trial.Idle(p.pack, p.scenarios)
		require.NoError(t, err)
		for _, i := range idle {
			t.Errorf("%s/%s:%d: %s: every scenario has the same answers without it",
				p.name, model.PolicyFile, p.pack.Line(i), p.pack.Rules[i])
		}
	})
}

func TestOneModel(t *testing.T) {
	first, _ := policies.Files("accountancy")
	want, err := fs.ReadFile(first, model.ModelFile)
	require.NoError(t, err)
	eachPack(t, func(t *testing.T, p packTest) {
		require.Equal(t, string(want), p.text(t, model.ModelFile))
	})
}

var requirementID = regexp.MustCompile(`\b[A-Z]{3}-[0-9]{2}\b`)

func TestEveryRequirementIsMet(t *testing.T) {
	eachPack(t, func(t *testing.T, p packTest) {
		shown := map[string]int{}
		for _, s := range p.scenarios {
			for _, id := range requirementID.FindAllString(s.Text, -1) {
				shown[id] += len(s.Checks)
			}
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.name, p.name+".go"), nil, parser.ParseComments)
		require.NoError(t, err)
		told := requirementID.FindAllString(file.Doc.Text(), -1)

		all, library := p.requirements(p.ids), p.requirements(p.library)
		require.NotEmpty(t, all)
		for _, id := range all {
			if slices.Contains(library, id) {
				require.Contains(t, told, id)
				require.Zero(t, shown[id], "%s is shown by a scenario: it is not for the library alone", id)
			} else {
				require.Positive(t, shown[id], "no scenario shows %s", id)
			}
		}
		cited := told
		for _, name := range []string{model.PolicyFile, model.CatalogFile, model.ScenariosFile} {
			cited = append(cited, requirementID.FindAllString(p.text(t, name), -1)...)
		}
		require.Subset(t, all, cited)
	})
}

// The names that hosts use and that the library asks for.
func TestCatalog(t *testing.T) {
	both := model.AtTenant | model.AtDossier
	asked := map[model.Permission]model.Place{
		model.EditSelf:   model.AtTenant,
		model.ViewTenant: model.AtTenant, model.EditTenant: model.AtTenant,
		model.ViewMember: both, model.InviteMember: both, model.RemoveMember: both,
		model.CreateDossier: model.AtTenant,
		model.SeeDossier:    model.AtDossier, model.ConfigureDossier: model.AtDossier,
		model.AssignDossier: model.AtDossier, model.CloseDossier: model.AtDossier,
		model.SubmitAccountRequest: model.AtDossier, model.DecideAccountRequest: model.AtDossier,
		model.ViewAudit: model.AtTenant, model.ConductReview: model.AtTenant,
	}
	eachPack(t, func(t *testing.T, p packTest) {
		for permission, place := range asked {
			entry, found := p.pack.Catalog.Permission(permission)
			require.True(t, found, permission)
			require.Equal(t, place, entry.Place, permission)
		}
		held := map[model.Place][]string{}
		var required, topics []string
		for _, e := range p.pack.Catalog.Profiles {
			held[e.Place] = append(held[e.Place], e.Profile.String())
			if e.Required {
				required = append(required, e.Profile.String())
			}
		}
		for _, e := range p.pack.Catalog.Topics {
			topics = append(topics, e.Topic.String())
		}
		require.Equal(t, strings.Fields(p.tenant), fields(held[model.AtTenant]))
		require.Equal(t, strings.Fields(p.dossier), fields(held[model.AtDossier]))
		require.Empty(t, held[both])
		require.Contains(t, held[0], model.Member.String())
		require.Equal(t, strings.Fields(p.required), fields(required))
		require.Equal(t, strings.Fields(p.topics), fields(topics))
	})
}

// fields returns words as strings.Fields does: empty for none.
func fields(words []string) []string { return strings.Fields(strings.Join(words, " ")) }

// Every pack shows by example that nothing crosses tenants and says what never is.
func TestEveryPackDenies(t *testing.T) {
	eachPack(t, func(t *testing.T, p packTest) {
		crossing, nevers := 0, 0
		for _, s := range p.scenarios {
			nevers += len(s.Nevers)
			for _, c := range s.Checks {
				here, elsewhere := false, false
				for _, r := range s.Rules {
					if r.PType == "g" && r.V[0] == c.Subject {
						in := strings.HasPrefix(r.V[2], c.Domain.Tenant().String()+"/")
						here, elsewhere = here || in, elsewhere || !in
					}
				}
				if !c.Allow && elsewhere && !here {
					crossing++
				}
			}
		}
		require.Greater(t, crossing, 5)
		require.Greater(t, nevers, 5)
	})
}

// Somebody with every profile in one tenant, and assigned there, has none of
// the permissions in another, with all that can be true of both.
func TestNothingCrossesTenants(t *testing.T) {
	eachPack(t, func(t *testing.T, p packTest) {
		var ofTenant, ofDossier string
		for _, r := range p.pack.Rules {
			trait, err := model.ParseTrait(r.V[p.pack.Model.Field("dom")])
			if r.PType != "p" || err != nil || strings.Contains(ofTenant+ofDossier+",", ", "+trait.String()+",") {
				continue
			}
			switch trait.Kind() {
			case model.KindSetting, model.KindActivated, model.KindReleased:
				ofTenant += ", " + trait.String()
			case model.KindModule:
				ofDossier += ", " + trait.String()
			}
		}
		var world, questions strings.Builder
		world.WriteString("case, x\n")
		for _, tenant := range []string{"acme", "bond"} {
			fmt.Fprintf(&world, "tenant, %s%s\ndossier, %s/d1%s\n", tenant, ofTenant, tenant, ofDossier)
		}
		world.WriteString("g, user:x, assigned, acme/d1\n")
		for _, e := range p.pack.Catalog.Profiles {
			at := "acme/*"
			if e.Place == model.AtDossier {
				at = "acme/d1"
			}
			if e.Place != 0 {
				fmt.Fprintf(&world, "g, user:x, %s, %s\n", e.Profile, at)
			}
			for d, place := range map[string]model.Place{"DOM/": model.AtTenant, "DOM/d1": model.AtDossier} {
				if e.Place&place != 0 {
					fmt.Fprintf(&questions, "deny, user:x, %s, profile:%s, grant\n", d, e.Profile)
				}
			}
		}
		for _, e := range p.pack.Catalog.Permissions {
			for d, place := range map[string]model.Place{"DOM/": model.AtTenant, "DOM/d1": model.AtDossier} {
				if e.Place&place != 0 {
					fmt.Fprintf(&questions, "deny, user:x, %s, %s, %s\n", d, e.Permission.Object(), e.Permission.Action())
				}
			}
		}
		run := func(tenant string) model.Faults {
			text := world.String() + strings.ReplaceAll(questions.String(), "DOM", tenant)
			faults, err := trial.Run(trial.Ours, p.pack, model.ScenariosFile, p.read(t, text))
			require.NoError(t, err)
			return faults
		}
		require.Empty(t, run("bond"))
		require.NotEmpty(t, run("acme"), "the questions are no test: they are denied at home too")
	})
}
