package wasmer

import "context"

// This file holds the typed makers of host functions, with up to six parameters, with a result and
// without. They differ in nothing but their numbers of parameters, which the language has no way to
// leave open.

// Host0 makes a host function that has no parameters and one result. See [Host2].
func Host0[R Number](function func(context.Context) (R, error)) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	return typedHost(nil, kinds{kindOf[R]()}, func(c *InstanceContext, slots []uint64) error {
		value, err := function(c.Context())
		return setOr(slots, value, err)
	})
}

// Host1 makes a host function that has one parameter and one result. See [Host2].
func Host1[A, R Number](function func(context.Context, A) (R, error)) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A]()}
	return typedHost(params, kinds{kindOf[R]()}, func(c *InstanceContext, slots []uint64) error {
		value, err := function(c.Context(), get[A](slots, 0))
		return setOr(slots, value, err)
	})
}

// Host2 makes a host function that has two parameters and one result, to be given to
// [Imports.Append]:
//
//	imports.Append("sum", wasmer.Host2(func(_ context.Context, x, y int32) (int32, error) {
//		return x + y, nil
//	}))
//
// It takes the context of the call. An error ends the guest, and is found in that of the call by
// [errors.Is] and [errors.As]. A call uses no reflection, and allocates nothing. [Number] tells
// which Go types stand for which types of WebAssembly. A nil function leads to an error when it is
// appended.
func Host2[A, B, R Number](function func(context.Context, A, B) (R, error)) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B]()}
	return typedHost(params, kinds{kindOf[R]()}, func(c *InstanceContext, slots []uint64) error {
		value, err := function(c.Context(), get[A](slots, 0), get[B](slots, 1))
		return setOr(slots, value, err)
	})
}

// Host3 makes a host function that has three parameters and one result. See [Host2].
func Host3[A, B, C, R Number](function func(context.Context, A, B, C) (R, error)) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C]()}
	return typedHost(params, kinds{kindOf[R]()}, func(c *InstanceContext, slots []uint64) error {
		value, err := function(c.Context(), get[A](slots, 0), get[B](slots, 1), get[C](slots, 2))
		return setOr(slots, value, err)
	})
}

// Host4 makes a host function that has four parameters and one result. See [Host2].
func Host4[A, B, C, D, R Number](
	function func(context.Context, A, B, C, D) (R, error),
) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D]()}
	return typedHost(params, kinds{kindOf[R]()}, func(c *InstanceContext, slots []uint64) error {
		value, err := function(c.Context(), get[A](slots, 0), get[B](slots, 1), get[C](slots, 2),
			get[D](slots, 3))
		return setOr(slots, value, err)
	})
}

// Host5 makes a host function that has five parameters and one result. See [Host2].
func Host5[A, B, C, D, E, R Number](
	function func(context.Context, A, B, C, D, E) (R, error),
) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D](), kindOf[E]()}
	return typedHost(params, kinds{kindOf[R]()}, func(c *InstanceContext, slots []uint64) error {
		value, err := function(c.Context(), get[A](slots, 0), get[B](slots, 1), get[C](slots, 2),
			get[D](slots, 3), get[E](slots, 4))
		return setOr(slots, value, err)
	})
}

// Host6 makes a host function that has six parameters and one result. See [Host2].
func Host6[A, B, C, D, E, F, R Number](
	function func(context.Context, A, B, C, D, E, F) (R, error),
) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D](), kindOf[E](), kindOf[F]()}
	return typedHost(params, kinds{kindOf[R]()}, func(c *InstanceContext, slots []uint64) error {
		value, err := function(c.Context(), get[A](slots, 0), get[B](slots, 1), get[C](slots, 2),
			get[D](slots, 3), get[E](slots, 4), get[F](slots, 5))
		return setOr(slots, value, err)
	})
}

// HostProc0 makes a host function that has no parameters and no result. See [Host2].
func HostProc0(function func(context.Context) error) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	return typedHost(nil, nil, func(c *InstanceContext, _ []uint64) error {
		return function(c.Context())
	})
}

// HostProc1 makes a host function that has one parameter and no result. See [Host2].
func HostProc1[A Number](function func(context.Context, A) error) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	return typedHost(kinds{kindOf[A]()}, nil, func(c *InstanceContext, slots []uint64) error {
		return function(c.Context(), get[A](slots, 0))
	})
}

// HostProc2 makes a host function that has two parameters and no result. See [Host2].
func HostProc2[A, B Number](function func(context.Context, A, B) error) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B]()}
	return typedHost(params, nil, func(c *InstanceContext, slots []uint64) error {
		return function(c.Context(), get[A](slots, 0), get[B](slots, 1))
	})
}

// HostProc3 makes a host function that has three parameters and no result. See [Host2].
func HostProc3[A, B, C Number](function func(context.Context, A, B, C) error) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C]()}
	return typedHost(params, nil, func(c *InstanceContext, slots []uint64) error {
		return function(c.Context(), get[A](slots, 0), get[B](slots, 1), get[C](slots, 2))
	})
}

// HostProc4 makes a host function that has four parameters and no result. See [Host2].
func HostProc4[A, B, C, D Number](function func(context.Context, A, B, C, D) error) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D]()}
	return typedHost(params, nil, func(c *InstanceContext, slots []uint64) error {
		return function(c.Context(), get[A](slots, 0), get[B](slots, 1), get[C](slots, 2),
			get[D](slots, 3))
	})
}

// HostProc5 makes a host function that has five parameters and no result. See [Host2].
func HostProc5[A, B, C, D, E Number](
	function func(context.Context, A, B, C, D, E) error,
) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D](), kindOf[E]()}
	return typedHost(params, nil, func(c *InstanceContext, slots []uint64) error {
		return function(c.Context(), get[A](slots, 0), get[B](slots, 1), get[C](slots, 2),
			get[D](slots, 3), get[E](slots, 4))
	})
}

// HostProc6 makes a host function that has six parameters and no result. See [Host2].
func HostProc6[A, B, C, D, E, F Number](
	function func(context.Context, A, B, C, D, E, F) error,
) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	params := kinds{kindOf[A](), kindOf[B](), kindOf[C](), kindOf[D](), kindOf[E](), kindOf[F]()}
	return typedHost(params, nil, func(c *InstanceContext, slots []uint64) error {
		return function(c.Context(), get[A](slots, 0), get[B](slots, 1), get[C](slots, 2),
			get[D](slots, 3), get[E](slots, 4), get[F](slots, 5))
	})
}
