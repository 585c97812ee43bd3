package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

var kindNames = map[engine.ExternKind]string{
	engine.ExternFunction: "function",
	engine.ExternTable:    "table",
	engine.ExternMemory:   "memory",
	engine.ExternGlobal:   "global",
	engine.ExternTag:      "tag",
}

// inspect lists what a module consists of, or the proposals that it needs.
func inspect(o *settings, arguments []string, s streams) error {
	if len(arguments) != 1 {
		return usagef("inspect takes one FILE, given %d arguments", len(arguments))
	}
	path := arguments[0]
	file, err := readFile(context.Background(), path, s.in)
	if err != nil {
		return err
	}
	if err := engine.Init(); err != nil {
		return err
	}
	out := bufio.NewWriter(s.out)
	if o.proposals {
		err = inspectProposals(out, file)
	} else {
		err = inspectModule(out, path, file, o, s)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return out.Flush()
}

// inspectProposals lists the proposals that a module needs. It does not compile the module, which
// may need some that are not supported.
func inspectProposals(out *bufio.Writer, file []byte) error {
	if isCompiled(file) {
		module, err := wasmer.DeserializeModule(file)
		if err != nil {
			return causeOf(err)
		}
		module.Close()
		return errors.New("is compiled already; --proposals needs the WebAssembly module")
	}
	proposals, err := wasmer.RequiredProposals(context.Background(), file)
	if err != nil {
		return causeOf(err)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "proposals: %d\n", len(proposals))
	for _, p := range proposals {
		mark := ""
		if !p.Supported {
			mark = "\tnot supported"
		}
		fmt.Fprintf(table, "  %s%s\n", p.Name, mark)
	}
	return table.Flush()
}

// inspectModule lists what a module consists of.
func inspectModule(out *bufio.Writer, path string, file []byte, o *settings, s streams) error {
	var module engine.Module
	var err error
	if isCompiled(file) {
		module, err = engine.Deserialize(file)
	} else {
		var options engine.CompileOptions
		line := newProgressLine(o, path, s.errs)
		if line != nil {
			options.Progress = line.show
		}
		module, err = engine.Compile(context.Background(), file, options)
		line.clear()
	}
	if err != nil {
		return err
	}
	defer module.Free()
	description, err := module.Describe()
	if err != nil {
		return err
	}
	describe(out, path, file, description)
	return nil
}

func describe(out *bufio.Writer, path string, file []byte, d *engine.Description) {
	form := "WebAssembly module"
	if isCompiled(file) {
		form = "compiled module"
	}
	fmt.Fprintf(out, "%s: %s, %s\n", path, form, formatBytes(uint64(len(file))))
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
		fmt.Fprintf(table, "  %s\n", formatMemory(memory))
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

// printable keeps names from disturbing the list or the terminal: names that are not plain are
// quoted.
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
		return formatIndex(t.Index64) + formatLimits(t.Limits, "elements") + " of " + t.Value.String()
	case engine.ExternMemory:
		return formatMemory(t.Memory())
	case engine.ExternTag:
		return formatTypes(t.Func.Params)
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

// formatMemory writes "1 to 2 pages (64 KiB to 128 KiB)"; of memories with other pages "1 to 2
// bytes".
func formatMemory(memory engine.MemoryType) string {
	limits, index := memory.Limits, formatIndex(memory.Index64)
	if memory.PageSizeLog2 == 0 {
		return index + formatLimits(limits, "bytes")
	}
	text := index + formatLimits(limits, "pages") + " (" + formatPages(limits.Min)
	if limits.HasMax {
		text += " to " + formatPages(limits.Max)
	}
	return text + ")"
}

// formatIndex names the type of indices where it is not the usual one.
func formatIndex(index64 bool) string {
	if index64 {
		return "i64, "
	}
	return ""
}

// formatPages writes the size of a number of pages of 64 KiB; 2^48 of them are one byte more than
// numbers have.
func formatPages(pages uint64) string { return formatSize(float64(pages) * engine.PageSize) }

func formatLimits(limits engine.Limits, unit string) string {
	if limits.HasMax {
		return fmt.Sprintf("%d to %d %s", limits.Min, limits.Max, unit)
	}
	return fmt.Sprintf("%d %s or more", limits.Min, unit)
}

// formatBytes writes a size with at most four digits.
func formatBytes(size uint64) string { return formatSize(float64(size)) }

func formatSize(value float64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	unit := 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 || value == float64(uint64(value)) {
		return fmt.Sprintf("%d %s", uint64(value), units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
