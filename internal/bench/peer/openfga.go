//go:build peers

package peer

import (
	"context"
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"github.com/openfga/language/pkg/go/transformer"
	"github.com/openfga/openfga/pkg/server"
	"github.com/openfga/openfga/pkg/storage"
	"github.com/openfga/openfga/pkg/storage/memory"
	"github.com/openfga/openfga/pkg/tuple"

	"github.com/volmacht/volmacht/internal/bench/world"
)

const openfgaModule = "github.com/openfga/openfga"

// OpenFGA resolves every relation that a permission is made of on its own, each
// after a search through the whole model, so the model has few relations, close
// to the tuples, and the host does what it can before: permissions that are the
// same for everybody share a relation; a place is written, in one request, as
// the two to five relations that its profile comes down to, and one more where
// the configuration closes something to a client user, so that no permission
// asks for one profile after the other and what is excluded is one tuple; and
// who of the staff is assigned is written as what the office makes of them. What
// is rarely written is a userset instead, one tuple for all of its users: the
// admins of the office on a dossier that is not private, and modules, worklist
// and settings, which cost nothing to walk where they are off. The price is that
// the host writes again what it wrote of a dossier when its configuration
// changes, of somebody when their staff profile does, and of every dossier when
// the office turns self-service on or off. Each office has a store of its own,
// which is what stores are for, and which the datastore in memory needs: it
// walks all tuples of a store for each read. Tuples are loaded straight into the
// datastore, a whole store at once.
//
//go:embed accountancy.fga
var fgaModel string

// fgaCache is large enough for every answer of a stream, and lives as long as
// a run, so that what is timed is the cache.
const (
	fgaCacheLimit = 10_000_000
	fgaCacheTTL   = 24 * time.Hour
)

type fgaEngine struct {
	w      *world.World
	server *server.Server
	stores []string // by office
	models []string
	held   map[fgaHeld]uint8 // the profiles of a user on a dossier, one bit for each
}

type fgaHeld struct{ user, dossier int32 }

func newOpenFGA(ctx context.Context, w *world.World) (Engine, error) { return openFGA(ctx, w) }

func newOpenFGACached(ctx context.Context, w *world.World) (Engine, error) {
	return openFGA(ctx, w,
		server.WithCheckQueryCacheEnabled(true),
		server.WithCheckQueryCacheTTL(fgaCacheTTL),
		server.WithCheckCacheLimit(fgaCacheLimit),
	)
}

func openFGA(ctx context.Context, w *world.World, options ...server.OpenFGAServiceV1Option) (Engine, error) {
	datastore := memory.New(memory.WithMaxTuplesPerWrite(1 << 20))
	s, err := server.NewServerWithOpts(append(options,
		server.WithDatastore(datastore),
		server.WithListObjectsMaxResults(0), // all of them
		server.WithListObjectsDeadline(time.Minute),
	)...)
	if err != nil {
		return nil, err
	}
	f := &fgaEngine{w: w, server: s, held: map[fgaHeld]uint8{}}
	if err := f.load(ctx, datastore); err != nil {
		s.Close()
		return nil, err
	}
	return f, nil
}

func (f *fgaEngine) load(ctx context.Context, datastore storage.OpenFGADatastore) error {
	m, err := transformer.TransformDSLToProto(fgaModel)
	if err != nil {
		return err
	}
	for range f.w.Offices {
		store, err := f.server.CreateStore(ctx, &openfgav1.CreateStoreRequest{Name: "office"})
		if err != nil {
			return err
		}
		written, err := f.server.WriteAuthorizationModel(ctx, &openfgav1.WriteAuthorizationModelRequest{
			StoreId: store.GetId(), SchemaVersion: m.GetSchemaVersion(), TypeDefinitions: m.GetTypeDefinitions(),
		})
		if err != nil {
			return err
		}
		f.stores, f.models = append(f.stores, store.GetId()), append(f.models, written.GetAuthorizationModelId())
	}
	for _, p := range f.w.Places {
		f.held[fgaHeld{p.User, p.Dossier}] |= 1 << p.Profile
	}
	for o, tuples := range fgaTuples(f.w.Copy(), f.held) {
		if err := datastore.Write(ctx, f.stores[o], nil, tuples); err != nil {
			return err
		}
	}
	return nil
}

