package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Tag is what an exception is caught by, and says which values it has (specification 3.0, section
// 4.2.8). It comes from [NewTag], and is owned then, or from [Instance.Tag], and belongs to the
// instance, which closes it. All methods may be called by many goroutines at once.
type Tag struct {
	inner *core.Tag
}

// TagError is an error about a tag. [NewTag] and [NewException] return it.
type TagError struct {
	message string
	cause   error
}

// Error returns the message.
func (e *TagError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *TagError) Unwrap() error { return e.cause }

func tagError(what string, cause error) error {
	return &TagError{"cannot make the " + what + ": " + failure(cause), cause}
}

// NewTag makes a tag to be imported by instances, by [Imports.AppendTag]. The error is a
// [*TagError]: a type is not one of WebAssembly.
func NewTag(params ...ValueType) (*Tag, error) {
	types := make([]engine.ValType, len(params))
	for i, t := range params {
		if !t.isValue() {
			return nil, tagError("tag", fmt.Errorf("type #%d is `%s`, expected a type of WebAssembly", i+1, t))
		}
		types[i] = engineTypes[t]
	}
	tag, err := core.NewTag(types)
	if err != nil {
		return nil, tagError("tag", err)
	}
	return tagOf(tag), nil
}

// tagOf returns what users get of a tag, the same each time.
func tagOf(tag *core.Tag) *Tag {
	return core.Face(&tag.Faces, func(shown *Tag) { shown.inner = tag })
}

// made returns the tag of package core, nil for one that was never made.
func (tag *Tag) made() *core.Tag {
	if tag == nil {
		return nil
	}
	return tag.inner
}

// Type returns the types of the values of its exceptions, none if the tag was never made.
func (tag *Tag) Type() TagType {
	if tag.made() == nil {
		return TagType{}
	}
	return TagType{typesFromEngine(tag.inner.Params())}
}

// String returns the type, such as "(i32)".
func (tag *Tag) String() string { return tag.Type().String() }

// Is reports whether both are the same tag, which may be exported under several names and by
// several instances.
func (tag *Tag) Is(other *Tag) bool {
	return tag == other || tag.made() != nil && other.made() != nil && tag.inner.Is(other.inner)
}

// Close frees a tag that is owned; instances that import it keep it. Further calls do nothing, and
// so does Close of a tag that belongs to an instance.
func (tag *Tag) Close() {
	if tag.made() != nil {
		tag.inner.Close()
	}
}
