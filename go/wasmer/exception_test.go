package wasmer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// throwing has functions that throw and catch, by both encodings.
const throwing = `(module
	(import "host" "call" (func $host (param i32) (result i32)))
	(tag $error (export "error") (param i32 f64))
	(tag $other (export "other"))
	(type $pair (func (result i32 f64)))
	(func $throw (export "throw") (param i32)
		(throw $error (local.get 0) (f64.const 1.5)))
	(func (export "catch") (param i32) (result i32)
		(block $caught (type $pair)
			(try_table (catch $error $caught) (call $throw (local.get 0)))
			(return (i32.const -1)))
		drop)
	(func (export "legacy") (param i32) (result i32)
		try (result i32)
			local.get 0 call $throw i32.const -1
		catch $other
			i32.const -2
		catch $error
			drop
		end)
	(func (export "again") (param i32) (result i32)
		try (result i32)
			try (result i32)
				local.get 0 call $throw i32.const -1
			catch_all
				rethrow 0
			end
		catch $error
			drop i32.const 1000 i32.add
		end)
	(func (export "delegated") (param i32) (result i32)
		try $outer (result i32)
			try (result i32)
				try (result i32)
					local.get 0 call $throw i32.const -1
				delegate $outer
			catch_all
				i32.const -2
			end
		catch $error
			drop
		end)
	(func (export "ask") (param i32) (result i32)
		(block $caught (type $pair)
			(try_table (catch $error $caught) (return (call $host (local.get 0))))
			(unreachable))
		drop (i32.const 500) (i32.add))
	(func (export "reference") (param i32) (result exnref)
		(block $caught (result exnref)
			(try_table (catch_all_ref $caught) (call $throw (local.get 0)))
			(ref.null exn)))
	(func (export "throw_ref") (param exnref) (throw_ref (local.get 0)))
	(global $kept (export "kept") (mut exnref) (ref.null exn))
	(func (export "keep") (param i32)
		(block $caught (result exnref)
			(try_table (catch_all_ref $caught) (call $throw (local.get 0)))
			(return))
		(global.set $kept))
	(func (export "thrown_again") (param i32) (result i32) (local $i i32)
		(loop $next
			(block $caught (result exnref)
				(try_table (catch_all_ref $caught) (call $throw (local.get $i)))
				(unreachable))
			(global.set $kept)
			(br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
		(block $caught (type $pair)
			(try_table (catch $error $caught) (throw_ref (global.get $kept)))
			(return (i32.const -1)))
		drop))`

func throwingInstance(t *testing.T, host func(context.Context, int32) (int32, error)) *Instance {
	t.Helper()
	bytes, err := Wat2Wasm(throwing)
	if err != nil {
		t.Fatal(err)
	}
	imports, err := NewImports().Namespace("host").Append("call", host)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := NewInstanceWithImports(bytes, imports)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(instance.Close)
	return &instance
}

func unused(context.Context, int32) (int32, error) { return 0, errors.New("nobody calls this") }

func callException(t *testing.T, instance *Instance, name string, arguments ...any) Value {
	t.Helper()
	value, err := instance.Exports[name](arguments...)
	if err != nil {
		t.Fatalf("%s%v: %v", name, arguments, err)
	}
	return value
}

func TestExceptionsAreCaught(t *testing.T) {
	instance := throwingInstance(t, unused)
	for name, expected := range map[string]int32{"catch": 7, "legacy": 7, "again": 1007, "delegated": 7} {
		for range 3 {
			if value := callException(t, instance, name, 7); value.ToI32() != expected {
				t.Errorf("%s returns %v, expected %d", name, value, expected)
			}
		}
	}
}

func TestUncaughtExceptionIsAnError(t *testing.T) {
	instance := throwingInstance(t, unused)
	tag, err := instance.Tag("error")
	if err != nil {
		t.Fatal(err)
	}
	other, err := instance.Tag("other")
	if err != nil {
		t.Fatal(err)
	}
	_, err = instance.Exports["throw"](42)
	var exception *Exception
	if !errors.As(err, &exception) {
		t.Fatalf("%v, expected an *Exception", err)
	}
	if !exception.Tag.Is(tag) || exception.Tag.Is(other) || tag.Type().String() != "(i32, f64)" {
		t.Errorf("the tag is %v", exception.Tag)
	}
	if len(exception.Values) != 2 || exception.Values[0] != I32(42) || exception.Values[1] != F64(1.5) {
		t.Errorf("the values are %v", exception.Values)
	}
	if len(exception.Backtrace) != 1 || exception.Backtrace[0].FunctionName != "throw" {
		t.Errorf("the backtrace is %v", exception.Backtrace)
	}
	if text := exception.Error(); !strings.HasPrefix(text, "uncaught exception (i32, f64) with 42, 1.500000\n    at throw(i32)") {
		t.Errorf("the text is %q", text)
	}
}

