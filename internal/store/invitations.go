package store

import "github.com/volmacht/volmacht/model"

// States of an invitation. One that is pending and past ExpiresAt has expired.
const (
	Pending  = "pending"
	Accepted = "accepted"
	Declined = "declined"
	Revoked  = "revoked"
)

// An Invitation offers somebody profiles in a tenant. Person is the zero ID
// until it is known who that is. Renewal, when not empty, says why a pending
// one cannot be accepted as it is. Replaces is the canonical address that loses
// its login when this one is accepted, or "".
type Invitation struct {
	ID        string         `gorm:"column:id;primaryKey"`
	Tenant    model.TenantID `gorm:"column:tenant"`
	Person    model.UserID   `gorm:"column:person"`
	FirstName string         `gorm:"column:first_name"`
	LastName  string         `gorm:"column:last_name"`
	Canonical string         `gorm:"column:canonical"`
	Typed     string         `gorm:"column:typed"`
	Locale    string         `gorm:"column:locale"`
	Note      string         `gorm:"column:note"`
	Replaces  string         `gorm:"column:replaces"`
	State     string         `gorm:"column:state"`
	Renewal   string         `gorm:"column:renewal"`
	InvitedBy string         `gorm:"column:invited_by"`
	InvitedAt Micros         `gorm:"column:invited_at"`
	ExpiresAt Micros         `gorm:"column:expires_at"`
	DecidedBy string         `gorm:"column:decided_by"`
	DecidedAt Micros         `gorm:"column:decided_at"`
}

// An InvitedGrant is a profile that an invitation offers: on a dossier, or
// throughout the tenant where Dossier is "".
type InvitedGrant struct {
	Invitation string        `gorm:"column:invitation;primaryKey"`
	Dossier    string        `gorm:"column:dossier;primaryKey"`
	Profile    model.Profile `gorm:"column:profile;primaryKey"`
}

// A MootOffer is where an invitation gives nothing any more of what it offers: on a
// dossier, or throughout the tenant where Dossier is "".
type MootOffer struct {
	Invitation string `gorm:"column:invitation;primaryKey"`
	Dossier    string `gorm:"column:dossier;primaryKey"`
}

// A Token is the SHA-256 of what a mailed link holds.
type Token struct {
	Hash       []byte `gorm:"column:hash;primaryKey"`
	Invitation string `gorm:"column:invitation"`
	MadeAt     Micros `gorm:"column:made_at"`
}

// TableName implements gorm's Tabler.
func (Invitation) TableName() string { return "volmacht_invitations" }

// TableName implements gorm's Tabler.
func (InvitedGrant) TableName() string { return "volmacht_invited_grants" }

// TableName implements gorm's Tabler.
func (MootOffer) TableName() string { return "volmacht_moot_offers" }

// TableName implements gorm's Tabler.
func (Token) TableName() string { return "volmacht_tokens" }
