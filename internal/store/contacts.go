package store

import "github.com/volmacht/volmacht/model"

// A Contact is an address at which a tenant reaches a person about a dossier,
// or about the tenant itself where Dossier is "", with what is switched on for
// it. Accepted is when the person accepted an invitation to it, or 0.
type Contact struct {
	Tenant    model.TenantID `gorm:"column:tenant;primaryKey"`
	Dossier   string         `gorm:"column:dossier;primaryKey"`
	Person    model.UserID   `gorm:"column:person;primaryKey"`
	Canonical string         `gorm:"column:canonical;primaryKey"`
	Typed     string         `gorm:"column:typed"`
	Label     string         `gorm:"column:label"`
	Login     bool           `gorm:"column:login"`
	Notify    bool           `gorm:"column:notify"`
	Sync      bool           `gorm:"column:sync"`
	Accepted  Micros         `gorm:"column:accepted"`
	Since     Micros         `gorm:"column:since"`
}

// TableName implements gorm's Tabler.
func (Contact) TableName() string { return "volmacht_contacts" }
