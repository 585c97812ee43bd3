package wasmer

import (
	"context"
	"fmt"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file holds the typed calls of exported functions, with up to six parameters, with a result
// and without. They differ in nothing but their numbers of parameters, which the language has no
// way to leave open.

// typedFunction finds an exported function and compares its type with that of a typed function. The
// conversions are nil if the bits of all values are as they are in slots.
func typedFunction(instance *Instance, name, maker string, params, results kinds) (*core.Function, *conversions, error) {
	f, err := instance.Function(name)
	if err != nil {
		return nil, nil, err
	}
	t := f.inner.Type().FuncType
	want := engine.FuncType{Params: typesOfKinds(params, t.Params), Results: typesOfKinds(results, t.Results)}
	if actual, given := signature(t), signature(&want); actual != given {
		return nil, nil, instanceError("cannot make a typed function of `"+name+"`",
			fmt.Errorf("%s is for the type %s, but the function is of type %s", maker, given, actual))
	}
	c := &conversions{function: f.inner, params: movesOf(params, want.Params)}
	if len(results) > 0 {
		c.result = moveOf(results[0], want.Results[0])
	}
	if c.result == moveBits && !slices.ContainsFunc(c.params, func(m move) bool { return m != moveBits }) {
		return f.inner, nil, nil
	}
	return f.inner, c, nil
}

func movesOf(kinds kinds, types []engine.ValType) []move {
	moves := make([]move, len(kinds))
	for i, kind := range kinds {
		moves[i] = moveOf(kind, types[i])
	}
	return moves
}

// conversions are those of a function some of whose values are not as they are in slots.
type conversions struct {
	function *core.Function
	params   []move
	result   move
}

// call calls the function with the bits of Go values, and returns those of the result.
func (c *conversions) call(ctx context.Context, arguments ...uint64) (uint64, error) {
	var slots [6]uint64
	for i, bits := range arguments {
		slot, err := c.params[i].put(bits)
		if err != nil {
			return 0, failed(c.function, fmt.Errorf("argument #%d is %w", i+1, err))
		}
		slots[i] = slot
	}
	slot, err := c.function.Invoke6(ctx, slots[0], slots[1], slots[2], slots[3], slots[4], slots[5])
	if err != nil {
		return 0, failed(c.function, err)
	}
	bits, err := c.result.take(slot)
	if err != nil {
		return 0, failed(c.function, fmt.Errorf("the result is %w", err))
	}
	return bits, nil
}

// Func0 returns an exported function that has no parameters and one result as a Go function. See
// [Func2].
func Func0[R Number](instance *Instance, name string) (func(context.Context) (R, error), error) {
	exported, convert, err := typedFunction(instance, name, "Func0", nil, kinds{kindOf[R]()})
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context) (R, error) {
			bits, err := convert.call(ctx)
			return fromBits[R](bits), err
		}, nil
	}
	return func(ctx context.Context) (R, error) {
		slot, err := exported.Invoke2(ctx, 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromBits[R](slot), err
	}, nil
}

// Func1 returns an exported function that has one parameter and one result as a Go function. See
// [Func2].
func Func1[A, R Number](
	instance *Instance, name string,
) (func(context.Context, A) (R, error), error) {
	exported, convert, err := typedFunction(instance, name, "Func1", kinds{kindOf[A]()}, kinds{kindOf[R]()})
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A) (R, error) {
			bits, err := convert.call(ctx, bitsOf(a))
			return fromBits[R](bits), err
		}, nil
	}
	return func(ctx context.Context, a A) (R, error) {
		slot, err := exported.Invoke2(ctx, bitsOf(a), 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromBits[R](slot), err
	}, nil
}

