package wasmer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Pool hands out instances of one module, each to one user at a time, such as a goroutine that
// serves a request. All methods may be called by many goroutines at once.
//
// By default each Get makes a fresh instance, and Put closes it: nothing of one request can be seen
// by the next, at the price of an instantiation, which takes some microseconds for a small module.
// [WithReset] makes instances of a snapshot and resets them for further users, which costs less,
// above all where a guest has to initialise itself. [WithReuse] keeps instances as they are.
type Pool struct {
	module  *Module
	imports *Imports
	config  poolConfig
	seats   chan struct{} // one for each instance that may be in use, nil for no limit

	snapshot *Snapshot // what instances are made of if they are reset, else nil

	waiting, waits, waited, made atomic.Int64

	mutex     sync.Mutex
	idle      []*pooled
	used      map[*core.Instance]*pooled
	discarded int64
	closed    bool

	data *any // the context data of the instance that the snapshot was taken of
}

// pooled is an instance of a pool.
type pooled struct {
	instance *Instance
	wasi     *wasiBinding // nil in pools without WASI
	lent     bool         // what it is bound to belongs to a user who got it by GetWasi
}

type poolConfig struct {
	idle, limit int
	reset       bool
	instance    []InstanceOption
	wasi        *Wasi
	imports     func(context.Context) (*Imports, error)
	made        func(context.Context, *Instance) error
}

// PoolOption is an option of [NewPool]: [WithReuse], [WithLimit], [WithWasi],
// [WithInstanceImports], [WithNewInstance], or an [InstanceOption] for all instances.
type PoolOption interface{ applyToPool(*poolConfig) }

type poolOption func(*poolConfig)

func (option poolOption) applyToPool(config *poolConfig) { option(config) }

func (option InstanceOption) applyToPool(config *poolConfig) {
	config.instance = append(config.instance, option)
}

// WithReuse makes a pool keep up to idle instances that were put back, and hand them out again as
// they are: memory, tables and globals have what the user before has left there. An instance whose
// call failed may be in any state: pass the error to [Pool.Put], so that the instance is not
// reused.
func WithReuse(idle int) PoolOption {
	return poolOption(func(config *poolConfig) { config.idle, config.reset = max(idle, 0), false })
}

// WithReset makes a pool keep up to idle instances that were put back, and reset them before others
// get them: nothing of one request can be seen by the next, at the price of the pages that it has
// written to. All of them are made of one [Snapshot], which is taken of the first one when it is
// ready: after its start function, "_initialize" and the function of [WithNewInstance] have run,
// which run for no other, and whose context data is that of all. With [WithWasi], each user has new
// files, streams and arguments. An instance whose call has failed is closed, and so is one of whose
// memory somebody has got a slice, by [Memory.Data] or [Memory.View]: another is made of the
// snapshot. It takes the place of [WithReuse].
func WithReset(idle int) PoolOption {
	return poolOption(func(config *poolConfig) { config.idle, config.reset = max(idle, 0), true })
}

// WithLimit lets at most instances of a pool be in use at the same time; Get waits until one is put
// back. 0 or less stands for no limit.
func WithLimit(instances int) PoolOption {
	return poolOption(func(config *poolConfig) { config.limit = instances })
}

// WithWasi makes the instances of a pool by [Wasi.Instantiate]: each has files, streams and
// arguments of w for itself, and its export "_initialize" has run when Get returns it.
// [Pool.GetWasi] chooses others for one use. nil stands for the zero Wasi.
func WithWasi(w *Wasi) PoolOption {
	return poolOption(func(config *poolConfig) {
		if w == nil {
			w = &Wasi{}
		}
		config.wasi = w
	})
}

// WithInstanceImports adds imports for each new instance of a pool: those that imports returns,
// which are preferred, and those of the pool. The context is that of the Get that wants the
// instance. An error is that of Get.
func WithInstanceImports(imports func(ctx context.Context) (*Imports, error)) PoolOption {
	return poolOption(func(config *poolConfig) { config.imports = imports })
}

