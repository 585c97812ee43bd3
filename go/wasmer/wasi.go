package wasmer

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/wasi"
)

// Wasi is what a WASI program can reach: nothing but what is set here. Programs of WASI preview 1
// (namespace "wasi_snapshot_preview1") and of its predecessor ("wasi_unstable") run. [Wasi.Run]
// runs a program, [Wasi.Instantiate] makes an instance of a library; [Wasi.ImportObject] returns
// the functions for instances that are made in another way. Each use has its own state, so that one
// Wasi, or copies of it with other streams, serve any number of instances. The zero Wasi has no
// arguments, an empty input, outputs that discard, no files, and the clocks and the random source
// of the system.
type Wasi struct {
	// Args are the arguments. The first one is the name of the program.
	Args []string

	// Env are the environment variables, each as "NAME=value".
	Env []string

	// Stdin is the standard input; nil is empty. A read that blocks holds a goroutine and no
	// thread, and ends with the context of the call. An [os.File] is told to the guest by its type,
	// so that it sees a terminal as one, and is read only as far as the guest asks, so that several
	// programs can read one file in turn; of another Reader, what arrives after the guest has given
	// up is kept for its next read.
	Stdin io.Reader

	// Stdout and Stderr are the standard outputs; nil discards. They get slices of the guest's
	// memory, which, as [io.Writer] demands, they must neither keep nor change. One writer may be
	// both, and is then used by one goroutine at a time. A write to an [os.File] ends with the
	// context of the call, and so may be made in several pieces; one to another Writer that blocks
	// does not end.
	Stdout, Stderr io.Writer

	// Dirs are the directories that the program finds open. There are no other files.
	Dirs []WasiDir

	// Listeners are the sockets that the program may accept connections from. They have the file
	// descriptors behind those of the directories: the first is 3 + len(Dirs). They are not closed.
	Listeners []net.Listener

	// Realtime replaces the clock of the day, and Monotonic the one that never goes back, which
	// then is that of processor time, too. Sleep replaces waiting for a time: it returns when that
	// long has passed, or with an error when the context is done. Replaced by functions that depend
	// on nothing, they make a program that reads the clock return the same result each time.
	Realtime  func() time.Time
	Monotonic func() time.Duration
	Sleep     func(ctx context.Context, d time.Duration) error

	// MaxFiles is how many files, directories and connections the program may have open at a time
	// beyond those that it is given; 0 is 1,024. One more is the error EMFILE. The descriptors of
	// the host that they take, one each, and two for a pipe that is read, are those of the whole
	// process.
	MaxFiles int

	// Random replaces the random source. Programs seed their generators by it.
	Random io.Reader
}

// WasiDir is a directory for a WASI program: exactly one of Host, Root and FS is set.
//
// A directory of the host is a sandbox: no path leads out of it, by "..", an absolute path, or a
// symbolic link, also one that is changed at that moment (see [os.Root]).
type WasiDir struct {
	// Guest is the path that the program knows it by, such as "/" or "/data". Empty is Host, or "/"
	// if that is not set.
	Guest string

	// Host is the path of a directory of the host.
	Host string

	// Root is a directory of the host that is open. It is not closed.
	Root *os.Root

	// FS is a file system. One that is a [WritableFS], such as a [MemoryFS], the program can
	// change. Others, such as an [embed.FS], a [zip.Reader] or an [fstest.MapFS], are read-only;
	// seeking in a file that is no [io.Seeker] there, and reading at an offset from one that is no
	// [io.ReaderAt], reads it into memory.
	FS fs.FS

	// ReadOnly refuses every change, with the error EROFS.
	ReadOnly bool
}

// system makes what the functions share.
func (w *Wasi) system() (*wasi.System, error) {
	if w == nil {
		w = &Wasi{}
	}
	config := wasi.Config{
		Args: w.Args, Env: w.Env, Stdin: w.Stdin, Stdout: w.Stdout, Stderr: w.Stderr, Listeners: w.Listeners, Random: w.Random, MaxFiles: w.MaxFiles,
		Clock: wasi.Clock{Realtime: w.Realtime, Monotonic: w.Monotonic, Sleep: w.Sleep},
	}
	var opened []*os.Root
	fail := func(err error) (*wasi.System, error) {
		for _, root := range opened {
			root.Close()
		}
		return nil, err
	}
	for i := range w.Dirs {
		mount, err := w.Dirs[i].mount()
		if err != nil {
			return fail(fmt.Errorf("directory %d: %w", i, err))
		}
		if mount.Own {
			opened = append(opened, mount.Root)
		}
		config.Mounts = append(config.Mounts, mount)
	}
	system, err := wasi.New(config)
	if err != nil {
		return fail(err)
	}
	return system, nil
}

