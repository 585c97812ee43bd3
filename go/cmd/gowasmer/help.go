package main

import (
	"fmt"
	"io"
	"strings"
)

// width is how many columns help takes.
const width = 80

// help prints what there is to know about the tool or a command.
func help(_ *settings, arguments []string, s streams) error {
	if len(arguments) > 1 {
		return usagef("help takes one COMMAND, given %d arguments", len(arguments))
	}
	text := mainHelp()
	if len(arguments) == 1 {
		c, err := findCommand(arguments[0])
		if err != nil {
			return err
		}
		text = commandHelp(c)
	}
	_, err := io.WriteString(s.out, text)
	return err
}

// mainHelp returns what there is to know about the tool.
func mainHelp() string {
	var text strings.Builder
	text.WriteString("gowasmer runs WebAssembly modules.\n\nUsage:\n  gowasmer COMMAND [OPTION...] [ARG...]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&text, "  %-10s  %s\n", c.name, c.short)
	}
	text.WriteString("\n" + environment + "\n")
	text.WriteString("\"gowasmer help COMMAND\" explains a command and its options.\n")
	return text.String()
}

// commandHelp returns what there is to know about a command.
func commandHelp(c *command) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Usage:\n  %s\n\n%s", strings.TrimSpace("gowasmer "+c.name+" "+c.synopsis), wrap(c.long, "", ""))
	if options := c.options(new(settings)); len(options) > 0 {
		text.WriteString("\nOptions:\n")
		column := 0
		for _, o := range options {
			column = max(column, len(o.head()))
		}
		indent := strings.Repeat(" ", column+4)
		for _, o := range options {
			head := fmt.Sprintf("  %-*s  ", column, o.head())
			text.WriteString(wrap(o.usage, head, indent))
		}
	}
	if c.after != "" {
		text.WriteString("\n" + c.after)
	}
	return text.String()
}

// head returns the option as help lists it, such as "--env NAME=VALUE".
func (o *option) head() string {
	if o.value == "" {
		return o.dashed()
	}
	return o.dashed() + " " + o.value
}

// wrap breaks paragraphs, which empty lines separate, into lines.
func wrap(text, first, indent string) string {
	var out strings.Builder
	line := first
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			out.WriteByte('\n')
			line = indent
		}
		begun := false
		for _, word := range strings.Fields(paragraph) {
			switch {
			case !begun:
				line += word
			case len(line)+1+len(word) > width:
				out.WriteString(line + "\n")
				line = indent + word
			default:
				line += " " + word
			}
			begun = true
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}
