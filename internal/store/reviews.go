package store

import "github.com/volmacht/volmacht/model"

// A ReviewSchedule says when a tenant's next review of access opens.
type ReviewSchedule struct {
	Tenant    model.TenantID `gorm:"column:tenant;primaryKey"`
	EveryDays int            `gorm:"column:every_days"`
	DueDays   int            `gorm:"column:due_days"`
	NextAt    Micros         `gorm:"column:next_at"`
}

// A Review asks whether everybody in a tenant should have the access they have.
// It is open until ClosedAt; a tenant has one open one at most. RemindAt is
// when the next reminder goes out.
type Review struct {
	Tenant   model.TenantID `gorm:"column:tenant;primaryKey"`
	ID       model.ReviewID `gorm:"column:id;primaryKey"`
	OpenedBy string         `gorm:"column:opened_by"`
	OpenedAt Micros         `gorm:"column:opened_at"`
	DueAt    Micros         `gorm:"column:due_at"`
	RemindAt Micros         `gorm:"column:remind_at"`
	ClosedAt Micros         `gorm:"column:closed_at"`
}

// Decisions on a [ReviewItem]; "" is none yet.
const (
	Confirmed = "confirmed"
	Changed   = "changed"
	Removed   = "removed"
)

// A ReviewItem is one thing that a review asks about: that Subject has Role,
// which is what the second field of a g row says, on Dossier, or throughout the
// tenant where that is "". State is the state of a member when the review was
// opened, Became the profile that a changed one was changed into.
type ReviewItem struct {
	Tenant    model.TenantID `gorm:"column:tenant;primaryKey"`
	Review    model.ReviewID `gorm:"column:review;primaryKey"`
	Subject   string         `gorm:"column:subject;primaryKey"`
	Dossier   string         `gorm:"column:dossier;primaryKey"`
	Role      string         `gorm:"column:role;primaryKey"`
	State     string         `gorm:"column:state"`
	Decision  string         `gorm:"column:decision"`
	Became    model.Profile  `gorm:"column:became"`
	DecidedBy string         `gorm:"column:decided_by"`
	DecidedAt Micros         `gorm:"column:decided_at"`
}

// TableName implements gorm's Tabler.
func (ReviewSchedule) TableName() string { return "volmacht_review_schedules" }

// TableName implements gorm's Tabler.
func (Review) TableName() string { return "volmacht_reviews" }

// TableName implements gorm's Tabler.
func (ReviewItem) TableName() string { return "volmacht_review_items" }
