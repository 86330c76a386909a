package report

import (
	_ "embed"
	"math"
	"strings"
	"text/template"
)

//go:embed chart.svg.tmpl
var chartText string

var chartTemplate = template.Must(template.New("chart").Parse(chartText))

// The measures of the chart, in pixels.
const (
	chartLeft, chartTop    = 330, 64
	chartWidth             = 470 // of the plot
	barHeight, barGap      = 11, 1
	groupGap               = 12
	chartRight, chartUnder = 90, 40
)

type chart struct {
	Width, Height, Left, Top, Bottom, Right int
	Sizes                                   []chartSize
	Ticks                                   []chartTick
	Groups                                  []chartGroup
}

type chartSize struct {
	Name, Colour string
	X            int
}

type chartTick struct {
	X     float64
	Label string
}

type chartGroup struct {
	Title string
	Y     int // of the middle
	Bars  []chartBar
}

type chartBar struct {
	X, Y, Height  int
	Width         float64
	Colour, Label string
}

var colours = map[string]string{"XS": "#b8c4d0", "S": "#8ecae6", "M": "#219ebc", "L": "#126782"}

// drawChart draws the time of a check by engine and size, on a scale on which
// each line is ten times the one before.
func drawChart(all []Result) (string, error) {
	low, high := math.Inf(1), 0.0
	for _, r := range all {
		for _, e := range r.Engines {
			if e.Uniform > 0 {
				low, high = min(low, e.Uniform), max(high, e.Uniform)
			}
		}
	}
	if high == 0 {
		low, high = 1, 10
	}
	from, to := math.Floor(math.Log10(low)-0.01), math.Ceil(math.Log10(high))
	x := func(ns float64) float64 {
		return math.Round(chartWidth*(math.Log10(ns)-from)/(to-from)*10) / 10
	}
	c := chart{Width: chartLeft + chartWidth + chartRight, Left: chartLeft, Top: chartTop, Right: chartLeft + chartWidth}
	for i, r := range all {
		c.Sizes = append(c.Sizes, chartSize{r.Size, colours[r.Size], chartLeft + 70*i})
	}
	for p := from; p <= to; p++ {
		c.Ticks = append(c.Ticks, chartTick{chartLeft + x(math.Pow(10, p)), tick(p)})
	}
	y := chartTop + groupGap
	for _, e := range longest(all) {
		g := chartGroup{Title: strings.ReplaceAll(e.Title, "`", "")}
		begin := y
		for _, r := range all {
			if at := r.Engine(e.Name); at != nil && at.Uniform > 0 {
				g.Bars = append(g.Bars, chartBar{chartLeft, y, barHeight, x(at.Uniform), colours[r.Size], duration(at.Uniform)})
				y += barHeight + barGap
			}
		}
		g.Y = (begin + y) / 2
		c.Groups = append(c.Groups, g)
		y += groupGap
	}
	c.Bottom, c.Height = y, y+chartUnder
	var b strings.Builder
	err := chartTemplate.Execute(&b, c)
	return b.String(), err
}

// tick is the label of a power of ten.
func tick(power float64) string {
	return strings.ReplaceAll(duration(math.Pow(10, power)), ".0", "")
}

// longest returns the engines of the run that has the most.
func longest(all []Result) (engines []Engine) {
	for _, r := range all {
		if len(r.Engines) > len(engines) {
			engines = r.Engines
		}
	}
	return engines
}
