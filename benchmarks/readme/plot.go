package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
	"github.com/gowasmer/wasmer/benchmarks/report"
)

var (
	ours   = color.RGBA{R: 0x20, G: 0x5e, B: 0xa6, A: 0xff}
	theirs = color.RGBA{R: 0xb8, G: 0xb4, B: 0xab, A: 0xff}
)

// bar is one line of a plot.
type bar struct {
	name  string
	value float64
	label string
	ours  bool
}

// drawMeans draws the geometric mean of the run times of all programs and kernels, by engine, the
// subject's being 1. Interpreters are left out: theirs would be the only bars to be seen.
func drawMeans(r *report.Report, path string) error {
	var bars []bar
	for _, engine := range r.Names(report.Run) {
		mean, count := r.Mean(report.Run, r.All(), engine, report.Subject)
		if count == len(r.All()) {
			bars = append(bars, bar{engine, mean, fmt.Sprintf("%.2f", mean), engine == report.Subject})
		}
	}
	title := fmt.Sprintf("Run time of %d programs and kernels (geometric mean, %s = 1, less is better)", len(r.All()), report.Subject)
	slices.SortStableFunc(bars, func(a, b bar) int { return cmp.Compare(a.value, b.value) })
	return drawBars(bars, title, path)
}

// drawCalls draws what a call with two parameters costs, both ways.
func drawCalls(r *report.Report, path string) error {
	var bars []bar
	for _, figure := range []struct{ name, title string }{{protocol.FigureCall, "Go → wasm"}, {protocol.FigureHostCall, "wasm → Go"}} {
		series := r.Of(figure.name, "2 parameters")
		slices.SortStableFunc(series, func(a, b *report.Series) int { return cmp.Compare(a.Best(), b.Best()) })
		for _, s := range series {
			if len(s.Values) > 0 {
				bars = append(bars, bar{fmt.Sprintf("%s: %s, %s", figure.title, s.Engine, s.Way), s.Best(),
					report.Quantity(s.Best(), s.Unit), s.Engine == report.Subject})
			}
		}
	}
	return drawBars(bars, "A call with two parameters, in nanoseconds (logarithmic, less is better)", path)
}

// drawBars draws horizontal bars, the first on top; on a logarithmic scale where the largest value
// is many times the smallest.
func drawBars(bars []bar, title, path string) error {
	if len(bars) == 0 {
		return fmt.Errorf("the run has no values for %s, expected a run of all engines and figures", filepath.Base(path))
	}
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	plotter.DefaultFont = plot.DefaultFont
	p := plot.New()
	p.Title.Text = title
	p.Title.TextStyle.Font.Size = vg.Points(12)
	p.Title.Padding = vg.Points(8)
	low, high := math.Inf(1), 0.0
	for _, b := range bars {
		low, high = min(low, b.value), max(high, b.value)
	}
	logarithmic := high > 20*low
	scale := func(v float64) float64 { return v }
	if logarithmic {
		floor := math.Floor(math.Log10(low))
		scale = func(v float64) float64 { return math.Log10(v) - floor }
	}
	labels := plotter.XYLabels{}
	names := make([]string, len(bars))
	for i, b := range bars {
		y := len(bars) - 1 - i
		names[y] = b.name
		chart, err := plotter.NewBarChart(plotter.Values{scale(b.value)}, vg.Points(14))
		if err != nil {
			return err
		}
		chart.Horizontal, chart.XMin, chart.LineStyle.Width = true, float64(y), 0
		chart.Color = theirs
		if b.ours {
			chart.Color = ours
		}
		p.Add(chart)
		labels.XYs = append(labels.XYs, plotter.XY{X: scale(b.value), Y: float64(y)})
		labels.Labels = append(labels.Labels, " "+b.label)
	}
	values, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range values.TextStyle {
		values.TextStyle[i].YAlign = draw.YCenter
	}
	p.Add(values)
	p.NominalY(names...)
	p.X.Min, p.X.Max = 0, scale(high)*1.15
	p.X.Tick.Marker = plot.ConstantTicks(nil)
	p.X.LineStyle.Width = 0
	p.Y.LineStyle.Width = 0
	p.Y.Padding = vg.Points(10)

	canvas := vgsvg.New(8*vg.Inch, vg.Points(float64(24*len(bars)+50)))
	p.Draw(draw.New(canvas))
	var text bytes.Buffer
	if _, err := canvas.WriteTo(&text); err != nil {
		return err
	}
	// Fonts of the same widths, for viewers without this one.
	svg := bytes.ReplaceAll(text.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
	return os.WriteFile(path, svg, 0o644)
}
