package main

import (
	"bufio"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

var kindNames = map[engine.ExternKind]string{
	engine.ExternFunction: "function",
	engine.ExternTable:    "table",
	engine.ExternMemory:   "memory",
	engine.ExternGlobal:   "global",
}

// inspect lists what a module consists of.
func inspect(arguments []string, s streams) error {
	if len(arguments) != 1 {
		return usagef("inspect takes one FILE, given %d arguments", len(arguments))
	}
	l, err := load(arguments[0], s.in)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(s.out)
	defer out.Flush()
	describe(out, arguments[0], l)
	return out.Flush()
}

func describe(out *bufio.Writer, path string, l *loaded) {
	d := l.description
	form := "WebAssembly module"
	if l.precompiled {
		form = "compiled module"
	}
	fmt.Fprintf(out, "%s: %s, %s\n", path, form, formatBytes(uint64(l.fileSize)))
	if d.Name != "" {
		fmt.Fprintf(out, "name: %s\n", d.Name)
	}
	fmt.Fprintf(out, "functions: %d, machine code %s\n", d.Functions, formatBytes(d.CodeBytes))

	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nimports: %d\n", len(d.Imports))
	for _, item := range d.Imports {
		fmt.Fprintf(table, "  %s.%s\t%s\t%s\n", printable(item.Namespace), printable(item.Name), kindNames[item.Type.Kind], formatType(&item.Type))
	}
	fmt.Fprintf(table, "\nexports: %d\n", len(d.Exports))
	for _, item := range d.Exports {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", printable(item.Name), kindNames[item.Type.Kind], formatType(&item.Type))
	}
	fmt.Fprintf(table, "\nmemories: %d\n", len(d.Memories))
	for _, memory := range d.Memories {
		fmt.Fprintf(table, "  %s\n", formatPages(memory))
	}
	fmt.Fprintf(table, "\nsections: %d\n", len(d.Sections))
	for _, section := range d.Sections {
		name := printable(section.Name)
		if section.Custom {
			name += " (custom)"
		}
		fmt.Fprintf(table, "  %s\t%s\n", name, formatBytes(section.Size))
	}
	table.Flush()
}

// printable keeps names from disturbing the list or the terminal: names that are not plain are quoted.
func printable(name string) string {
	quoted := fmt.Sprintf("%q", name)
	if name == "" || quoted != `"`+name+`"` || strings.ContainsAny(name, " \t") {
		return quoted
	}
	return name
}

func formatType(t *engine.ExternType) string {
	switch t.Kind {
	case engine.ExternFunction:
		return formatFuncType(t.Func)
	case engine.ExternTable:
		return formatLimits(t.Limits, "elements") + " of " + t.Value.String()
	case engine.ExternMemory:
		return formatPages(t.Limits)
	default:
		if t.Mutable {
			return "mut " + t.Value.String()
		}
		return t.Value.String()
	}
}

func formatFuncType(t *engine.FuncType) string {
	return formatTypes(t.Params) + " -> " + formatTypes(t.Results)
}

func formatTypes(types []engine.ValType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return "(" + strings.Join(names, ", ") + ")"
}

func formatPages(limits engine.Limits) string {
	const pageSize = 65536
	text := formatLimits(limits, "pages") + " (" + formatBytes(limits.Min*pageSize)
	if limits.HasMax {
		text += " to " + formatBytes(limits.Max*pageSize)
	}
	return text + ")"
}

func formatLimits(limits engine.Limits, unit string) string {
	if limits.HasMax {
		return fmt.Sprintf("%d to %d %s", limits.Min, limits.Max, unit)
	}
	return fmt.Sprintf("%d %s or more", limits.Min, unit)
}

// formatBytes writes a size with at most four digits.
func formatBytes(size uint64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB"}
	value, unit := float64(size), 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 || value == float64(uint64(value)) {
		return fmt.Sprintf("%d %s", uint64(value), units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
