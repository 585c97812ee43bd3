package wasmer

import (
	"context"
	"errors"
	"sync"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Pool hands out instances of one module, each to one user at a time, such as a goroutine that
// serves a request. All methods may be called by many goroutines at once.
//
// By default each Get makes a fresh instance, and Put closes it: nothing of one request can be seen
// by the next, at the price of an instantiation, which takes some microseconds for a small module.
// [WithReuse] keeps instances for further users.
type Pool struct {
	module  *Module
	imports *Imports
	config  poolConfig
	seats   chan struct{} // one for each instance that may be in use, nil for no limit

	mutex  sync.Mutex
	idle   []*Instance
	used   map[*core.Instance]bool
	closed bool
}

type poolConfig struct {
	idle, limit int
	instance    []InstanceOption
}

// PoolOption is an option of [NewPool]: [WithReuse], [WithLimit], or an [InstanceOption] for all
// instances.
type PoolOption interface{ applyToPool(*poolConfig) }

type poolOption func(*poolConfig)

func (option poolOption) applyToPool(config *poolConfig) { option(config) }

func (option InstanceOption) applyToPool(config *poolConfig) {
	config.instance = append(config.instance, option)
}

// WithReuse makes a pool keep up to idle instances that were put back, and hand them out again as
// they are: memory, tables and globals have what the user before has left there. An instance whose
// call failed may be in any state; close it before it is put back, so that it is not reused.
func WithReuse(idle int) PoolOption {
	return poolOption(func(config *poolConfig) { config.idle = max(idle, 0) })
}

// WithLimit lets at most instances of a pool be in use at the same time; Get waits until one is put
// back. 0 or less stands for no limit.
func WithLimit(instances int) PoolOption {
	return poolOption(func(config *poolConfig) { config.limit = instances })
}

// NewPool makes a pool. nil imports are none. The module and the imports must stay open while the
// pool is used; they are not closed with it. An instance is made at once, to see that it works; it
// is the first that Get returns where instances are reused. The error is a [*ModuleError]; see
// [Module.InstantiateContext].
func NewPool(module *Module, imports *Imports, options ...PoolOption) (*Pool, error) {
	pool := &Pool{module: module, imports: imports, used: make(map[*core.Instance]bool)}
	for _, option := range options {
		if option != nil {
			option.applyToPool(&pool.config)
		}
	}
	if pool.config.limit > 0 {
		pool.seats = make(chan struct{}, pool.config.limit)
	}
	instance, err := pool.make(context.Background())
	if err != nil {
		return nil, err
	}
	if pool.config.idle > 0 {
		pool.idle = append(pool.idle, instance)
	} else {
		instance.Close()
	}
	return pool, nil
}

func (pool *Pool) make(ctx context.Context) (*Instance, error) {
	instance, err := pool.module.InstantiateContext(ctx, pool.imports, pool.config.instance...)
	if err != nil {
		return nil, err
	}
	return &instance, nil
}

// Get returns an instance that nobody else uses; give it back by Put. The context bounds the wait
// for one, where there is a limit, and the start function of a new one. The error is a
// [*ModuleError]: the context is done, the instantiation failed, or the pool is closed.
func (pool *Pool) Get(ctx context.Context) (*Instance, error) {
	if err := core.CheckContext(ctx); err != nil {
		return nil, poolError(err)
	}
	if pool == nil || pool.module == nil {
		return nil, poolError(closedError("pool"))
	}
	if pool.seats != nil {
		select {
		case pool.seats <- struct{}{}:
		case <-ctx.Done():
			return nil, poolError(core.CheckContext(ctx))
		}
	}
	var instance *Instance
	defer func() { // also if a start function panics
		if instance == nil {
			pool.free()
		}
	}()
	var err error
	instance, err = pool.get(ctx)
	return instance, err
}

func (pool *Pool) get(ctx context.Context) (*Instance, error) {
	instance, err := pool.takeIdle()
	if err != nil {
		return nil, poolError(err)
	}
	if instance == nil {
		if instance, err = pool.make(ctx); err != nil {
			return nil, err
		}
	}
	pool.mutex.Lock()
	defer pool.mutex.Unlock()
	if pool.closed {
		instance.Close()
		return nil, poolError(closedError("pool"))
	}
	pool.used[instance.inner] = true
	return instance, nil
}

// takeIdle returns an instance that was put back, or nil.
func (pool *Pool) takeIdle() (*Instance, error) {
	pool.mutex.Lock()
	defer pool.mutex.Unlock()
	if pool.closed {
		return nil, closedError("pool")
	}
	for len(pool.idle) > 0 {
		last := len(pool.idle) - 1
		instance := pool.idle[last]
		pool.idle[last] = nil
		pool.idle = pool.idle[:last]
		if !instance.inner.IsClosed() && !instance.inner.IsTerminated() {
			return instance, nil
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

// Put gives back an instance that Get has returned. It must not be used any more: it is closed, or
// reused by others. The error is an [*InstanceError]: the instance is not one that is in use by
// this pool, because it was put back before or comes from elsewhere; nothing happens to it then.
func (pool *Pool) Put(instance *Instance) error {
	if instance == nil || instance.inner == nil {
		return instanceError("cannot put the instance back", closedError("instance"))
	}
	if pool == nil {
		return instanceError("cannot put the instance back", closedError("pool"))
	}
	pool.mutex.Lock()
	if !pool.used[instance.inner] {
		pool.mutex.Unlock()
		return instanceError("cannot put the instance back", errors.New("it is not in use by this pool"))
	}
	delete(pool.used, instance.inner)
	keep := !pool.closed && len(pool.idle) < pool.config.idle && !instance.inner.IsClosed() &&
		!instance.inner.IsTerminated()
	if keep {
		pool.idle = append(pool.idle, instance)
	}
	pool.mutex.Unlock()
	if !keep {
		instance.Close()
	}
	pool.free()
	return nil
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
	for _, instance := range idle {
		instance.Close()
	}
}

func poolError(cause error) error {
	return &ModuleError{message: "cannot get an instance from the pool: " + failure(cause), cause: cause}
}
