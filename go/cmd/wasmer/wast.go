package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/wast"
)

// runScripts runs specification scripts, and prints what failed, what is refused, and the counts.
func runScripts(arguments []string, s streams) error {
	if len(arguments) == 0 {
		return usagef("wast takes one FILE or more, given none")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := bufio.NewWriter(s.out)
	defer out.Flush()
	var total wast.Counts
	for _, path := range arguments {
		text, err := readBytes(path, s.in)
		if err != nil {
			return err
		}
		results, err := wast.Run(ctx, text, wast.Options{Whole: true, Output: out})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		report(out, path, results)
		counts := wast.Count(results)
		fmt.Fprintf(out, "%s: %v\n", path, counts)
		total.Add(counts)
	}
	if len(arguments) > 1 {
		fmt.Fprintf(out, "%d files: %v\n", len(arguments), &total)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	missed := total.Failed + total.Accepted
	for _, refused := range total.Refused {
		missed += refused
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d directives did not pass", missed, missed+total.Assertions+total.Commands)
	}
	return nil
}

// report lists what failed, and the modules that are refused; what only needs such a module is counted.
func report(out *bufio.Writer, path string, results []wast.Result) {
	for _, result := range results {
		switch {
		case result.Outcome == wast.Failed, result.Outcome == wast.Accepted:
			fmt.Fprintf(out, "%s:%d: %s: %s\n", path, result.Line, result.Directive, result.Text)
		case result.Outcome == wast.Refused && strings.HasPrefix(result.Directive, "module"):
			fmt.Fprintf(out, "%s:%d: %s: refused, as the proposal %s is not supported\n", path, result.Line, result.Directive, result.Text)
		}
	}
}
