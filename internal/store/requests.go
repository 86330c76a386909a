package store

import "github.com/volmacht/volmacht/model"

// States of a request for an account, besides [Declined]. One that is open and
// past ExpiresAt has expired; it is marked so when the next one is made.
const (
	RequestOpen = "open"
	Approved    = "approved"
	Expired     = "expired"
)

// An AccountRequest asks for an account for somebody on a dossier. Mailed says
// whether there was an address to send it to. There is one open one for an
// address on a dossier; for a second one the write fails with [ErrConflict].
type AccountRequest struct {
	Tenant     model.TenantID     `gorm:"column:tenant;primaryKey"`
	ID         model.RequestID    `gorm:"column:id;primaryKey"`
	Dossier    model.DossierID    `gorm:"column:dossier"`
	FirstName  string             `gorm:"column:first_name"`
	LastName   string             `gorm:"column:last_name"`
	Canonical  string             `gorm:"column:canonical"`
	Typed      string             `gorm:"column:typed"`
	Locale     string             `gorm:"column:locale"`
	Profile    model.Profile      `gorm:"column:profile"`
	Note       string             `gorm:"column:note"`
	State      string             `gorm:"column:state"`
	AskedBy    string             `gorm:"column:asked_by"`
	AskedAt    Micros             `gorm:"column:asked_at"`
	ExpiresAt  Micros             `gorm:"column:expires_at"`
	Mailed     bool               `gorm:"column:mailed"`
	DecidedBy  string             `gorm:"column:decided_by"`
	DecidedAt  Micros             `gorm:"column:decided_at"`
	Reason     string             `gorm:"column:reason"`
	Invitation model.InvitationID `gorm:"column:invitation"`
}

// TableName implements gorm's Tabler.
func (AccountRequest) TableName() string { return "volmacht_account_requests" }
