package wasmer

// directLeading is direct for functions that take something of the call before their numbers; first
// gets it.
func directLeading[L any, T Number](implementation interface{}, first func(*InstanceContext) L) hostCall {
	switch f := implementation.(type) {
	case func(L):
		return func(c *InstanceContext, _ []uint64) error {
			f(first(c))
			return nil
		}
	case func(L) T:
		return func(c *InstanceContext, slots []uint64) error {
			set(slots, f(first(c)))
			return nil
		}
	case func(L) error:
		return func(c *InstanceContext, _ []uint64) error {
			return f(first(c))
		}
	case func(L) (T, error):
		return func(c *InstanceContext, slots []uint64) error {
			value, err := f(first(c))
			return setOr(slots, value, err)
		}
	case func(L, T):
		return func(c *InstanceContext, slots []uint64) error {
			f(first(c), get[T](slots, 0))
			return nil
		}
	case func(L, T) T:
		return func(c *InstanceContext, slots []uint64) error {
			set(slots, f(first(c), get[T](slots, 0)))
			return nil
		}
	case func(L, T) error:
		return func(c *InstanceContext, slots []uint64) error {
			return f(first(c), get[T](slots, 0))
		}
	case func(L, T) (T, error):
		return func(c *InstanceContext, slots []uint64) error {
			value, err := f(first(c), get[T](slots, 0))
			return setOr(slots, value, err)
		}
	case func(L, T, T):
		return func(c *InstanceContext, slots []uint64) error {
			f(first(c), get[T](slots, 0), get[T](slots, 1))
			return nil
		}
	case func(L, T, T) T:
		return func(c *InstanceContext, slots []uint64) error {
			set(slots, f(first(c), get[T](slots, 0), get[T](slots, 1)))
			return nil
		}
	case func(L, T, T) error:
		return func(c *InstanceContext, slots []uint64) error {
			return f(first(c), get[T](slots, 0), get[T](slots, 1))
		}
	case func(L, T, T) (T, error):
		return func(c *InstanceContext, slots []uint64) error {
			value, err := f(first(c), get[T](slots, 0), get[T](slots, 1))
			return setOr(slots, value, err)
		}
	case func(L, T, T, T):
		return func(c *InstanceContext, slots []uint64) error {
			f(first(c), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
			return nil
		}
	case func(L, T, T, T) T:
		return func(c *InstanceContext, slots []uint64) error {
			set(slots, f(first(c), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2)))
			return nil
		}
	case func(L, T, T, T) error:
		return func(c *InstanceContext, slots []uint64) error {
			return f(first(c), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
		}
	case func(L, T, T, T) (T, error):
		return func(c *InstanceContext, slots []uint64) error {
			value, err := f(first(c), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
			return setOr(slots, value, err)
		}
	case func(L, T, T, T, T):
		return func(c *InstanceContext, slots []uint64) error {
			f(first(c), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
			return nil
		}
	case func(L, T, T, T, T) T:
		return func(c *InstanceContext, slots []uint64) error {
			set(slots, f(first(c), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3)))
			return nil
		}
	case func(L, T, T, T, T) error:
		return func(c *InstanceContext, slots []uint64) error {
			return f(first(c), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
		}
	case func(L, T, T, T, T) (T, error):
		return func(c *InstanceContext, slots []uint64) error {
			value, err := f(first(c), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
			return setOr(slots, value, err)
		}
	}
	return nil
}