// fgaProfiles are the relations that a place of each profile is written as.
var fgaProfiles = [world.Profiles][]string{
	world.Administrator:             {"enter_portal", "view_document", "reader", "use_communication", "administrator"},
	world.FullAccess:                {"enter_portal", "view_document", "reader", "use_communication"},
	world.DocumentProcessing:        {"enter_portal", "view_document"},
	world.DocumentProcessingArchive: {"enter_portal", "view_document", "view_archive"},
	world.FullFeedback:              {"enter_portal", "reader"},
	world.DocumentDelivery:          {"enter_portal", "view_document_own"},
}

// fgaRelations are those of whoever holds profiles on a dossier of that
// configuration, each once.
func fgaRelations(profiles uint8, configuration byte) []string {
	var all []string
	for p := range world.Profiles {
		if profiles&(1<<p) == 0 {
			continue
		}
		for _, relation := range fgaProfiles[p] {
			if !slices.Contains(all, relation) {
				all = append(all, relation)
			}
		}
	}
	switch {
	case profiles == 0:
	case configuration == 'B':
		all = append(all, "no_feedback")
	case configuration == 'D':
		all = append(all, "no_intake")
	}
	return all
}

// fgaTuples are the tuples of each office.
func fgaTuples(w *world.World, held map[fgaHeld]uint8) [][]*openfgav1.TupleKey {
	all := make([][]*openfgav1.TupleKey, len(w.Offices))
	for i, o := range w.Offices {
		if office := "office:" + o.ID; !o.AdminOnly {
			all[i] = append(all[i], tuple.NewTupleKey(office, "create_dossier", office+"#employee"))
		}
	}
	for _, u := range w.Users {
		office := "office:" + w.Offices[u.Office].ID
		all[u.Office] = append(all[u.Office], tuple.NewTupleKey(office, "member", "user:"+u.ID))
		if u.Staff != 0 {
			all[u.Office] = append(all[u.Office], tuple.NewTupleKey(office, u.Staff.Name(), "user:"+u.ID))
		}
	}
	for _, d := range w.Dossiers {
		object := "dossier:" + d.ID
		for _, t := range []struct {
			on             bool
			relation, user string
		}{
			{!d.Private, "staff", "office:" + w.Offices[d.Office].ID + "#admin"},
			{w.Offices[d.Office].SelfService, "invite_member", object + "#administrator"},
			{d.Worklist, "use_worklist", object + "#support"},
			{d.Payment, "use_payment", object + "#reader"},
			{d.Financial, "view_bank_account", object + "#reader"},
		} {
			if t.on {
				all[d.Office] = append(all[d.Office], tuple.NewTupleKey(object, t.relation, t.user))
			}
		}
	}
	link := func(u, d int32, relation string) {
		o := w.Dossiers[d].Office
		all[o] = append(all[o], tuple.NewTupleKey("dossier:"+w.Dossiers[d].ID, relation, "user:"+w.Users[u].ID))
	}
	for _, l := range w.Links {
		relation := "staff"
		if w.Users[l.User].Staff == world.Support {
			relation = "support"
		}
		link(l.User, l.Dossier, relation)
	}
	for h, profiles := range held {
		for _, relation := range fgaRelations(profiles, w.Dossiers[h.dossier].Configuration) {
			link(h.user, h.dossier, relation)
		}
	}
	return all
}

// relation is the name of a permission in the model, "view_document_own", or that
// of the relation that the very same users have.
func relation(p world.Permission) string {
	switch p {
	case world.EditSelf:
		return "member"
	case world.EditTenant:
		return "admin"
	case world.ConfigureDossier:
		return "staff"
	case world.PreparePayment:
		p = world.ViewDocument
	case world.ForwardDocument:
		p = world.ProcessDocument
	case world.ForwardOwn:
		p = world.SubmitDocument
	case world.ViewReport, world.ViewHistory:
		p = world.ViewFigure
	}
	return p.Action() + "_" + strings.ReplaceAll(p.Object(), ":", "_")
}

func (f *fgaEngine) key(c world.Check) *openfgav1.CheckRequestTupleKey {
	t := textOf(f.w, c)
	object := "office:" + t.office
	if t.dossier != "" {
		object = "dossier:" + t.dossier
	}
	return tuple.NewCheckRequestTupleKey(object, relation(c.Permission), "user:"+t.user)
}

