package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// This file starts the programs that emit cases, and reads them.

// maxFrame is more than any case has; maxRestarts is how often an emitter may die.
const (
	maxFrame    = 1 << 30
	maxRestarts = 100
)

// emission says which cases are emitted.
type emission struct {
	command       []string
	cases, seed   uint64
	wasmtimeEvery uint64
	kinds         string // all if empty
	only          string // KIND-SEED, the only case
}

// emit has one of several emitters emit its share of the cases, and sends them to a channel. When
// one dies in a case, that is the fault of an oracle: the case is lost, its number is told to lost,
// and another emitter goes on behind it.
func (e *emission) emit(ctx context.Context, share, shares int, to chan<- *testCase, lost func(number uint64, err error)) error {
	next := uint64(share)
	for range maxRestarts {
		err := e.emitFrom(ctx, next, shares, func(c *testCase) bool {
			next = c.number + uint64(shares)
			select {
			case to <- c:
				return true
			case <-ctx.Done():
				return false
			}
		})
		var died *exec.ExitError
		if !errors.As(err, &died) || died.ExitCode() > 0 || ctx.Err() != nil {
			return err
		}
		lost(next, err)
		next += uint64(shares)
	}
	return fmt.Errorf("an emitter has died %d times", maxRestarts)
}

// emitFrom starts an emitter and reads its cases until it ends, or receive says that it is enough.
func (e *emission) emitFrom(ctx context.Context, from uint64, step int, receive func(*testCase) bool) error {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	arguments := append(e.command[1:len(e.command):len(e.command)], "--emit", "--cases", number(e.cases), "--seed", number(e.seed), "--from", number(from),
		"--step", strconv.Itoa(step), "--wasmtime-every", number(e.wasmtimeEvery))
	if e.kinds != "" {
		arguments = append(arguments, "--only", e.kinds)
	}
	if e.only != "" {
		arguments = append(arguments, "--case", e.only)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	command := exec.CommandContext(ctx, e.command[0], arguments...)
	command.Stderr = os.Stderr
	command.WaitDelay = time.Second
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	failed := read(bufio.NewReaderSize(output, 1<<20), receive)
	if failed != nil && !errors.Is(failed, io.ErrUnexpectedEOF) {
		cancel() // what it writes is of no use
		_ = command.Wait()
		return failed
	}
	if err := command.Wait(); err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	return failed
}

// errEnough says that no more cases are wanted.
var errEnough = errors.New("no more cases are wanted")

// read reads a stream of cases.
func read(from io.Reader, receive func(*testCase) bool) error {
	for {
		var length [4]byte
		if _, err := io.ReadFull(from, length[:]); err != nil {
			return early(err)
		}
		size := binary.LittleEndian.Uint32(length[:])
		if size == 0 {
			return nil
		}
		if size > maxFrame {
			return fmt.Errorf("a case of %d bytes: this is no stream of cases", size)
		}
		frame := make([]byte, size)
		if _, err := io.ReadFull(from, frame); err != nil {
			return early(err)
		}
		c, err := decode(frame)
		if err != nil {
			return err
		}
		if !receive(c) {
			return errEnough
		}
	}
}

// early is the error of a stream that ends before its end.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("stream of cases: %w", err)
}
