//go:build peers

package peer

// Complete reports whether every engine is in this build.
const Complete = true

var heavy = []Maker{
	{Name: "opa", Title: "OPA, prepared query", Module: "github.com/open-policy-agent/opa", New: newOPA},
	{Name: "openfga-cached", Title: "OpenFGA embedded, cache on", Stale: true, Module: openfgaModule, New: newOpenFGACached},
	{Name: "openfga", Title: "OpenFGA embedded", Module: openfgaModule, New: newOpenFGA},
}