// WithNewInstance calls a function with each new instance of a pool before anybody gets it, to
// prepare it: to call an export, to fill its memory, to set its context data. The context is that
// of the Get that wants the instance. An error is that of Get, and closes the instance.
func WithNewInstance(prepare func(ctx context.Context, instance *Instance) error) PoolOption {
	return poolOption(func(config *poolConfig) { config.made = prepare })
}

// NewPool makes a pool. nil imports are none. The module and the imports must stay open while the
// pool is used; they are not closed with it. An instance is made at once, to see that it works; it
// is the first that Get returns where instances are reused. The error is a [*ModuleError]; see
// [Module.InstantiateContext].
func NewPool(module *Module, imports *Imports, options ...PoolOption) (*Pool, error) {
	pool := &Pool{module: module, imports: imports, used: make(map[*core.Instance]*pooled)}
	for _, option := range options {
		if option != nil {
			option.applyToPool(&pool.config)
		}
	}
	if pool.config.limit > 0 {
		pool.seats = make(chan struct{}, pool.config.limit)
	}
	first, err := pool.make(context.Background(), pool.config.wasi)
	if err != nil {
		return nil, err
	}
	if pool.config.reset {
		defer first.instance.Close()
		pool.data = first.instance.inner.Data.Load()
		pool.snapshot, err = first.instance.Snapshot()
		return pool, err
	}
	if pool.config.idle > 0 {
		pool.idle = append(pool.idle, first)
	} else {
		first.instance.Close()
	}
	return pool, nil
}

// make makes an instance.
func (pool *Pool) make(ctx context.Context, w *Wasi) (*pooled, error) {
	imports, err := pool.instanceImports(ctx)
	if err != nil {
		return nil, poolError(err)
	}
	item := &pooled{lent: w != pool.config.wasi}
	options := instanceOptions(pool.config.instance)
	if pool.config.reset {
		options.AtReset = func() error { return nil } // the next user brings a new state of WASI
	}
	if pool.snapshot != nil {
		if err := pool.makeOfSnapshot(ctx, w, item, imports, options); err != nil {
			return nil, err
		}
		pool.made.Add(1)
		return item, nil
	}
	if w != nil {
		item.instance, item.wasi, err = w.initialize(ctx, pool.module, imports, options)
	} else if item.instance, err = instantiate(ctx, pool.module.made(), imports, options); err != nil {
		err = instantiationModuleError(err)
	}
	if err != nil {
		return nil, err
	}
	prepared := false
	defer func() { // also if the hook panics
		if !prepared {
			item.instance.Close()
		}
	}()
	if pool.config.made != nil {
		if err := pool.config.made(ctx, item.instance); err != nil {
			return nil, poolError(err)
		}
	}
	prepared = true
	pool.made.Add(1)
	return item, nil
}

// makeOfSnapshot makes an instance as the first one was when it was ready.
func (pool *Pool) makeOfSnapshot(ctx context.Context, w *Wasi, item *pooled, imports *Imports, options core.InstanceOptions) (err error) {
	if w != nil {
		item.instance, item.wasi, err = w.linkSnapshot(ctx, pool.snapshot, imports, options)
	} else if item.instance, err = instantiateSnapshot(ctx, pool.snapshot.inner, imports, options); err != nil {
		err = instantiationModuleError(err)
	}
	if err == nil {
		item.instance.inner.Data.Store(pool.data)
	}
	return err
}

// instanceImports returns the imports of a new instance.
func (pool *Pool) instanceImports(ctx context.Context) (*Imports, error) {
	if pool.config.imports == nil {
		return pool.imports, nil
	}
	own, err := pool.config.imports(ctx)
	if err != nil {
		return nil, err
	}
	items, err := pool.imports.registry().Items()
	if err != nil {
		return nil, err
	}
	added, err := own.registry().Items()
	if err != nil {
		return nil, err
	}
	all := core.NewRegistry(items)
	if err := all.Replace(added); err != nil {
		return nil, err
	}
	return &Imports{all, defaultNamespace}, nil
}

// Get returns an instance that nobody else uses. Return it with Put. The context bounds the wait
// for one, where there is a limit, and what runs in a new one. The error is a [*ModuleError]: the
// context is done, the instantiation failed, or the pool is closed; or that of [Wasi.Instantiate].
func (pool *Pool) Get(ctx context.Context) (*Instance, error) {
	if pool == nil {
		return nil, poolError(closedError("pool"))
	}
	return pool.get(ctx, pool.config.wasi)
}

