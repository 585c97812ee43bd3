// Greet passes a string to a guest and gets one back. WebAssembly functions take numbers only, so
// strings go through memory: the guest exports allocate and deallocate, the host writes the string
// where the guest has made room for it and passes the address, and reads the answer at the address
// that comes back. Both end with a zero byte, as in C.
//
// The guest is testdata/guests/greet.wasm, made of greet.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/greet
package main

import (
	"bytes"
	"fmt"
	"log"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	module, err := wasmer.ReadBytes("testdata/guests/greet.wasm")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(module)
	if err != nil {
		return err
	}
	defer instance.Close()

	for _, subject := range []string{"Wasmer 🐹", "世界", ""} {
		greeting, err := greet(&instance, subject)
		if err != nil {
			return err
		}
		fmt.Println(greeting)
	}
	return nil
}

// greet calls the guest's function of this name with strings.
func greet(instance *wasmer.Instance, subject string) (string, error) {
	input, err := writeString(instance, subject)
	if err != nil {
		return "", err
	}
	defer instance.Exports["deallocate"](input, len(subject)+1)

	output, err := instance.Exports["greet"](input)
	if err != nil {
		return "", err
	}
	greeting, err := readString(instance, output)
	if err != nil {
		return "", err
	}
	_, err = instance.Exports["deallocate"](output, len(greeting)+1)
	return greeting, err
}

// writeString copies a string and a zero byte into memory that the guest allocates, and returns the
// address.
func writeString(instance *wasmer.Instance, text string) (wasmer.Value, error) {
	size := len(text) + 1
	address, err := instance.Exports["allocate"](size)
	if err != nil {
		return wasmer.Value{}, err
	}
	// Allocating may have grown the memory: call Data afterwards. The address is from the guest:
	// check it.
	data, start := instance.Memory.Data(), int(uint32(address.ToI32()))
	if start > len(data)-size {
		return wasmer.Value{}, fmt.Errorf("no room for %d bytes at %d in a memory of %d bytes", size, start, len(data))
	}
	copy(data[start:], text)
	data[start+len(text)] = 0
	return address, nil
}

// readString copies the string at an address out of the guest's memory.
func readString(instance *wasmer.Instance, address wasmer.Value) (string, error) {
	data, start := instance.Memory.Data(), int(uint32(address.ToI32()))
	if start > len(data) {
		return "", fmt.Errorf("no string at %d in a memory of %d bytes", start, len(data))
	}
	end := bytes.IndexByte(data[start:], 0)
	if end < 0 {
		return "", fmt.Errorf("the string at %d has no end in a memory of %d bytes", start, len(data))
	}
	return string(data[start : start+end]), nil // string copies
}
