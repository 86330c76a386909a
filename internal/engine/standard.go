package engine

import "github.com/volmacht/volmacht/model"

// IsStandard reports whether m is the model of the shipped packs, whose rows
// other packages may read by their fields.
func IsStandard(m *model.Model) bool { return squeeze(m.Text) == squeeze(Standard) }
