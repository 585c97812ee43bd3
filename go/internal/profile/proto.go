package profile

import (
	"encoding/binary"
	"errors"
)

// This file has the little of the encoding of protocol buffers that profiles need
// (https://protobuf.dev/programming-guides/encoding).

const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

var errDamaged = errors.New("damaged profile")

// field is a field of a message.
type field struct {
	number int
	kind   int    // one of those above
	value  uint64 // of a varint
	bytes  []byte // of bytes
	raw    []byte // the field as it is encoded
}

// eachField calls visit for each field of a message.
func eachField(message []byte, visit func(field) error) error {
	for len(message) > 0 {
		rest := message
		varint := func() uint64 {
			v, n := binary.Uvarint(rest)
			if n <= 0 {
				rest = nil
				return 0
			}
			rest = rest[n:]
			return v
		}
		tag := varint()
		f := field{number: int(tag >> 3), kind: int(tag & 7)}
		size := uint64(0)
		switch f.kind {
		case wireVarint:
			f.value = varint()
		case wireBytes:
			size = varint()
		case wire64:
			size = 8
		case wire32:
			size = 4
		default:
			return errDamaged
		}
		if rest == nil || size > uint64(len(rest)) {
			return errDamaged
		}
		f.bytes, rest = rest[:size], rest[size:]
		f.raw = message[:len(message)-len(rest)]
		if err := visit(f); err != nil {
			return err
		}
		message = rest
	}
	return nil
}

// appendNumbers appends the numbers of a repeated field, which may be packed.
func (f *field) appendNumbers(to []uint64) ([]uint64, error) {
	if f.kind == wireVarint {
		return append(to, f.value), nil
	}
	for packed := f.bytes; len(packed) > 0; {
		v, n := binary.Uvarint(packed)
		if n <= 0 {
			return nil, errDamaged
		}
		to, packed = append(to, v), packed[n:]
	}
	return to, nil
}

// message is a message that is being written.
type message []byte

// number writes a number, unless it is 0, which is what is read where there is none.
func (m *message) number(field int, v uint64) {
	if v != 0 {
		*m = binary.AppendUvarint(*m, uint64(field)<<3|wireVarint)
		*m = binary.AppendUvarint(*m, v)
	}
}

func (m *message) bytes(field int, v []byte) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|wireBytes)
	*m = binary.AppendUvarint(*m, uint64(len(v)))
	*m = append(*m, v...)
}

func (m *message) packed(field int, numbers []uint64) {
	var all []byte
	for _, n := range numbers {
		all = binary.AppendUvarint(all, n)
	}
	m.bytes(field, all)
}
