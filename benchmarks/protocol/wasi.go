package protocol

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The cases of FigureWasi.
const (
	CaseClock     = "clock_time_get"
	CaseWrite     = "fd_write, 16 bytes to an io.Writer"
	CaseWriteFile = "fd_write, 16 bytes to a file"
	CaseCopy      = "copy of 100 MB by 64 KB"
	CaseGo        = "Go program: parse, check, compress"
)

// What the copy copies, and what the Go program counts (see benchmarks/modules/gotool).
const (
	copiedBytes = 100 << 20
	goResult    = "18007 definitions, 99007 uses\n"
)

// Counter is a Writer that counts what it is given, and keeps none.
type Counter struct {
	Bytes int64
}

func (c *Counter) Write(bytes []byte) (int, error) {
	c.Bytes += int64(len(bytes))
	return len(bytes), nil
}

// WasiEngine is how an engine runs guests of WASI.
type WasiEngine struct {
	// Library instantiates the module "wasi" and gives what calls its exports, of type (i32) ->
	// i32. Its standard output goes to an *os.File, or a *Counter if the engine has Writers.
	Library func(wasm []byte, stdout io.Writer) (call func(export string, n int32) (int32, error), free func(), err error)

	// Program compiles a program and gives what runs it from start to end in an instance of its
	// own, with a directory of the host as its "/".
	Program func(wasm []byte, directory string, args ...string) (run func() error, free func(), err error)
}

// WasiWriter says of an engine that its guests can write to an io.Writer.
type WasiWriter bool

// Wasi are the works of WASI.
func Wasi(engine *WasiEngine, writer WasiWriter) []Work {
	works := []Work{engine.calls(CaseClock, "clock", bool(!writer))}
	if writer {
		works = append(works, engine.calls(CaseWrite, "write", false))
	}
	return append(works, engine.calls(CaseWriteFile, "write", true),
		engine.program(CaseCopy, "copy", []string{"copy", "/from", "/to"}, prepareCopy, checkCopy),
		engine.program(CaseGo, "gotool", []string{"gotool", "/result"}, func(string) error { return nil }, checkGo))
}

// calls is the work of calling a function of WASI.
func (w *WasiEngine) calls(name, export string, toFile bool) Work {
	return Work{Figure: FigureWasi, Case: name, Prepare: func(e *Environment) (*Task, error) {
		wasm, err := e.Module("wasi")
		if err != nil {
			return nil, err
		}
		clean := func() {}
		counter := &Counter{}
		stdout := io.Writer(counter)
		if toFile {
			directory, err := scratch()
			if err != nil {
				return nil, err
			}
			file, err := os.Create(filepath.Join(directory, "stdout"))
			if err != nil {
				return nil, err
			}
			stdout = file
			clean = func() {
				file.Close()
				os.RemoveAll(directory)
			}
		}
		call, free, err := w.Library(wasm, stdout)
		if err != nil {
			clean()
			return nil, err
		}
		return &Task{
			Close: func() {
				free()
				clean()
			},
			Loop: func(n int) error {
				counter.Bytes = 0
				errno, err := call(export, int32(n))
				if err == nil && errno != 0 {
					err = fmt.Errorf("%s: errno %d", export, errno)
				}
				if expected := int64(n) * 16; err == nil && name == CaseWrite && counter.Bytes != expected {
					err = fmt.Errorf("%d bytes were written, expected %d", counter.Bytes, expected)
				}
				return err
			},
		}, nil
	}}
}

// program is the work of running a program from start to end, compiled before.
func (w *WasiEngine) program(name, module string, args []string, prepare, check func(directory string) error) Work {
	return Work{Figure: FigureWasi, Case: name, Prepare: func(e *Environment) (*Task, error) {
		wasm, err := e.Module(module)
		if err != nil {
			return nil, err
		}
		directory, err := scratch()
		if err != nil {
			return nil, err
		}
		clean := func() { os.RemoveAll(directory) }
		if err := prepare(directory); err != nil {
			clean()
			return nil, err
		}
		run, free, err := w.Program(wasm, directory, args...)
		if err != nil {
			clean()
			return nil, err
		}
		return &Task{
			Close: func() {
				free()
				clean()
			},
			Loop: func(n int) error {
				for range n {
					if err := run(); err != nil {
						return err
					}
				}
				return check(directory)
			},
		}, nil
	}}
}

// scratch makes a directory, in memory if the system has one there, so that the disk is not
// measured.
func scratch() (string, error) {
	if directory, err := os.MkdirTemp("/dev/shm", "gowasmer-bench-"); err == nil {
		return directory, nil
	}
	return os.MkdirTemp("", "gowasmer-bench-")
}

func prepareCopy(directory string) error {
	return os.WriteFile(filepath.Join(directory, "from"), bytes.Repeat([]byte("0123456789abcde\n"), copiedBytes/16), 0o644)
}

// checkCopy looks at the size, which costs nothing, and not at each byte.
func checkCopy(directory string) error {
	info, err := os.Stat(filepath.Join(directory, "to"))
	if err == nil && info.Size() != copiedBytes {
		err = fmt.Errorf("the copy has %d bytes, expected %d", info.Size(), copiedBytes)
	}
	return err
}

func checkGo(directory string) error {
	text, err := os.ReadFile(filepath.Join(directory, "result"))
	if err == nil && string(text) != goResult {
		err = fmt.Errorf("the program wrote %q, expected %q", text, goResult)
	}
	return err
}