// mount opens the directory.
func (d *WasiDir) mount() (wasi.Mount, error) {
	m := wasi.Mount{Guest: d.Guest, Root: d.Root, FS: d.FS, ReadOnly: d.ReadOnly}
	given := 0
	for _, is := range []bool{d.Host != "", d.Root != nil, d.FS != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return m, fmt.Errorf("given %d of Host, Root and FS, expected one", given)
	}
	if m.Guest == "" {
		if m.Guest = d.Host; d.Host == "" {
			m.Guest = "/"
		}
	}
	if d.Host != "" {
		root, err := os.OpenRoot(d.Host)
		if err != nil {
			return m, err
		}
		m.Root, m.Own = root, true
	}
	return m, nil
}

// ImportObject makes an ImportObject with all functions of WASI, of both versions, to which other
// imports can be added.
//
// It holds the state of one program: its open files. Use it for one instance; those that share it
// share this state, as threads of one program do. The files that the program leaves open, and
// directories that were opened by Host, are closed when the object and the instances that import it
// have been collected; [Wasi.Run] closes them at once. The error is an [*ImportObjectError]: a
// directory cannot be opened, or an argument contains a zero byte.
func (w *Wasi) ImportObject() (*ImportObject, error) {
	system, err := w.system()
	if err != nil {
		return nil, importObjectError("cannot make the imports of WASI", err)
	}
	return wasiImportObject(system, wasi.Snapshot0, wasi.Snapshot1), nil
}

// The exports by which WASI knows programs and libraries ("commands" and "reactors").
const (
	wasiStart      = "_start"
	wasiInitialize = "_initialize"
)

// Run runs a program: it instantiates the module, calls its export "_start", and closes what it has
// opened. It returns nil when the program returns or exits with code 0, an [*ExitError] (found by
// [errors.As]) for another code, and else what [Module.InstantiateContext] or [Function.Call]
// return: a [*Trap], or an error that matches that of the context if it was done before. The
// options are those of InstantiateContext. A module without "_start" is no program, which is a
// [*ModuleError]: a library ("reactor") is made by [Wasi.Instantiate].
func (w *Wasi) Run(ctx context.Context, module *Module, options ...InstanceOption) error {
	return w.RunWith(ctx, module, nil, options...)
}

// RunWith is Run for a program that imports more than WASI: imports have what else there is, and
// are preferred.
func (w *Wasi) RunWith(
	ctx context.Context, module *Module, imports *Imports, options ...InstanceOption,
) error {
	if module.made() != nil && !module.exportsFunction(wasiStart) {
		return noProgram(module)
	}
	instance, binding, err := w.link(ctx, module, imports, instanceOptions(options))
	if err != nil {
		return exitOf(err)
	}
	defer binding.close()
	defer instance.Close()
	return exitOf(instance.callNothing(ctx, wasiStart))
}

// noProgram is the error of running a module without "_start".
func noProgram(module *Module) error {
	if module.exportsFunction(wasiInitialize) {
		return &ModuleError{message: "cannot run the module: it exports `_initialize` and no `_start`, so it is a library (a WASI reactor), " +
			"expected a program; use Wasi.Instantiate and call its other exports"}
	}
	return &ModuleError{message: "cannot run the module: it exports no function `_start`, expected a WASI program; " +
		"use Wasi.Instantiate for a library, or Module.InstantiateContext if it has nothing to do with WASI"}
}

// Instantiate makes an instance of a library (a WASI "reactor"): it instantiates the module and
// calls its export "_initialize", if there is one, after which its other exports can be called. The
// instance has streams, arguments, files and all else of w for itself; what it has opened is closed
// with it. imports have what the module imports beyond WASI, and are preferred; nil is nothing.
//
// "_initialize" is called once, and ends with the context. An error of it is the error: a [*Trap],
// or an [*ExitError] if it exits, with any code; the instance is closed then. All else is as with
// [Module.InstantiateContext]. A program can be instantiated, too: its "_start" is not called.
func (w *Wasi) Instantiate(
	ctx context.Context, module *Module, imports *Imports, options ...InstanceOption,
) (Instance, error) {
	instance, _, err := w.initialize(ctx, module, imports, instanceOptions(options))
	if err != nil {
		return Instance{}, err
	}
	return *instance, nil
}