func (f *fgaEngine) Ask(checks []world.Check) func(int) (bool, error) {
	ctx := context.Background()
	requests := make([]*openfgav1.CheckRequest, len(checks))
	for i, c := range checks {
		requests[i] = &openfgav1.CheckRequest{
			StoreId: f.stores[c.Office], AuthorizationModelId: f.models[c.Office], TupleKey: f.key(c),
		}
	}
	return func(i int) (bool, error) {
		response, err := f.server.Check(ctx, requests[i])
		return response.GetAllowed(), err
	}
}

func (f *fgaEngine) permissions(c world.Check) ([]world.Permission, error) {
	request := &openfgav1.BatchCheckRequest{StoreId: f.stores[c.Office], AuthorizationModelId: f.models[c.Office]}
	for c.Permission = range world.Listed {
		request.Checks = append(request.Checks, &openfgav1.BatchCheckItem{TupleKey: f.key(c), CorrelationId: strconv.Itoa(int(c.Permission))})
	}
	response, err := f.server.BatchCheck(context.Background(), request)
	if err != nil {
		return nil, err
	}
	var all []world.Permission
	for p := range world.Listed {
		if response.GetResult()[strconv.Itoa(int(p))].GetAllowed() {
			all = append(all, p)
		}
	}
	return all, nil
}

func (f *fgaEngine) dossiers(c world.Check) ([]string, error) {
	response, err := f.server.ListObjects(context.Background(), &openfgav1.ListObjectsRequest{
		StoreId: f.stores[c.Office], AuthorizationModelId: f.models[c.Office],
		Type: "dossier", Relation: relation(c.Permission), User: "user:" + f.w.Users[c.User].ID,
	})
	if err != nil {
		return nil, err
	}
	all := response.GetObjects()
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], "dossier:")
	}
	return all, nil
}

// Permissions implements [Lister].
func (f *fgaEngine) Permissions(checks []world.Check) func(int) ([]world.Permission, error) {
	return each(checks, f.permissions)
}

// Dossiers implements [Lister].
func (f *fgaEngine) Dossiers(checks []world.Check) func(int) ([]string, error) {
	return each(checks, f.dossiers)
}

func (f *fgaEngine) Grant(p world.Place) error {
	return f.hold(p, f.held[fgaHeld{p.User, p.Dossier}]|1<<p.Profile)
}

func (f *fgaEngine) Revoke(p world.Place) error {
	return f.hold(p, f.held[fgaHeld{p.User, p.Dossier}]&^(1<<p.Profile))
}

// hold writes, at once, what changes when the user of p comes to hold profiles
// on its dossier: what another profile gives as well is left alone.
func (f *fgaEngine) hold(p world.Place, profiles uint8) error {
	h, d := fgaHeld{p.User, p.Dossier}, f.w.Dossiers[p.Dossier]
	object, user := "dossier:"+d.ID, "user:"+f.w.Users[p.User].ID
	before, after := fgaRelations(f.held[h], d.Configuration), fgaRelations(profiles, d.Configuration)
	r := &openfgav1.WriteRequest{StoreId: f.stores[d.Office], AuthorizationModelId: f.models[d.Office]}
	for _, relation := range after {
		if !slices.Contains(before, relation) {
			if r.Writes == nil {
				r.Writes = &openfgav1.WriteRequestWrites{}
			}
			r.Writes.TupleKeys = append(r.Writes.TupleKeys, tuple.NewTupleKey(object, relation, user))
		}
	}
	for _, relation := range before {
		if !slices.Contains(after, relation) {
			if r.Deletes == nil {
				r.Deletes = &openfgav1.WriteRequestDeletes{}
			}
			r.Deletes.TupleKeys = append(r.Deletes.TupleKeys,
				&openfgav1.TupleKeyWithoutCondition{Object: object, Relation: relation, User: user})
		}
	}
	if r.Writes != nil || r.Deletes != nil { // a request without either is refused
		if _, err := f.server.Write(context.Background(), r); err != nil {
			return err
		}
	}
	f.held[h] = profiles
	if profiles == 0 {
		delete(f.held, h)
	}
	return nil
}

func (f *fgaEngine) Close() error {
	f.server.Close()
	return nil
}
