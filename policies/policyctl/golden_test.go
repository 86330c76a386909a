package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the commands print into testdata")

// golden requires that got is what the file of testdata says.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// A small firm, with one of each thing that answers depend on.
const (
	firmPolicy = `# Everybody
p, member,  any,      tenant,          self,           edit,   allow
# The staff
p, boss,    any,      tenant,          tenant,         edit,   allow
p, boss,    any,      tenant,          member,         invite, allow
p, boss,    any,      tenant,          staff,          grant,  allow
p, boss,    any,      shared,          *,              *,      allow
p, clerk,   assigned, dossier,         report,         view,   allow
p, clerk,   assigned, dossier,         dossier,        assign, allow
p, clerk,   assigned, setting:open,    profile:client, grant,  allow
# The clients
p, client,  any,      dossier,         report:own,     view,   allow
p, client,  any,      module:extra,    report,         view,   allow
p, reader,  any,      activated:read,  report,         view,   allow
p, anyone,  any,      configuration:B, report,         view,   deny
g, client,  anyone, *
g, boss,    clerk,  *
g3, report:own,     report
g3, profile:boss,   staff
g3, profile:clerk,  staff
g3, profile:reader, staff
`
	firmCatalog = `pack, office, , 1, Law firm, Advocatenkantoor, Kanzlei
profile, boss, tenant, , Boss, Baas, Chef
profile, clerk, tenant, , Clerk, Klerk, Angestellter
profile, reader, tenant, , Reader, Lezer, Leser
profile, client, dossier, , Client <b>, Klant <b>, Kunde <b>
profile, anyone, none, , Anyone, Iemand, Jemand
profile, member, none, , Member, Lid, Mitglied
permission, self edit, tenant, , Edit oneself, Zich aanpassen, Sich bearbeiten
permission, tenant edit, tenant, , Edit the firm, Het kantoor aanpassen, Die Kanzlei bearbeiten
permission, member invite, tenant dossier, , Invite, Uitnodigen, Einladen
permission, dossier assign, dossier, , Assign, Toewijzen, Zuweisen
permission, dossier configure, dossier, , Configure, Instellen, Einstellen
permission, report view, dossier, , View a report | all, Een rapport bekijken, Einen Bericht ansehen
configuration, B, , , Small, Klein, Klein
configuration, C, , default, Large, Groot, Groß
module, extra, , , the extra module, de extra module, dem Zusatzmodul
setting, open, , , Open house, Open huis, Offenes Haus
`
	firmScenarios = `case, "F-1 a client under B sees nothing"
tenant, acme
dossier, acme/d1, configuration:B, module:extra
g, user:ann, boss, acme/*
g, user:carl, client, acme/d1
deny, user:carl, acme/d1, report, view
never, client, configuration:B, report, view

case, "F-2 a client sees what is theirs, and all of it with the module"
tenant, acme
dossier, acme/d1
dossier, acme/d2, private
g, user:ann, boss, acme/*
g, user:carl, client, acme/d1
g, user:tim, clerk, acme/*
allow, user:carl, acme/d1, report:own, view
deny, user:carl, acme/d1, report, view
deny, user:ann, acme/d2, report, view
deny, user:tim, acme/d1, report, view
`
)

// firm writes the pack of the firm, with files added or replaced.
func firm(t *testing.T, files map[string]string) string {
	t.Helper()
	all := map[string]string{"policy.csv": firmPolicy, "catalog.csv": firmCatalog, "scenarios.csv": firmScenarios}
	for name, text := range files {
		all[name] = text
	}
	return office(t, all)
}
