package core

import (
	"runtime"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
)

// object is what globals, tables and tags have in common.
type object struct {
	life     lifetime
	what     string // "global", "table" or "tag"
	handle   engine.Extern
	store    *store
	instance *Instance        // that it is borrowed from, which it keeps alive; nil if it is owned
	space    *externref.Space // that its store was added to, or nil
	cleanup  runtime.Cleanup

	// Faces are what faces show of it.
	Faces Faces
}

// init takes over a handle.
func (o *object) init(what string, handle engine.Extern, home *store, instance *Instance) {
	o.what, o.handle, o.store, o.instance = what, handle, home, instance
	o.cleanup = runtime.AddCleanup(o, engine.Extern.Free, handle)
}

// release implements releaser.
func (o *object) release() {
	o.cleanup.Stop()
	o.handle.Free()
	o.handle = engine.Extern{}
	if o.space != nil {
		o.space.Closed()
	}
}

// addTo makes collections look at the object. If it fails, the object is closed.
func (o *object) addTo(space *externref.Space) error {
	err := space.AddObject(o.handle)
	if err == nil {
		o.space = space
	} else {
		o.life.close(o)
	}
	return err
}

// enter begins a use, unless the object is closed.
func (o *object) enter() bool { return o.life.enter(o) }

func (o *object) leave() { o.life.leave(o) }

// IsClosed reports whether the object was closed.
func (o *object) IsClosed() bool { return o.life.isClosed() }

// Close frees an object that belongs to no instance; instances that import it keep it.
func (o *object) Close() {
	if o.instance == nil {
		o.life.close(o)
	}
}

func (o *object) closeBorrowed() { o.life.close(o) }