// GetWasi is [Pool.Get] with other streams, arguments, directories and all else of a Wasi for this
// use alone. The pool must have been made by [WithWasi].
//
// A reused instance gets a new state of WASI: what it has left open is closed, and the streams and
// directories of w take the places of those before. A guest that has asked for arguments,
// environment or the names of its directories when it was initialised, as C libraries do for
// directories, does not ask again: pass as many directories, of the same names. After Put, nothing
// of w is used any more.
func (pool *Pool) GetWasi(ctx context.Context, w *Wasi) (*Instance, error) {
	if pool == nil {
		return nil, poolError(closedError("pool"))
	}
	if pool.config.wasi == nil && pool.module != nil {
		return nil, poolError(errors.New("it was made without WASI, expected NewPool with WithWasi for GetWasi"))
	}
	if w == nil {
		w = &Wasi{}
	}
	return pool.get(ctx, w)
}

func (pool *Pool) get(ctx context.Context, w *Wasi) (*Instance, error) {
	if err := core.CheckContext(ctx); err != nil {
		return nil, poolError(err)
	}
	if pool.module == nil {
		return nil, poolError(closedError("pool"))
	}
	if err := pool.sit(ctx); err != nil {
		return nil, poolError(err)
	}
	var item *pooled
	defer func() { // also if a start function panics
		if item == nil {
			pool.free()
		}
	}()
	item, err := pool.find(ctx, w)
	if err != nil {
		return nil, err
	}
	return item.instance, nil
}

// sit waits for a seat.
func (pool *Pool) sit(ctx context.Context) error {
	if pool.seats == nil {
		return nil
	}
	select {
	case pool.seats <- struct{}{}:
		return nil
	default:
	}
	began := time.Now()
	pool.waits.Add(1)
	pool.waiting.Add(1)
	defer func() {
		pool.waiting.Add(-1)
		pool.waited.Add(int64(time.Since(began)))
	}()
	select {
	case pool.seats <- struct{}{}:
		return nil
	case <-ctx.Done():
		return core.CheckContext(ctx)
	}
}

// find returns an instance that was put back and can be had with w, or a new one.
func (pool *Pool) find(ctx context.Context, w *Wasi) (*pooled, error) {
	var item *pooled
	for {
		var err error
		if item, err = pool.takeIdle(); err != nil {
			return nil, poolError(err)
		}
		if item == nil {
			if item, err = pool.make(ctx, w); err != nil {
				return nil, err
			}
			break
		}
		if ok, err := pool.rebind(item, w); err != nil {
			item.instance.Close()
			return nil, err
		} else if ok {
			break
		}
		item.instance.Close()
	}
	pool.mutex.Lock()
	defer pool.mutex.Unlock()
	if pool.closed {
		item.instance.Close()
		return nil, poolError(closedError("pool"))
	}
	pool.used[item.instance.inner] = item
	return item, nil
}

// rebind replaces the WASI of an instance that is reused by that of its next user. It reports
// whether that can be.
func (pool *Pool) rebind(item *pooled, w *Wasi) (bool, error) {
	lend := w != pool.config.wasi
	if !lend && !item.lent && (!pool.config.reset || w == nil) {
		return true, nil // it goes on with what it has
	}
	system, err := w.system()
	if err != nil {
		return false, importObjectError("Cannot make the imports of WASI", err)
	}
	if !item.wasi.replace(system) {
		_ = system.Close()
		return false, nil
	}
	item.lent = lend
	return true, nil
}

// takeIdle returns an instance that was put back, or nil.
func (pool *Pool) takeIdle() (*pooled, error) {
	pool.mutex.Lock()
	defer pool.mutex.Unlock()
	if pool.closed {
		return nil, closedError("pool")
	}
	for len(pool.idle) > 0 {
		last := len(pool.idle) - 1
		item := pool.idle[last]
		pool.idle[last] = nil
		pool.idle = pool.idle[:last]
		if !item.instance.inner.IsClosed() && !item.instance.inner.IsTerminated() {
			return item, nil
		}
	}
	return nil, nil
}

