package store

import "github.com/volmacht/volmacht/model"

// States of a message.
const (
	Queued  = "queued"
	Sent    = "sent"
	Dropped = "dropped" // when its turn came there was no reason to send it any more
	Dead    = "dead"    // given up after too many attempts
)

// A Message waits to be sent, or was. ID is the key under which it is sent,
// however often that is tried. Subject is the ID of what it is about, such as an
// invitation. Data is JSON, and never holds a token.
type Message struct {
	ID           string `gorm:"column:id;primaryKey"`
	Kind         string `gorm:"column:kind"`
	Tenant       string `gorm:"column:tenant"`
	Dossier      string `gorm:"column:dossier"`
	Topic        string `gorm:"column:topic"`
	Subject      string `gorm:"column:subject"`
	Person       string `gorm:"column:person"`
	Name         string `gorm:"column:name"`
	Email        string `gorm:"column:email"`
	Locale       string `gorm:"column:locale"`
	Data         string `gorm:"column:data"`
	State        string `gorm:"column:state"`
	Attempts     int    `gorm:"column:attempts"`
	NextAt       Micros `gorm:"column:next_at"`
	ClaimedBy    string `gorm:"column:claimed_by"`
	ClaimedUntil Micros `gorm:"column:claimed_until"`
	Failure      string `gorm:"column:failure"`
	QueuedAt     Micros `gorm:"column:queued_at"`
	DoneAt       Micros `gorm:"column:done_at"`
}

// A Copy is where a tenant gets a copy of what is sent in its name, and which
// actor has said so.
type Copy struct {
	Tenant model.TenantID `gorm:"column:tenant;primaryKey"`
	Email  string         `gorm:"column:email"`
	SetBy  string         `gorm:"column:set_by"`
}

// A Preference says whether a person wants a topic at an address.
type Preference struct {
	Tenant    model.TenantID `gorm:"column:tenant;primaryKey"`
	Dossier   string         `gorm:"column:dossier;primaryKey"`
	Person    model.UserID   `gorm:"column:person;primaryKey"`
	Canonical string         `gorm:"column:canonical;primaryKey"`
	Topic     model.Topic    `gorm:"column:topic;primaryKey"`
	Wanted    bool           `gorm:"column:wanted"`
}

// TableName implements gorm's Tabler.
func (Message) TableName() string { return "volmacht_messages" }

// TableName implements gorm's Tabler.
func (Copy) TableName() string { return "volmacht_copies" }

// TableName implements gorm's Tabler.
func (Preference) TableName() string { return "volmacht_preferences" }