// Func2 returns an exported function that has two parameters and one result as a Go function, such
// as
//
//	sum, err := wasmer.Func2[int32, int32, int32](&instance, "sum")
//	value, err := sum(ctx, 5, 37)
//
// [Number] lists which Go types stand for which types of WebAssembly. The error is an
// [*InstanceError]: the instance exports no function of this name, the function's type is another
// one, or the instance is closed.
//
// A call allocates nothing. Contexts, errors and concurrency are as with [Function.Call]. The
// function keeps the instance alive.
func Func2[A, B, R Number](
	instance *Instance, name string,
) (func(context.Context, A, B) (R, error), error) {
	params := kinds{kindOf[A](), kindOf[B]()}
	exported, convert, err := typedFunction(instance, name, "Func2", params, kinds{kindOf[R]()})
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B) (R, error) {
			bits, err := convert.call(ctx, bitsOf(a), bitsOf(b))
			return fromBits[R](bits), err
		}, nil
	}
	return func(ctx context.Context, a A, b B) (R, error) {
		slot, err := exported.Invoke2(ctx, bitsOf(a), bitsOf(b))
		if err != nil {
			err = failed(exported, err)
		}
		return fromBits[R](slot), err
	}, nil
}

// Func3 returns an exported function that has three parameters and one result as a Go function. See
// [Func2].
func Func3[A, B, C, R Number](
	instance *Instance, name string,
) (func(context.Context, A, B, C) (R, error), error) {
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C]()}
	exported, convert, err := typedFunction(instance, name, "Func3", params, kinds{kindOf[R]()})
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B, c C) (R, error) {
			bits, err := convert.call(ctx, bitsOf(a), bitsOf(b), bitsOf(c))
			return fromBits[R](bits), err
		}, nil
	}
	return func(ctx context.Context, a A, b B, c C) (R, error) {
		slot, err := exported.Invoke6(ctx, bitsOf(a), bitsOf(b), bitsOf(c), 0, 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromBits[R](slot), err
	}, nil
}

// Func4 returns an exported function that has four parameters and one result as a Go function. See
// [Func2].
func Func4[A, B, C, D, R Number](
	instance *Instance, name string,
) (func(context.Context, A, B, C, D) (R, error), error) {
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D]()}
	exported, convert, err := typedFunction(instance, name, "Func4", params, kinds{kindOf[R]()})
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B, c C, d D) (R, error) {
			bits, err := convert.call(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d))
			return fromBits[R](bits), err
		}, nil
	}
	return func(ctx context.Context, a A, b B, c C, d D) (R, error) {
		slot, err := exported.Invoke6(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromBits[R](slot), err
	}, nil
}

// Func5 returns an exported function that has five parameters and one result as a Go function. See
// [Func2].
func Func5[A, B, C, D, E, R Number](
	instance *Instance, name string,
) (func(context.Context, A, B, C, D, E) (R, error), error) {
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D](), kindOf[E]()}
	exported, convert, err := typedFunction(instance, name, "Func5", params, kinds{kindOf[R]()})
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B, c C, d D, e E) (R, error) {
			bits, err := convert.call(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), bitsOf(e))
			return fromBits[R](bits), err
		}, nil
	}
	return func(ctx context.Context, a A, b B, c C, d D, e E) (R, error) {
		slot, err := exported.Invoke6(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), bitsOf(e), 0)
		if err != nil {
			err = failed(exported, err)
		}
		return fromBits[R](slot), err
	}, nil
}

// Func6 returns an exported function that has six parameters and one result as a Go function. See
// [Func2].
func Func6[A, B, C, D, E, F, R Number](
	instance *Instance, name string,
) (func(context.Context, A, B, C, D, E, F) (R, error), error) {
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D](), kindOf[E](), kindOf[F]()}
	exported, convert, err := typedFunction(instance, name, "Func6", params, kinds{kindOf[R]()})
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B, c C, d D, e E, f F) (R, error) {
			bits, err := convert.call(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), bitsOf(e), bitsOf(f))
			return fromBits[R](bits), err
		}, nil
	}
	return func(ctx context.Context, a A, b B, c C, d D, e E, f F) (R, error) {
		slot, err := exported.Invoke6(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), bitsOf(e), bitsOf(f))
		if err != nil {
			err = failed(exported, err)
		}
		return fromBits[R](slot), err
	}, nil
}

