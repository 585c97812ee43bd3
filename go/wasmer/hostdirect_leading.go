package wasmer

import "context"

// directLeading is direct for functions that take something of the call before their numbers; first gets it.
func directLeading[L any, T number](implementation interface{}, first func(*instanceState, context.Context) L) hostCall {
	switch f := implementation.(type) {
	case func(L):
		return func(s *instanceState, ctx context.Context, _ []uint64) error {
			f(first(s, ctx))
			return nil
		}
	case func(L) T:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			set(slots, f(first(s, ctx)))
			return nil
		}
	case func(L) error:
		return func(s *instanceState, ctx context.Context, _ []uint64) error {
			return f(first(s, ctx))
		}
	case func(L) (T, error):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			value, err := f(first(s, ctx))
			return setOr(slots, value, err)
		}
	case func(L, T):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			f(first(s, ctx), get[T](slots, 0))
			return nil
		}
	case func(L, T) T:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			set(slots, f(first(s, ctx), get[T](slots, 0)))
			return nil
		}
	case func(L, T) error:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			return f(first(s, ctx), get[T](slots, 0))
		}
	case func(L, T) (T, error):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			value, err := f(first(s, ctx), get[T](slots, 0))
			return setOr(slots, value, err)
		}
	case func(L, T, T):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			f(first(s, ctx), get[T](slots, 0), get[T](slots, 1))
			return nil
		}
	case func(L, T, T) T:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			set(slots, f(first(s, ctx), get[T](slots, 0), get[T](slots, 1)))
			return nil
		}
	case func(L, T, T) error:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			return f(first(s, ctx), get[T](slots, 0), get[T](slots, 1))
		}
	case func(L, T, T) (T, error):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			value, err := f(first(s, ctx), get[T](slots, 0), get[T](slots, 1))
			return setOr(slots, value, err)
		}
	case func(L, T, T, T):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			f(first(s, ctx), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
			return nil
		}
	case func(L, T, T, T) T:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			set(slots, f(first(s, ctx), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2)))
			return nil
		}
	case func(L, T, T, T) error:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			return f(first(s, ctx), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
		}
	case func(L, T, T, T) (T, error):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			value, err := f(first(s, ctx), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2))
			return setOr(slots, value, err)
		}
	case func(L, T, T, T, T):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			f(first(s, ctx), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
			return nil
		}
	case func(L, T, T, T, T) T:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			set(slots, f(first(s, ctx), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3)))
			return nil
		}
	case func(L, T, T, T, T) error:
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			return f(first(s, ctx), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
		}
	case func(L, T, T, T, T) (T, error):
		return func(s *instanceState, ctx context.Context, slots []uint64) error {
			value, err := f(first(s, ctx), get[T](slots, 0), get[T](slots, 1), get[T](slots, 2), get[T](slots, 3))
			return setOr(slots, value, err)
		}
	}
	return nil
}
