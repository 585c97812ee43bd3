package wasmer

import (
	"context"
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file holds the typed calls of exported functions, with up to six parameters, with a result
// and without. They differ in nothing but their numbers of parameters, which the language has no
// way to leave open.

// typedFunction finds an exported function and compares its type with that of a typed function.
func typedFunction(instance *Instance, name, maker string, params, results types) (*core.Function, error) {
	f, err := instance.Function(name)
	if err != nil {
		return nil, err
	}
	want := engine.FuncType{Params: params, Results: results}
	if actual, given := signature(f.inner.Type().FuncType), signature(&want); actual != given {
		return nil, instanceError("cannot make a typed function of `"+name+"`",
			fmt.Errorf("%s is for the type %s, but the function is of type %s", maker, given, actual))
	}
	return f.inner, nil
}

// Func0 returns an exported function that has no parameters and one result as a Go function. See
// [Func2].
func Func0[R Number](instance *Instance, name string) (func(context.Context) (R, error), error) {
	exported, err := typedFunction(instance, name, "Func0", types{}, types{typeOf[R]()})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (R, error) {
		slot, err := exported.Invoke2(ctx, 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromSlot[R](slot), err
	}, nil
}

// Func1 returns an exported function that has one parameter and one result as a Go function. See
// [Func2].
func Func1[A, R Number](instance *Instance, name string) (func(context.Context, A) (R, error), error) {
	exported, err := typedFunction(instance, name, "Func1", types{typeOf[A]()}, types{typeOf[R]()})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A) (R, error) {
		slot, err := exported.Invoke2(ctx, slotOf(a), 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromSlot[R](slot), err
	}, nil
}

// Func2 returns an exported function that has two parameters and one result as a Go function, such
// as
//
//	sum, err := wasmer.Func2[int32, int32, int32](&instance, "sum")
//	value, err := sum(ctx, 5, 37)
//
// int32 and uint32 stand for i32, int64 and uint64 for i64, float32 for f32, float64 for f64; all
// bits are kept. The error is an [*InstanceError]: the instance exports no function of this name,
// the function's type is another one, or the instance is closed.
//
// A call allocates nothing. What [Function.Call] says about contexts, errors and concurrency holds
// for it. The function keeps the instance alive.
func Func2[A, B, R Number](instance *Instance, name string) (func(context.Context, A, B) (R, error), error) {
	exported, err := typedFunction(instance, name, "Func2", types{typeOf[A](), typeOf[B]()}, types{typeOf[R]()})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B) (R, error) {
		slot, err := exported.Invoke2(ctx, slotOf(a), slotOf(b))
		if err != nil {
			err = failed(exported, err)
		}
		return fromSlot[R](slot), err
	}, nil
}

// Func3 returns an exported function that has three parameters and one result as a Go function. See
// [Func2].
func Func3[A, B, C, R Number](instance *Instance, name string) (func(context.Context, A, B, C) (R, error), error) {
	exported, err := typedFunction(instance, name, "Func3", types{typeOf[A](), typeOf[B](), typeOf[C]()}, types{typeOf[R]()})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B, c C) (R, error) {
		slot, err := exported.Invoke6(ctx, slotOf(a), slotOf(b), slotOf(c), 0, 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromSlot[R](slot), err
	}, nil
}

// Func4 returns an exported function that has four parameters and one result as a Go function. See
// [Func2].
func Func4[A, B, C, D, R Number](instance *Instance, name string) (func(context.Context, A, B, C, D) (R, error), error) {
	exported, err := typedFunction(instance, name, "Func4", types{typeOf[A](), typeOf[B](), typeOf[C](), typeOf[D]()}, types{typeOf[R]()})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B, c C, d D) (R, error) {
		slot, err := exported.Invoke6(ctx, slotOf(a), slotOf(b), slotOf(c), slotOf(d), 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromSlot[R](slot), err
	}, nil
}

// Func5 returns an exported function that has five parameters and one result as a Go function. See
// [Func2].
func Func5[A, B, C, D, E, R Number](instance *Instance, name string) (func(context.Context, A, B, C, D, E) (R, error), error) {
	exported, err := typedFunction(instance, name, "Func5", types{typeOf[A](), typeOf[B](), typeOf[C](), typeOf[D](), typeOf[E]()}, types{typeOf[R]()})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B, c C, d D, e E) (R, error) {
		slot, err := exported.Invoke6(ctx, slotOf(a), slotOf(b), slotOf(c), slotOf(d), slotOf(e), 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromSlot[R](slot), err
	}, nil
}

// Func6 returns an exported function that has six parameters and one result as a Go function. See
// [Func2].
func Func6[A, B, C, D, E, F, R Number](instance *Instance, name string) (func(context.Context, A, B, C, D, E, F) (R, error), error) {
	exported, err := typedFunction(instance, name, "Func6", types{typeOf[A](), typeOf[B](), typeOf[C](), typeOf[D](), typeOf[E](), typeOf[F]()}, types{typeOf[R]()})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B, c C, d D, e E, f F) (R, error) {
		slot, err := exported.Invoke6(ctx, slotOf(a), slotOf(b), slotOf(c), slotOf(d), slotOf(e), slotOf(f))
		if err != nil {
			err = failed(exported, err)
		}
		return fromSlot[R](slot), err
	}, nil
}

