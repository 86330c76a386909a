package report

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed benchmarks.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// The documents that Render writes.
const (
	pageName  = "benchmarks.md"
	chartName = "benchmarks.svg"
)

// Render makes the page and the chart from the results in the folder results,
// writes them to docs and returns their names.
func Render(results, docs string) (written []string, err error) {
	all, err := Read(results)
	if err != nil {
		return nil, err
	}
	page, chart, err := Documents(all)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{pageName: page, chartName: chart} {
		file := filepath.Join(docs, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return written, err
		}
		written = append(written, file)
	}
	slices.Sort(written)
	return written, nil
}

// Documents returns the page and the chart of results, the smallest size first.
func Documents(all []Result) (page, chart string, err error) {
	var b strings.Builder
	err = pageTemplate.Execute(&b, map[string]any{
		"Results": all, "Targets": targetTable(all), "Runs": runs(all), "Versions": versions(all), "Chart": chartName,
	})
	if err == nil {
		chart, err = drawChart(all)
	}
	return b.String(), chart, err
}

// runs says when and on what each size was run.
func runs(all []Result) string {
	var b strings.Builder
	b.WriteString("| size | run on | machine | of a processor | Go | rounds | seed |\n| --- | --- | --- | ---: | --- | ---: | ---: |\n")
	for _, r := range all {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | %d |\n", r.Size, r.Date, r.Machine, r.share(), strings.TrimPrefix(r.Go, "go"), r.Rounds, r.Seed)
	}
	return b.String()
}

// share says how much of a processor the run had, and what to think of little.
func (r Result) share() string {
	text := fmt.Sprintf("%.0f %%", 100*r.Share)
	if r.Share < 0.9 {
		text = "**" + text + ": a busy machine, ratios are rough**"
	}
	return text
}

// versions lists the versions of the engines' modules, of the newest run.
func versions(all []Result) string {
	newest := slices.MaxFunc(all, func(a, b Result) int { return strings.Compare(a.Date, b.Date) })
	var list []string
	for _, m := range slices.Sorted(maps.Keys(newest.Versions)) {
		list = append(list, fmt.Sprintf("%s %s", m, newest.Versions[m]))
	}
	return strings.Join(list, ", ")
}
