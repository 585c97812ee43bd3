// Command wast runs specification scripts (files .wast): go run ./scripts/wast FILE... It prints
// what failed, what is refused, and the counts. "-" is standard input.
//
// The crate rust/suite reads the texts, which needs cargo (the variable CARGO names another
// command), somewhere in the repository.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"

	"github.com/gowasmer/wasmer/internal/wast"
	"github.com/gowasmer/wasmer/internal/wire"
)

func main() {
	if len(os.Args) == 1 {
		fmt.Fprintln(os.Stderr, "usage: wast FILE...")
		os.Exit(2)
	}
	if err := runFiles(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "wast: %v\n", err)
		os.Exit(1)
	}
}

// runFiles runs scripts, one after the other.
func runFiles(paths []string, in io.Reader, w io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	scripts, err := convert(ctx, paths, in)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	defer out.Flush()
	var total wast.Counts
	for i, path := range paths {
		results, err := wast.Run(ctx, scripts[i], wast.Options{Whole: true, Output: out})
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		report(out, path, results)
		counts := wast.Count(results)
		fmt.Fprintf(out, "%s: %v\n", path, counts)
		total.Add(counts)
	}
	if len(paths) > 1 {
		fmt.Fprintf(out, "%d files: %v\n", len(paths), &total)
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

// convert reads scripts by the crate that can.
func convert(ctx context.Context, paths []string, in io.Reader) ([]*wast.Script, error) {
	cargo := os.Getenv("CARGO")
	if cargo == "" {
		cargo = "cargo"
	}
	var out, errs bytes.Buffer
	command := exec.CommandContext(ctx, cargo, append(strings.Fields("run --release --locked -q -p gowasmer-suite -- --convert"), paths...)...)
	command.Stdin, command.Stdout, command.Stderr = in, &out, &errs
	if err := command.Run(); err != nil {
		if text := strings.TrimSpace(errs.String()); text != "" {
			return nil, errors.New(text)
		}
		return nil, err
	}
	scripts := make([]*wast.Script, len(paths))
	r := wire.NewReader(out.Bytes())
	for i, path := range paths {
		var err error
		if scripts[i], err = wast.Decode(r.Take(int(r.U32()))); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return scripts, r.End("encoded scripts")
}

// report lists what failed, and the modules that are refused; what only needs such a module is
// counted.
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
