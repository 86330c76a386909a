package store

import (
	"time"

	"github.com/volmacht/volmacht/model"
)

// Micros is a moment as the tables hold it: microseconds since 1970 UTC, with
// 0 for none.
type Micros int64

// At returns t as the tables hold it, cut to the microsecond; the zero time is 0.
func At(t time.Time) Micros {
	if t.IsZero() {
		return 0
	}
	return Micros(t.UnixMicro())
}

// Time returns m in UTC; 0 is the zero time.
func (m Micros) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// The structs below are rows of the tables of the same name, for use with
// [Tx.DB]. Every table and column is named outright, so that no naming
// strategy of the host reaches them, and no field is filled in by gorm.

// A Stream is what writers lock, and where its ledger stands. Only
// [Tx.Create] and [Tx.Record] write it.
type Stream struct {
	Name     string `gorm:"column:name;primaryKey"`
	Revision uint64 `gorm:"column:revision"`
	Hash     []byte `gorm:"column:hash"`
}

// A Tenant is a customer of the host.
type Tenant struct {
	ID        model.TenantID `gorm:"column:id;primaryKey"`
	Name      string         `gorm:"column:name"`
	Email     string         `gorm:"column:email"`
	ClosedAt  Micros         `gorm:"column:closed_at"`
	CreatedAt Micros         `gorm:"column:created_at;autoCreateTime:false"`
}

// A Person is somebody who can sign in, in any number of tenants, or, with a
// Keeper, that tenant's own record of somebody who cannot yet.
type Person struct {
	ID         model.UserID   `gorm:"column:id;primaryKey"`
	FirstName  string         `gorm:"column:first_name"`
	LastName   string         `gorm:"column:last_name"`
	Locale     string         `gorm:"column:locale"`
	Salutation string         `gorm:"column:salutation"`
	Phone      string         `gorm:"column:phone"` // in E.164, or ""
	Keeper     model.TenantID `gorm:"column:keeper"`
	CreatedAt  Micros         `gorm:"column:created_at;autoCreateTime:false"`
}

// An Address is an e-mail address that a person claims, and from VerifiedAt
// on has shown to read. One person at most has a canonical address verified;
// for a second one the write fails with [ErrConflict].
type Address struct {
	Person     model.UserID `gorm:"column:person;primaryKey"`
	Canonical  string       `gorm:"column:canonical;primaryKey"`
	Typed      string       `gorm:"column:typed"`
	Label      string       `gorm:"column:label"`
	VerifiedAt Micros       `gorm:"column:verified_at"`
	AddedAt    Micros       `gorm:"column:added_at"`
}

// States of a member. One who is invited has no access.
const (
	Invited     = "invited"
	Active      = "active"
	Deactivated = "deactivated"
)

// A Member is a person in a tenant. State is [Invited], [Active] or [Deactivated].
type Member struct {
	Tenant   model.TenantID `gorm:"column:tenant;primaryKey"`
	Person   model.UserID   `gorm:"column:person;primaryKey"`
	State    string         `gorm:"column:state"`
	External bool           `gorm:"column:external"`
	Since    Micros         `gorm:"column:since"`
}

// A Team is a group of members of a tenant.
type Team struct {
	Tenant model.TenantID `gorm:"column:tenant;primaryKey"`
	ID     model.TeamID   `gorm:"column:id;primaryKey"`
	Name   string         `gorm:"column:name"`
	Email  string         `gorm:"column:email"`
}

// A Dossier is what members of a tenant work on. Its manager is one of the
// tenant's members and its team one of the tenant's teams; the zero ID or
// name is NULL.
type Dossier struct {
	Tenant        model.TenantID      `gorm:"column:tenant;primaryKey"`
	ID            model.DossierID     `gorm:"column:id;primaryKey"`
	Name          string              `gorm:"column:name"`
	ClosedAt      Micros              `gorm:"column:closed_at"`
	Configuration model.Configuration `gorm:"column:configuration"`
	Pending       model.Configuration `gorm:"column:pending"`
	Failure       string              `gorm:"column:failure"`
	Private       bool                `gorm:"column:private"`
	Manager       model.UserID        `gorm:"column:manager"`
	Team          model.TeamID        `gorm:"column:team"`
	CreatedAt     Micros              `gorm:"column:created_at;autoCreateTime:false"`
}

// A Supporting row says that a member supports the manager of a dossier.
type Supporting struct {
	Tenant  model.TenantID  `gorm:"column:tenant;primaryKey"`
	Dossier model.DossierID `gorm:"column:dossier;primaryKey"`
	Person  model.UserID    `gorm:"column:person;primaryKey"`
}

// TableName implements gorm's Tabler.
func (Stream) TableName() string { return "volmacht_streams" }

// TableName implements gorm's Tabler.
func (Tenant) TableName() string { return "volmacht_tenants" }

// TableName implements gorm's Tabler.
func (Person) TableName() string { return "volmacht_people" }

// TableName implements gorm's Tabler.
func (Address) TableName() string { return "volmacht_addresses" }

// TableName implements gorm's Tabler.
func (Member) TableName() string { return "volmacht_members" }

// TableName implements gorm's Tabler.
func (Team) TableName() string { return "volmacht_teams" }

// TableName implements gorm's Tabler.
func (Dossier) TableName() string { return "volmacht_dossiers" }

// TableName implements gorm's Tabler.
func (Supporting) TableName() string { return "volmacht_supporting" }
