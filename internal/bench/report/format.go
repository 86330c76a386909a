package report

import (
	"fmt"
	"math"
	"strconv"
)

// duration writes nanoseconds with two or three digits that count: 42 ns,
// 1.6 µs, 3.1 ms.
func duration(ns float64) string {
	if ns == 0 {
		return "–"
	}
	for _, unit := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= 0.9995*unit.ns {
			return digits(ns/unit.ns) + " " + unit.name
		}
	}
	return digits(ns) + " ns"
}

func digits(v float64) string {
	if v < 9.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return grouped(math.Round(v))
}

// ratio writes a over b: 0.25 ×, 1.3 ×, 120 ×.
func ratio(a, b float64) string {
	switch r := a / b; {
	case a == 0 || b == 0:
		return "–"
	case r < 0.95:
		return fmt.Sprintf("%.2f ×", r)
	default:
		return digits(r) + " ×"
	}
}

// grouped writes a whole number with commas between thousands.
func grouped(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func bytes(n uint64) string {
	if n < 1<<20 {
		return digits(float64(n)/1000) + " kB"
	}
	return digits(float64(n)/1e6) + " MB"
}
