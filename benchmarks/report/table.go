package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Table is a table of text: the first row is the head.
type Table struct {
	Title string
	Rows  [][]string
}

// Plain writes the table with columns aligned.
func (t *Table) Plain(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n", t.Title)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range t.Rows {
		fmt.Fprintln(table, strings.Join(row, "\t")+"\t")
	}
	_ = table.Flush()
}

// Markdown writes the table for the README.
func (t *Table) Markdown(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n\n", t.Title)
	for i, row := range t.Rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(w, "|---%s|\n", strings.Repeat("|---:", len(row)-1))
		}
	}
}

// ProgramTable has a row per program and a column per engine: its best time, and how many times the
// subject's that is.
func (r *Report) ProgramTable(figure string, programs []string, title string) *Table {
	names := r.Names(figure)
	t := &Table{Title: title, Rows: [][]string{append([]string{""}, names...)}}
	for _, p := range programs {
		row := []string{p}
		ours := r.Best(figure, p, Subject, "")
		for _, name := range names {
			best := r.Best(figure, p, name, "")
			switch {
			case math.IsNaN(best):
				row = append(row, "-")
			case name == Subject || math.IsNaN(ours):
				row = append(row, Quantity(best, "ns"))
			default:
				row = append(row, fmt.Sprintf("%s (%s)", Quantity(best, "ns"), Ratio(best/ours)))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	row := []string{"geometric mean"}
	for _, name := range names {
		mean, count := r.Mean(figure, programs, name, Subject)
		switch {
		case math.IsNaN(mean):
			row = append(row, "-")
		case count < len(programs):
			row = append(row, fmt.Sprintf("%s of %d", Ratio(mean), count))
		default:
			row = append(row, Ratio(mean))
		}
	}
	t.Rows = append(t.Rows, row)
	return t
}

// WorkTable has a row per engine and way, and columns per case, of one figure: best, and how many
// times the best of the subject's ways that is.
func (r *Report) WorkTable(figure, title string) *Table {
	cases := r.Cases(figure)
	t := &Table{Title: title, Rows: [][]string{{"", "by"}}}
	type line struct{ engine, way string }
	var lines []line
	for _, name := range cases {
		t.Rows[0] = append(t.Rows[0], name)
		for _, s := range r.Of(figure, name) {
			if l := (line{s.Engine, s.Way}); !slices.Contains(lines, l) {
				lines = append(lines, l)
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return rank(a.engine) - rank(b.engine) })
	for _, l := range lines {
		row := []string{l.engine, l.way}
		for _, name := range cases {
			s := r.Find(Key{figure, name, l.engine, l.way})
			if s == nil {
				row = append(row, "-")
				continue
			}
			cell := Quantity(s.Best(), s.Unit)
			if ours := r.BestOf(figure, name, Subject); !math.IsNaN(ours) && (l.engine != Subject || s.Best() != ours) {
				cell += fmt.Sprintf(" (%s)", Ratio(s.Best()/ours))
			}
			if s.Allocs != nil && math.Round(*s.Allocs) > 0 && s.Best() < 1e5 {
				cell += fmt.Sprintf(", %.0f allocs", *s.Allocs)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// BestOf is the best of all ways of an engine.
func (r *Report) BestOf(figure, name, engine string) float64 {
	best := math.NaN()
	for _, s := range r.Of(figure, name) {
		if s.Engine == engine && len(s.Values) > 0 && (math.IsNaN(best) || s.Best() < best) {
			best = s.Best()
		}
	}
	return best
}

// Tables are all that a run has values for.
func (r *Report) Tables() []*Table {
	var tables []*Table
	for _, figure := range []string{Run, CompileRun} {
		if len(r.Names(figure)) > 0 {
			if len(r.Programs) > 0 {
				tables = append(tables, r.ProgramTable(figure, r.Programs, "Programs, "+figure))
			}
			if len(r.Kernels) > 0 {
				tables = append(tables, r.ProgramTable(figure, r.Kernels, "Kernels, "+figure))
			}
		}
	}
	var figures []string
	for _, s := range r.Series {
		if s.Figure != Run && s.Figure != CompileRun && !slices.Contains(figures, s.Figure) {
			figures = append(figures, s.Figure)
		}
	}
	for _, figure := range figures {
		tables = append(tables, r.WorkTable(figure, strings.ToUpper(figure[:1])+figure[1:]))
	}
	return tables
}

// MachineLine describes the machine in one line.
func (r *Report) MachineLine() string {
	m := r.Machine
	return fmt.Sprintf("%s, %s cores, %s, %s, %s; commit %s, %s", m["cpu"], m["cpus"], m["memory"], m["kernel"], m["go"], m["commit"], r.Date)
}

// Quantity writes a value with its unit.
func Quantity(value float64, unit string) string {
	if unit != "ns" {
		return fmt.Sprintf("%.3g %s", value, unit)
	}
	d := time.Duration(value)
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 100*time.Microsecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	case d >= time.Microsecond:
		return fmt.Sprintf("%.1f us", d.Seconds()*1e6)
	default:
		return fmt.Sprintf("%.1f ns", value)
	}
}

// Ratio writes a ratio with two or three digits that count.
func Ratio(r float64) string {
	if r >= 10 {
		return fmt.Sprintf("%.0f", r)
	}
	return fmt.Sprintf("%.2f", r)
}