// free ends the use of an instance as far as the limit is concerned.
func (pool *Pool) free() {
	if pool.seats != nil {
		<-pool.seats
	}
}

// Put returns an instance to the pool. It must not be used afterwards: it is closed, or reused by
// others. An instance whose call has failed is never reused. Pass the error of the call, or nil if
// there was none:
//
//	defer func() { pool.Put(instance, err) }()
//
// The error is an [*InstanceError]: the instance is not one that is in use by this pool, because it
// was put back before or comes from elsewhere; nothing happens to it then.
func (pool *Pool) Put(instance *Instance, failure ...error) error {
	if instance == nil || instance.inner == nil {
		return instanceError("cannot put the instance back", closedError("instance"))
	}
	if pool == nil {
		return instanceError("cannot put the instance back", closedError("pool"))
	}
	pool.mutex.Lock()
	item := pool.used[instance.inner]
	pool.mutex.Unlock()
	if item != nil && (item.lent || pool.config.reset && item.wasi != nil) { // before others can get it
		item.wasi.close()
	}
	failed := errors.Join(failure...) != nil
	pool.mutex.Lock()
	if item = pool.used[instance.inner]; item == nil {
		pool.mutex.Unlock()
		return instanceError("cannot put the instance back", errors.New("it is not in use by this pool"))
	}
	delete(pool.used, instance.inner)
	keep := !failed && pool.canKeep(item)
	if failed {
		pool.discarded++
	}
	if keep && pool.config.reset {
		pool.mutex.Unlock()
		keep = reset(item)
		pool.mutex.Lock()
		keep = keep && pool.canKeep(item)
	}
	if keep {
		pool.idle = append(pool.idle, item)
	}
	pool.mutex.Unlock()
	if !keep {
		item.instance.Close()
	}
	pool.free()
	return nil
}

// canKeep reports whether an instance can be kept for another user. The pool is locked.
func (pool *Pool) canKeep(item *pooled) bool {
	return !pool.closed && len(pool.idle) < pool.config.idle && !item.instance.inner.IsClosed() && !item.instance.inner.IsTerminated()
}

// reset resets an instance for another user, and reports whether that may have it. One of whose
// memory the user before may have kept a slice, by [Memory.Data] or [Memory.View], is not handed
// on: the slice would show what is there next.
func reset(item *pooled) bool {
	return !item.instance.inner.IsShown() && item.instance.inner.Reset(background) == nil
}

// PoolStats are the figures of a pool at a moment.
type PoolStats struct {
	// InUse is how many instances are handed out, Idle how many wait to be reused.
	InUse, Idle int

	// Waiting is how many calls of Get wait for an instance to be put back.
	Waiting int

	// Waits is how many calls of Get have had to wait, and Waited for how long in all.
	Waits  int64
	Waited time.Duration

	// Made is how many instances were made, the first one of NewPool included. Discarded is how
	// many were closed because Put was told that their call had failed.
	Made, Discarded int64
}

// Stats returns the figures of the pool.
func (pool *Pool) Stats() PoolStats {
	if pool == nil {
		return PoolStats{}
	}
	pool.mutex.Lock()
	defer pool.mutex.Unlock()
	return PoolStats{
		InUse: len(pool.used), Idle: len(pool.idle), Waiting: int(pool.waiting.Load()), Waits: pool.waits.Load(),
		Waited: time.Duration(pool.waited.Load()), Made: pool.made.Load(), Discarded: pool.discarded,
	}
}

// Close closes the instances that are not in use; those that are get closed when they are put back.
// Get returns an error that matches [ErrClosed] from now on. Further calls do nothing.
func (pool *Pool) Close() {
	if pool == nil {
		return
	}
	pool.mutex.Lock()
	idle := pool.idle
	pool.idle, pool.closed = nil, true
	pool.mutex.Unlock()
	for _, item := range idle {
		item.instance.Close()
	}
}

func poolError(cause error) error {
	return &ModuleError{message: "cannot get an instance from the pool: " + failure(cause), cause: cause}
}