// Proc0 returns an exported function that has no parameters and no result as a Go function. See
// [Func2].
func Proc0(instance *Instance, name string) (func(context.Context) error, error) {
	exported, err := typedFunction(instance, name, "Proc0", types{}, nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := exported.Invoke2(ctx, 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc1 returns an exported function that has one parameter and no result as a Go function. See
// [Func2].
func Proc1[A Number](instance *Instance, name string) (func(context.Context, A) error, error) {
	exported, err := typedFunction(instance, name, "Proc1", types{typeOf[A]()}, nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A) error {
		_, err := exported.Invoke2(ctx, slotOf(a), 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc2 returns an exported function that has two parameters and no result as a Go function. See
// [Func2].
func Proc2[A, B Number](instance *Instance, name string) (func(context.Context, A, B) error, error) {
	exported, err := typedFunction(instance, name, "Proc2", types{typeOf[A](), typeOf[B]()}, nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B) error {
		_, err := exported.Invoke2(ctx, slotOf(a), slotOf(b))
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc3 returns an exported function that has three parameters and no result as a Go function. See
// [Func2].
func Proc3[A, B, C Number](instance *Instance, name string) (func(context.Context, A, B, C) error, error) {
	exported, err := typedFunction(instance, name, "Proc3", types{typeOf[A](), typeOf[B](), typeOf[C]()}, nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B, c C) error {
		_, err := exported.Invoke6(ctx, slotOf(a), slotOf(b), slotOf(c), 0, 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc4 returns an exported function that has four parameters and no result as a Go function. See
// [Func2].
func Proc4[A, B, C, D Number](instance *Instance, name string) (func(context.Context, A, B, C, D) error, error) {
	exported, err := typedFunction(instance, name, "Proc4", types{typeOf[A](), typeOf[B](), typeOf[C](), typeOf[D]()}, nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B, c C, d D) error {
		_, err := exported.Invoke6(ctx, slotOf(a), slotOf(b), slotOf(c), slotOf(d), 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc5 returns an exported function that has five parameters and no result as a Go function. See
// [Func2].
func Proc5[A, B, C, D, E Number](instance *Instance, name string) (func(context.Context, A, B, C, D, E) error, error) {
	exported, err := typedFunction(instance, name, "Proc5", types{typeOf[A](), typeOf[B](), typeOf[C](), typeOf[D](), typeOf[E]()}, nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B, c C, d D, e E) error {
		_, err := exported.Invoke6(ctx, slotOf(a), slotOf(b), slotOf(c), slotOf(d), slotOf(e), 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc6 returns an exported function that has six parameters and no result as a Go function. See
// [Func2].
func Proc6[A, B, C, D, E, F Number](instance *Instance, name string) (func(context.Context, A, B, C, D, E, F) error, error) {
	exported, err := typedFunction(instance, name, "Proc6", types{typeOf[A](), typeOf[B](), typeOf[C](), typeOf[D](), typeOf[E](), typeOf[F]()}, nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a A, b B, c C, d D, e E, f F) error {
		_, err := exported.Invoke6(ctx, slotOf(a), slotOf(b), slotOf(c), slotOf(d), slotOf(e), slotOf(f))
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}
