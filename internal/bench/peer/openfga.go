//go:build peers

package peer

import (
	"context"
	_ "embed"
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

// OpenFGA has a relation for each profile and one for each permission. What is
// closed on a dossier, or open on it alone, is a tuple with a userset, the
// documentation's way to say "the clients of this dossier", so that nothing is
// walked where there is no such tuple; and the office is the parent through which
// its staff come in, once as the office it belongs to and once as the one that it
// is open to, which a private dossier lacks. Each office has a store of its own,
// which is what stores are for, and which the datastore in memory needs: it walks
// all tuples of a store for each read. Tuples are loaded straight into the
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
}

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
	f := &fgaEngine{w: w, server: s}
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
	for o, tuples := range fgaTuples(f.w.Copy()) {
		if err := datastore.Write(ctx, f.stores[o], nil, tuples); err != nil {
			return err
		}
	}
	return nil
}

const everyone = "user:*"

// fgaTuples are the tuples of each office.
func fgaTuples(w *world.World) [][]*openfgav1.TupleKey {
	all := make([][]*openfgav1.TupleKey, len(w.Offices))
	for i, o := range w.Offices {
		for relation, on := range map[string]bool{"admin_only": o.AdminOnly, "self_service": o.SelfService} {
			if on {
				all[i] = append(all[i], tuple.NewTupleKey("office:"+o.ID, relation, everyone))
			}
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
			{true, "office", "office:" + w.Offices[d.Office].ID},
			{!d.Private, "open_to", "office:" + w.Offices[d.Office].ID},
			{d.Worklist, "use_worklist", object + "#assigned_support"},
			{d.Payment, "use_payment", object + "#reader"},
			{d.Financial, "view_bank_account", object + "#reader"},
			{d.Configuration == 'B', "no_feedback", object + "#client"},
			{d.Configuration == 'D', "no_intake", object + "#client"},
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
		link(l.User, l.Dossier, "assigned")
	}
	for _, p := range w.Places {
		link(p.User, p.Dossier, p.Profile.Name())
	}
	return all
}

// relation is the name of a permission in the model: "view_document_own".
func relation(p world.Permission) string {
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

func (f *fgaEngine) Permissions(c world.Check) ([]world.Permission, error) {
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

func (f *fgaEngine) Dossiers(c world.Check) ([]string, error) {
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

func (f *fgaEngine) write(p world.Place, r *openfgav1.WriteRequest) error {
	o := f.w.Dossiers[p.Dossier].Office
	r.StoreId, r.AuthorizationModelId = f.stores[o], f.models[o]
	_, err := f.server.Write(context.Background(), r)
	return err
}

func (f *fgaEngine) Grant(p world.Place) error {
	return f.write(p, &openfgav1.WriteRequest{Writes: &openfgav1.WriteRequestWrites{TupleKeys: []*openfgav1.TupleKey{
		tuple.NewTupleKey("dossier:"+f.w.Dossiers[p.Dossier].ID, p.Profile.Name(), "user:"+f.w.Users[p.User].ID),
	}}})
}

func (f *fgaEngine) Revoke(p world.Place) error {
	return f.write(p, &openfgav1.WriteRequest{Deletes: &openfgav1.WriteRequestDeletes{TupleKeys: []*openfgav1.TupleKeyWithoutCondition{{
		Object: "dossier:" + f.w.Dossiers[p.Dossier].ID, Relation: p.Profile.Name(), User: "user:" + f.w.Users[p.User].ID,
	}}}})
}

func (f *fgaEngine) Close() error {
	f.server.Close()
	return nil
}
