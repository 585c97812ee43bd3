package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/cache"
)

// This file keeps compiled modules in a folder.

// Cache keeps compiled modules in a folder, so that later compilations of the same bytes load them
// in milliseconds, in this process and in others. Any number of processes may use a folder at the
// same time, also with different versions of this package or on different processors: a module is
// found only where its code would be made exactly so.
//
// A Cache can only make things faster. A module that cannot be loaded, because its file is missing,
// damaged or not to be trusted, is compiled, and its file replaced; a module that cannot be stored,
// because the disk is full or the folder has vanished, is used all the same. [Cache.Stats] counts
// that. Only a folder that cannot be used to begin with is an error: see [OpenCache].
//
// The folder has to be trusted: its files contain machine code, which is run as it is. It and each
// file in it must belong to the user who runs the program, or to root, and others must not be able
// to write to them. Checksums protect against accidents, not against malice. A file is mapped while
// it is loaded, and large code as long as there are instances of its module: remove or replace a
// file, but do not write to it in place, nor cut it.
//
// All methods may be called by many goroutines at once. A Cache holds nothing open and need not be
// closed.
type Cache struct{ inner *cache.Cache }

// CacheOption is an option of [OpenCache], such as [WithCacheSize]. The zero CacheOption changes
// nothing.
type CacheOption struct{ apply func(*cacheConfig) }

type cacheConfig struct{ limit int64 }

// WithCacheSize limits how many bytes the files of a folder take together, 1 GiB by default. When a
// new one makes them more, those that were not used for the longest time are removed, in whole
// hours, until a tenth of the size is free. A module that alone takes more is not stored. 0 or less
// stands for no limit.
func WithCacheSize(bytes int64) CacheOption {
	return CacheOption{func(config *cacheConfig) { config.limit = bytes }}
}

// OpenCache returns a cache in a folder, which is created, for the user alone, if there is none.
// The error is a [*CacheError]: the folder cannot be created or opened, or somebody else than the
// user or root can write to it (it matches fs.ErrPermission).
func OpenCache(dir string, options ...CacheOption) (*Cache, error) {
	config := cacheConfig{limit: cache.DefaultLimit}
	for _, option := range options {
		if option.apply != nil {
			option.apply(&config)
		}
	}
	inner, err := cache.Open(dir, config.limit)
	if err != nil {
		return nil, cacheError(err)
	}
	return &Cache{inner}, nil
}

// WithCache has a module loaded from a cache, if that has it, and otherwise compiled and stored
// there. The cache is what [OpenCache] has returned, or the name of a folder, for which it does
// what OpenCache does by default: an error of that is then the cause of the [*ModuleError] that
// [Compile] returns. A nil or zero *Cache is none.
//
// Files are found by a hash of the bytes, which takes a millisecond for one or two megabytes.
// Loading is not given up when the context is done.
func WithCache[C string | *Cache](from C) CompileOption {
	return CompileOption{cache: func() (*cache.Cache, error) {
		switch from := any(from).(type) {
		case *Cache:
			return from.made(), nil
		default:
			inner, err := cache.Open(fmt.Sprint(from), cache.DefaultLimit)
			if err != nil {
				return nil, cacheError(err)
			}
			return inner, nil
		}
	}}
}

// CacheStats counts what a [Cache] has done since it was opened.
type CacheStats struct {
	// Hits are modules that the folder had: they were loaded, unless this process had the code.
	Hits int64

	// Misses are modules that the folder did not have.
	Misses int64

	// Rejected are modules that were there and were compiled nevertheless: the file was damaged,
	// was that of another module, or could have been written by others.
	Rejected int64

	// Stored are modules that were written to the folder.
	Stored int64

	// Failed are modules that could not be written.
	Failed int64

	// Removed are modules that were removed to keep the size of the folder.
	Removed int64

	// LastError is why a module was rejected or could not be written most recently, or nil.
	LastError error
}

// made returns the cache of package cache, or nil if it was never opened.
func (c *Cache) made() *cache.Cache {
	if c == nil {
		return nil
	}
	return c.inner
}

// Stats returns what the cache has done.
func (c *Cache) Stats() CacheStats {
	if c.made() == nil {
		return CacheStats{}
	}
	return CacheStats(c.inner.Stats())
}

// Dir returns the absolute path of the folder, or nothing if the cache was never opened.
func (c *Cache) Dir() string {
	if c.made() == nil {
		return ""
	}
	return c.inner.Dir()
}

// Size returns how many modules are in the folder, whoever has stored them, and how many bytes
// their files take. A folder that has vanished is empty. The error is a [*CacheError].
func (c *Cache) Size() (modules int, bytes int64, err error) {
	if c.made() == nil {
		return 0, 0, nil
	}
	modules, bytes, err = c.inner.Usage()
	return modules, bytes, cacheError(err)
}

// Clear removes all modules from the folder. Modules that were loaded from there are not concerned,
// nor are other files. The error is a [*CacheError].
func (c *Cache) Clear() error {
	if c.made() == nil {
		return nil
	}
	return cacheError(c.inner.Clear())
}

// CacheError tells why a folder cannot be used as a cache.
type CacheError struct {
	// Dir is the folder.
	Dir string

	// Err is why. It matches fs.ErrPermission where that is so because of owners or permissions.
	Err error
}

// Error returns the folder and the reason.
func (e *CacheError) Error() string { return (&cache.Error{Dir: e.Dir, Err: e.Err}).Error() }

// Unwrap returns the reason.
func (e *CacheError) Unwrap() error { return e.Err }

// cacheError makes the error of this package of that of package cache, nil of nil.
func cacheError(err error) error {
	if e, ok := err.(*cache.Error); ok {
		return &CacheError{e.Dir, e.Err}
	}
	return err
}
