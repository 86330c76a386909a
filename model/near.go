package model

import (
	"iter"
	"slices"
)

// didYouMean returns a question for the end of a fault, or "" when no
// candidate looks like name.
func didYouMean(name string, candidates iter.Seq[string]) string {
	best := Nearest(name, candidates, len(name)/3)
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

// Nearest returns the candidate other than name that looks most like it, or ""
// when all of them differ in more letters than limit.
func Nearest(name string, candidates iter.Seq[string], limit int) string {
	best := ""
	for _, c := range slices.Sorted(candidates) {
		if d := distance(name, c, limit); c != name && d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// distance returns how many letters to add, leave out, change or swap with
// their neighbour to make b of a, or more than limit when that is more.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) > limit {
		return limit + 1
	}
	var before, last []int // the rows for two and one letters of a less
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		if slices.Min(row) > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