// Proc0 returns an exported function that has no parameters and no result as a Go function. See
// [Func2].
func Proc0(instance *Instance, name string) (func(context.Context) error, error) {
	exported, _, err := typedFunction(instance, name, "Proc0", nil, nil)
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
	exported, convert, err := typedFunction(instance, name, "Proc1", kinds{kindOf[A]()}, nil)
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A) error {
			_, err := convert.call(ctx, bitsOf(a))
			return err
		}, nil
	}
	return func(ctx context.Context, a A) error {
		_, err := exported.Invoke2(ctx, bitsOf(a), 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc2 returns an exported function that has two parameters and no result as a Go function. See
// [Func2].
func Proc2[A, B Number](
	instance *Instance, name string,
) (func(context.Context, A, B) error, error) {
	exported, convert, err := typedFunction(instance, name, "Proc2", kinds{kindOf[A](), kindOf[B]()}, nil)
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B) error {
			_, err := convert.call(ctx, bitsOf(a), bitsOf(b))
			return err
		}, nil
	}
	return func(ctx context.Context, a A, b B) error {
		_, err := exported.Invoke2(ctx, bitsOf(a), bitsOf(b))
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc3 returns an exported function that has three parameters and no result as a Go function. See
// [Func2].
func Proc3[A, B, C Number](
	instance *Instance, name string,
) (func(context.Context, A, B, C) error, error) {
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C]()}
	exported, convert, err := typedFunction(instance, name, "Proc3", params, nil)
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B, c C) error {
			_, err := convert.call(ctx, bitsOf(a), bitsOf(b), bitsOf(c))
			return err
		}, nil
	}
	return func(ctx context.Context, a A, b B, c C) error {
		_, err := exported.Invoke6(ctx, bitsOf(a), bitsOf(b), bitsOf(c), 0, 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc4 returns an exported function that has four parameters and no result as a Go function. See
// [Func2].
func Proc4[A, B, C, D Number](
	instance *Instance, name string,
) (func(context.Context, A, B, C, D) error, error) {
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D]()}
	exported, convert, err := typedFunction(instance, name, "Proc4", params, nil)
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B, c C, d D) error {
			_, err := convert.call(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d))
			return err
		}, nil
	}
	return func(ctx context.Context, a A, b B, c C, d D) error {
		_, err := exported.Invoke6(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), 0, 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc5 returns an exported function that has five parameters and no result as a Go function. See
// [Func2].
func Proc5[A, B, C, D, E Number](
	instance *Instance, name string,
) (func(context.Context, A, B, C, D, E) error, error) {
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D](), kindOf[E]()}
	exported, convert, err := typedFunction(instance, name, "Proc5", params, nil)
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B, c C, d D, e E) error {
			_, err := convert.call(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), bitsOf(e))
			return err
		}, nil
	}
	return func(ctx context.Context, a A, b B, c C, d D, e E) error {
		_, err := exported.Invoke6(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), bitsOf(e), 0)
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}

// Proc6 returns an exported function that has six parameters and no result as a Go function. See
// [Func2].
func Proc6[A, B, C, D, E, F Number](
	instance *Instance, name string,
) (func(context.Context, A, B, C, D, E, F) error, error) {
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D](), kindOf[E](), kindOf[F]()}
	exported, convert, err := typedFunction(instance, name, "Proc6", params, nil)
	if err != nil {
		return nil, err
	}
	if convert != nil {
		return func(ctx context.Context, a A, b B, c C, d D, e E, f F) error {
			_, err := convert.call(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), bitsOf(e), bitsOf(f))
			return err
		}, nil
	}
	return func(ctx context.Context, a A, b B, c C, d D, e E, f F) error {
		_, err := exported.Invoke6(ctx, bitsOf(a), bitsOf(b), bitsOf(c), bitsOf(d), bitsOf(e), bitsOf(f))
		if err != nil {
			err = failed(exported, err)
		}
		return err
	}, nil
}
