package store

import "github.com/volmacht/volmacht/model"

// A Contact is an address of a person on a dossier, or in a tenant where
// Dossier is "", with what is switched on for it.
type Contact struct {
	Tenant    model.TenantID `gorm:"column:tenant;primaryKey"`
	Dossier   string         `gorm:"column:dossier;primaryKey"`
	Person    model.UserID   `gorm:"column:person;primaryKey"`
	Canonical string         `gorm:"column:canonical;primaryKey"`
	Login     bool           `gorm:"column:login"`
	Notify    bool           `gorm:"column:notify"`
	Sync      bool           `gorm:"column:sync"`
	Since     Micros         `gorm:"column:since"`
}

// TableName implements gorm's Tabler.
func (Contact) TableName() string { return "volmacht_contacts" }
