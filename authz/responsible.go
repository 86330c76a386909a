package authz

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/volmacht/volmacht/internal/store"
	"github.com/volmacht/volmacht/model"
)

// Responsible is who answers for a dossier: its manager, else its team, else
// the tenant itself. One of User and Team is set, or neither.
type Responsible struct {
	User model.UserID
	Team model.TeamID

	// Name is how people call the responsible, and Email where a message
	// reaches them: a verified address of the manager before another one; the
	// general address of the team or the tenant. It is empty when there is
	// none.
	Name, Email string

	locale string
}

// Responsible tells who answers for a dossier. A manager who is not active, or
// does not see the dossier, is passed over. It takes no actor: it is for the host's
// own messages. A dossier that is closed or unknown is [ErrNotFound].
func (az *Authz) Responsible(ctx context.Context, d model.Domain) (Responsible, error) {
	found, err := az.responsible(ctx, d)
	if err != nil {
		return Responsible{}, fmt.Errorf("authz: responsible: %w", store.Translate(err))
	}
	return found, nil
}

func (az *Authz) responsible(ctx context.Context, d model.Domain) (Responsible, error) {
	if err := az.ready(); err != nil {
		return Responsible{}, err
	}
	q, err := az.query(ctx, d)
	if err != nil {
		return Responsible{}, err
	}
	return responsibleFor(q.db, q.state, d, az.now())
}

func responsibleFor(db *gorm.DB, st *state, d model.Domain, at time.Time) (Responsible, error) {
	if !st.isOpen(d) || !d.IsDossier() {
		return Responsible{}, fmt.Errorf("open dossier %q: %w", d, ErrNotFound)
	}
	row, err := loadDossier(db, d)
	if err != nil {
		return Responsible{}, err
	}
	if !row.Manager.IsZero() {
		sees, err := st.sees(row.Manager, d, at)
		if err != nil {
			return Responsible{}, err
		}
		if sees {
			p, err := loadPerson(db, row.Manager)
			return Responsible{User: row.Manager, Name: p.FirstName + " " + p.LastName, Email: p.email(), locale: p.Locale}, err
		}
	}
	if !row.Team.IsZero() {
		var team store.Team
		err := db.Where("tenant = ? AND id = ?", d.Tenant(), row.Team).Take(&team).Error
		return Responsible{Team: row.Team, Name: team.Name, Email: team.Email}, err
	}
	office, err := officeOf(db, d.Tenant())
	return Responsible{Name: office.name, Email: office.email}, err
}

// addressee is who a message to the responsible goes to.
func (r Responsible) addressee() addressee { return addressee{r.User, r.Name, r.Email, r.locale} }

// officeOf is a tenant itself, at its general address.
func officeOf(db *gorm.DB, t model.TenantID) (addressee, error) {
	var row store.Tenant
	err := db.Where("id = ?", t).Take(&row).Error
	return addressee{name: row.Name, email: row.Email}, err
}

// email returns a verified address before any other.
func (p Person) email() string {
	for _, a := range p.Addresses {
		if !a.Verified.IsZero() {
			return a.Email
		}
	}
	if len(p.Addresses) > 0 {
		return p.Addresses[0].Email
	}
	return ""
}
