package authz

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Config is what [Open] needs to know. Every field but Pack may be left zero.
type Config struct {
	// Pack is the policy: a shipped one, such as accountancy.Pack(), or one's
	// own, read with model.ReadPack. See [Open] for when it comes in force.
	Pack *model.Pack

	// Clock tells the time for decisions, grants and the ledger. Nil is
	// time.Now.
	Clock func() time.Time

	// Staleness is how long a check may go on with what this node knows
	// before it must ask the database whether that is still the newest. It
	// is also how soon a change made by another process is seen here. Zero is
	// one second. Changes made through this Authz are seen at once. Time in which
	// the machine is suspended does not count.
	Staleness time.Duration

	// Requests is how long an account that was asked for can be given. Zero is
	// 30 days.
	Requests time.Duration

	// Tenants is how many tenants are kept in memory. Zero is 10,000.
	Tenants int

	// Invitations says how long the links of invitations are good.
	Invitations InvitationTerms

	// Mail is how mails are sent. A process that leaves it zero sends none:
	// its messages wait in the database for one that does.
	Mail Mail

	// Verify is the share of checks, from 0 to 1, that are asked of Casbin
	// itself too, freshly built from the same rows: those of Enforce, Require
	// and EnforceBatch, at random. A check on which the two differ is denied,
	// logged at level error with all that it takes to ask it again, and counted;
	// see [Authz.Differences]. Zero is never, and costs nothing.
	//
	// Under the model of the shipped packs Casbin is built for each check that is
	// verified, from the rows that concern it: 0.8 ms, with three client users on
	// each of 100 dossiers as of 1,000, on a busy machine. The first one after a
	// change sorts the rows of the tenant: 8 and 75 ms. Under another model all
	// rows are used, and the enforcer is kept until the tenant's next change; it
	// takes time by the square of the dossiers, so that is for tests and for small
	// tenants. No check waits for Casbin longer than its context. What
	// [Resolved.Can] answers is not verified.
	Verify float64

	// Logger is where a difference is logged. Nil is slog.Default(), as it is
	// when Open is called.
	Logger *slog.Logger
}

// Authz answers who may do what in whose dossier, and makes the changes that
// people ask for. It is safe for concurrent use. The zero Authz refuses
// everything with an error; see [Open].
type Authz struct {
	*core
	tx *transaction // the open transaction, for the Authz inside a Tx
}

type core struct {
	store  *store.Store
	packs  *packs
	clock  func() time.Time
	tick   func() time.Time // now, made once: a check allocates nothing
	terms  InvitationTerms
	cache  *cache
	mail   *courier
	closed atomic.Bool

	memberships memberships

	verifier *verifier               // nil: no check is verified
	dialect  atomic.Pointer[dialect] // of the database, once a Scope has asked
	requests time.Duration           // how long one can be approved
}

// OpenSQLite opens the SQLite file at path, making it when it is not there,
// with what Volmacht needs of SQLite: a write-ahead log, foreign keys, and
// transactions that wait for each other. Hosts with a database of their own
// pass its *gorm.DB to [Open] instead.
func OpenSQLite(path string) (*gorm.DB, error) { return store.OpenSQLite(path) }

// Open prepares the database (SQLite, PostgreSQL, MariaDB or MySQL) and
// returns an Authz on it. The handle stays the host's: Open uses its
// connections, and Close does not close it. Several processes may open one
// database, at the same time, too.
//
// Open brings the tables up to date. Once a newer version of this module has changed
// them, Open of an older one fails; processes that are open go on.
//
// The pack in force is kept in the database, and every process goes by it. Open
// publishes cfg.Pack when there is none yet, and when cfg.Pack has a higher
// version than the one in force. A lower version is left alone, so that a process
// with an older pack can restart while a newer one is rolled out. Another pack, or a
// changed one under the same version, is an [ErrConflict].
func Open(ctx context.Context, db *gorm.DB, cfg Config) (*Authz, error) {
	if cfg.Pack == nil {
		return nil, fmt.Errorf("authz: Config.Pack is not set: %w", ErrInvalid)
	}
	if cfg.Staleness < 0 || cfg.Requests < 0 || cfg.Tenants < 0 {
		return nil, fmt.Errorf("authz: Config.Staleness, Config.Requests and Config.Tenants cannot be negative: %w", ErrInvalid)
	}
	if !(cfg.Verify >= 0 && cfg.Verify <= 1) { // nor is it NaN
		return nil, fmt.Errorf("authz: Config.Verify is %v: want a share from 0 to 1: %w", cfg.Verify, ErrInvalid)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Staleness == 0 {
		cfg.Staleness = time.Second
	}
	if cfg.Requests == 0 {
		cfg.Requests = 30 * day
	}
	if cfg.Tenants == 0 {
		cfg.Tenants = 10_000
	}
	terms, err := cfg.Invitations.check()
	if err != nil {
		return nil, fmt.Errorf("authz: %w", err)
	}
	mail, err := newCourier(cfg.Mail)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("authz: open: %w", err)
	}
	known := new(packs)
	az := &Authz{core: &core{
		store:    s,
		packs:    known,
		clock:    cfg.Clock,
		verifier: newVerifier(cfg),
		terms:    terms,
		mail:     mail,
		requests: cfg.Requests,
		cache: &cache{
			store:     s,
			packs:     known,
			staleness: cfg.Staleness,
			limit:     cfg.Tenants,
		},
	}}
	az.tick = az.core.now
	if err := az.install(ctx, cfg.Pack); err != nil {
		return nil, fmt.Errorf("authz: open: %w", err)
	}
	return az, nil
}

// Close ends the use of az: every later call fails. The host's database
// handle stays open.
func (az *Authz) Close() error {
	if err := az.ready(); err != nil {
		return err
	}
	if az.tx != nil {
		return fmt.Errorf("authz: close: inside a transaction: %w", ErrInvalid)
	}
	az.closed.Store(true)
	return nil
}

// ready is the first thing every method asks.
func (az *Authz) ready() error {
	switch {
	case az == nil || az.core == nil:
		return fmt.Errorf("authz: not opened: use authz.Open: %w", ErrInvalid)
	case az.closed.Load():
		return fmt.Errorf("authz: closed: %w", ErrInvalid)
	case az.tx != nil:
		return az.tx.usable()
	}
	return nil
}

// now is the time that decides, at the grain in which it is stored.
func (c *core) now() time.Time { return c.clock().UTC().Truncate(time.Microsecond) }

// state returns what a read goes by: in a transaction its own view, which
// has the changes made so far.
func (az *Authz) state(ctx context.Context, t model.TenantID) (*state, error) {
	if t.IsZero() {
		return nil, fmt.Errorf("tenant is not set: %w", ErrInvalid)
	}
	if az.tx != nil {
		return az.tx.state(ctx, t)
	}
	return az.cache.current(ctx, t)
}

// Revision returns the number of the tenant's newest change that this node
// knows of. It is at least the one of any change made through az before.
func (az *Authz) Revision(ctx context.Context, t model.TenantID) (uint64, error) {
	if err := az.ready(); err != nil {
		return 0, err
	}
	st, err := az.state(ctx, t)
	if err != nil {
		return 0, fmt.Errorf("authz: revision: %w", err)
	}
	return st.head.Revision, nil
}
