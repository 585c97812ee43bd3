package wasmer

// directPlain is direct for functions that take numbers only.
func directPlain[T Number](implementation interface{}) hostCall {
	switch f := implementation.(type) {
	case func():
		return func(_ *InstanceContext, _ []uint64) error {
			f()
			return nil
		}
	case func() T:
		return func(_ *InstanceContext, slots []uint64) error {
			set(slots, f())
			return nil
		}
	case func() error:
		return func(_ *InstanceContext, _ []uint64) error {
			return f()
		}
	case func() (T, error):
		return func(_ *InstanceContext, slots []uint64) error {
			value, err := f()
			return setOr(slots, value, err)
		}
	case func(T):
		return func(_ *InstanceContext, slots []uint64) error {
			f(get[T](slots, 0))
			return nil
		}
	case func(T) T:
		return func(_ *InstanceContext, slots []uint64) error {
			set(slots, f(get[T](slots, 0)))
			return nil
		}
	case func(T) error:
		return func(_ *InstanceContext, slots []uint64) error {
			return f(get[T](slots, 0))
		}
	case func(T) (T, error):
		return func(_ *InstanceContext, slots []uint64) error {
			value, err := f(get[T](slots, 0))
			return setOr(slots, value, err)
		}
	case func(T, T):
		return func(_ *InstanceContext, slots []uint64) error {
			f(get[T](slots, 0), get[T](slots, 1))
			return nil
		}
	case func(T, T) T:
		return func(_ *InstanceContext, slots []uint64) error {
			set(slots, f(get[T](slots, 0), get[T](slots, 1)))
			return nil
		}
	case func(T, T) error:
		return func(_ *InstanceContext, slots []uint64) error {
			return f(get[T](slots, 0), get[T](slots, 1))
		}
	case func(T, T) (T, error):
		return func(_ *InstanceContext, slots []uint64) error {
			value, err := f(get[T](slots, 0), get[T](slots, 1))
			return setOr(slots, value, err)
		}
	case func(T, T, T):
		return func(_ *InstanceContext, slots []uint64) error {
			f(get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
			return nil
		}
	case func(T, T, T) T:
		return func(_ *InstanceContext, slots []uint64) error {
			set(slots, f(get[T](slots, 0), get[T](slots, 1), get[T](slots, 2)))
			return nil
		}
	case func(T, T, T) error:
		return func(_ *InstanceContext, slots []uint64) error {
			return f(get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
		}
	case func(T, T, T) (T, error):
		return func(_ *InstanceContext, slots []uint64) error {
			value, err := f(get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
			return setOr(slots, value, err)
		}
	case func(T, T, T, T):
		return func(_ *InstanceContext, slots []uint64) error {
			f(get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
			return nil
		}
	case func(T, T, T, T) T:
		return func(_ *InstanceContext, slots []uint64) error {
			set(slots, f(get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3)))
			return nil
		}
	case func(T, T, T, T) error:
		return func(_ *InstanceContext, slots []uint64) error {
			return f(get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
		}
	case func(T, T, T, T) (T, error):
		return func(_ *InstanceContext, slots []uint64) error {
			value, err := f(get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
			return setOr(slots, value, err)
		}
	}
	return nil
}