func TestHostFunctionsThrow(t *testing.T) {
	var tag *Tag
	var given error
	instance := throwingInstance(t, func(context.Context, int32) (int32, error) { return 0, given })
	tag, err := instance.Tag("error")
	if err != nil {
		t.Fatal(err)
	}
	exception, err := NewException(tag, I32(11), F64(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, given = range []error{exception, fmt.Errorf("wrapped: %w", exception)} {
		if value := callException(t, instance, "ask", 1); value.ToI32() != 511 {
			t.Errorf("ask returns %v, expected 511", value)
		}
	}
	// What nothing catches ends the call, with the exception in its error.
	other, err := instance.Tag("other")
	if err != nil {
		t.Fatal(err)
	}
	if exception, err = NewException(other); err != nil {
		t.Fatal(err)
	}
	given = exception
	var found *Exception
	if _, err := instance.Exports["ask"](1); !errors.As(err, &found) || found != exception {
		t.Errorf("%v, expected the exception", err)
	}
	// That of a tag that the guest has nothing to do with is no exception to it.
	foreign, err := NewTag(TypeI32, TypeF64)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	if given, err = NewException(foreign, I32(1), F64(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := instance.Exports["ask"](1); !errors.As(err, &found) || found.Tag != foreign {
		t.Errorf("%v, expected the exception", err)
	}
}

func TestExceptionsPassThroughTwoGuests(t *testing.T) {
	inner := throwingInstance(t, unused)
	outer := throwingInstance(t, func(_ context.Context, x int32) (int32, error) {
		_, err := inner.Exports["throw"](x)
		return 0, err
	})
	// Both modules have tags of their own.
	var exception *Exception
	if _, err := outer.Exports["ask"](3); !errors.As(err, &exception) || exception.Values[0] != I32(3) {
		t.Errorf("%v, expected the exception of the other instance", err)
	}
	// Linked, they share one.
	tag, err := inner.Tag("error")
	if err != nil {
		t.Fatal(err)
	}
	imports, err := NewImports().Namespace("m").AppendTag("error", tag)
	if err != nil {
		t.Fatal(err)
	}
	if imports, err = imports.Append("throw", func(x int32) error {
		_, err := inner.Exports["throw"](x)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	bytes, err := Wat2Wasm(`(module
		(import "m" "error" (tag $error (param i32 f64)))
		(import "m" "throw" (func $throw (param i32)))
		(func (export "catch") (param i32) (result i32)
			(block $caught (result i32 f64)
				(try_table (catch $error $caught) (call $throw (local.get 0)))
				(return (i32.const -1)))
			drop))`)
	if err != nil {
		t.Fatal(err)
	}
	linked, err := NewInstanceWithImports(bytes, imports)
	if err != nil {
		t.Fatal(err)
	}
	defer linked.Close()
	if value := callException(t, &linked, "catch", 9); value.ToI32() != 9 {
		t.Errorf("catch returns %v, expected 9", value)
	}
}

func TestReferencesToExceptions(t *testing.T) {
	instance := throwingInstance(t, unused)
	value := callException(t, instance, "reference", 5)
	exception := value.ToException()
	if exception == nil || exception.Values[0] != I32(5) || value.GetType() != TypeExnRef {
		t.Fatalf("reference returns %v", value)
	}
	var thrown *Exception
	for _, argument := range []any{exception, value, ExnRef(exception)} {
		if _, err := instance.Exports["throw_ref"](argument); !errors.As(err, &thrown) || thrown.Values[0] != I32(5) {
			t.Errorf("%v, expected the exception", err)
		}
	}
	for _, null := range []any{nil, ExnRef(nil), (*Exception)(nil)} {
		if _, err := instance.Exports["throw_ref"](null); !errors.Is(err, ErrNullReference) {
			t.Errorf("%v, expected %v", err, ErrNullReference)
		}
	}
	if _, err := instance.Exports["throw_ref"](7); err == nil || !strings.Contains(err.Error(), "exnref") {
		t.Errorf("%v, expected an error about the type", err)
	}
	kept, err := instance.Global("kept")
	if err != nil {
		t.Fatal(err)
	}
	if value, err := kept.Get(); err != nil || !value.IsNull() {
		t.Errorf("%v %v, expected null", value, err)
	}
	callException(t, instance, "keep", 6)
	if value, err := kept.Get(); err != nil || value.ToException().Values[0] != I32(6) {
		t.Errorf("%v %v, expected the exception", value, err)
	}
	if err := kept.Set(ExnRef(exception)); err != nil {
		t.Fatal(err)
	}
	if value, err := kept.Get(); err != nil || value.ToException().Values[0] != I32(5) {
		t.Errorf("%v %v, expected the exception", value, err)
	}
}

// Exceptions that nothing refers to go, and those in globals stay: more than 1,048,576 cannot be
// kept.
func TestExceptionsAreCollected(t *testing.T) {
	instance := throwingInstance(t, unused)
	if value := callException(t, instance, "thrown_again", 1_200_000); value.ToI32() != 1_199_999 {
		t.Errorf("thrown_again returns %v, expected 1199999", value)
	}
}

func TestTagsAndExceptionsThatCannotBe(t *testing.T) {
	tag, err := NewTag(TypeI32)
	if err != nil {
		t.Fatal(err)
	}
	defer tag.Close()
	var tagError *TagError
	for text, err := range map[string]error{
		"type #1 is `void`":                func() error { _, err := NewTag(TypeVoid); return err }(),
		"its tag is nil":                   func() error { _, err := NewException(nil); return err }(),
		"0 values are given, expected 1":   func() error { _, err := NewException(tag); return err }(),
		"value #1: the value is of type `": func() error { _, err := NewException(tag, I64(1)); return err }(),
	} {
		if !errors.As(err, &tagError) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, expected %q", err, text)
		}
	}
	bytes, err := Wat2Wasm(`(module (import "m" "t" (tag (param i64))))`)
	if err != nil {
		t.Fatal(err)
	}
	imports, err := NewImports().Namespace("m").AppendTag("t", tag)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewInstanceWithImports(bytes, imports); err == nil || !strings.Contains(err.Error(), "expected tag [i64] -> [], given tag [i32] -> []") {
		t.Errorf("%v, expected an error about the type of the tag", err)
	}
}