// InstantiateSnapshot makes an instance of a snapshot, as [Snapshot.Instantiate] does, with
// streams, arguments, files and all else of w for itself. The snapshot was taken of an instance
// that was made by [Wasi.Instantiate]: neither the start function nor "_initialize" is called
// again. What the guest has asked for before, it does not ask for again: arguments, environment
// and, as C libraries do, the names of directories; pass as many directories, of the same names.
// For the guest, the clock that never goes back continues. The error is a [*ModuleError].
func (w *Wasi) InstantiateSnapshot(
	ctx context.Context, snapshot *Snapshot, imports *Imports, options ...InstanceOption,
) (Instance, error) {
	instance, _, err := w.linkSnapshot(ctx, snapshot, imports, instanceOptions(options))
	if err != nil {
		return Instance{}, err
	}
	return *instance, nil
}

// initialize is Instantiate that returns what pools need.
func (w *Wasi) initialize(ctx context.Context, module *Module, imports *Imports, options core.InstanceOptions) (*Instance, *wasiBinding, error) {
	instance, binding, err := w.link(ctx, module, imports, options)
	if err != nil || instance.inner.Function(wasiInitialize) == nil {
		return instance, binding, err
	}
	initialized := false
	defer func() { // also if a host function panics
		if !initialized {
			instance.Close()
		}
	}()
	if err := instance.callNothing(ctx, wasiInitialize); err != nil {
		return nil, nil, err
	}
	initialized = true
	return instance, binding, nil
}

// link makes an instance of a module whose WASI functions are bound to what w says. What it opens
// is closed with the instance.
func (w *Wasi) link(ctx context.Context, module *Module, imports *Imports, options core.InstanceOptions) (*Instance, *wasiBinding, error) {
	inner := module.made()
	if inner == nil {
		return nil, nil, instantiationModuleError(closedError("module"))
	}
	return w.bind(inner.About(), 0, imports, options, func(imports *Imports, options core.InstanceOptions) (*Instance, error) {
		return instantiate(ctx, inner, imports, options)
	})
}

// linkSnapshot is the same of a snapshot.
func (w *Wasi) linkSnapshot(ctx context.Context, snapshot *Snapshot, imports *Imports, options core.InstanceOptions) (*Instance, *wasiBinding, error) {
	inner := snapshot.made()
	if inner == nil {
		return nil, nil, instantiationModuleError(closedError("snapshot"))
	}
	return w.bind(inner.About(), inner.Clock, imports, options, func(imports *Imports, options core.InstanceOptions) (*Instance, error) {
		return instantiateSnapshot(ctx, inner, imports, options)
	})
}

// bind has make make an instance whose WASI functions are bound to what w says, at a time of its
// clock.
func (w *Wasi) bind(about *core.About, clock int64, imports *Imports, options core.InstanceOptions, make func(*Imports, core.InstanceOptions) (*Instance, error)) (*Instance, *wasiBinding, error) {
	system, err := w.system()
	if err != nil {
		return nil, nil, importObjectError("cannot make the imports of WASI", err)
	}
	binding := bindWasi(system, clock)
	linked := false
	defer func() { // also if the start function panics
		if !linked {
			binding.close()
		}
	}()
	all, err := binding.imports(about, imports)
	if err != nil {
		return nil, nil, instantiationModuleError(err)
	}
	options.AtClose = binding.close
	options.AtSnapshot = binding.snapshot
	if options.AtReset == nil {
		options.AtReset = binding.renewBy(w)
	}
	instance, err := make(all, options)
	if err != nil {
		return nil, nil, instantiationModuleError(err)
	}
	linked = true
	return instance, binding, nil
}

// renewBy returns what puts a new System of what w says now in place of the one before.
func (b *wasiBinding) renewBy(w *Wasi) func() error {
	if w == nil {
		w = &Wasi{}
	}
	same := *w
	return func() error {
		system, err := same.system()
		if err != nil {
			return err
		}
		b.replace(system) // the clocks are the same
		return nil
	}
}
