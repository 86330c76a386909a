//go:build !peers

package peer

// Complete reports whether every engine is in this build.
const Complete = false

var heavy []Maker
