// Memory shares the linear memory of a guest with Go: reads what the guest wrote, writes for it to
// read, and grows it. The slice of Data is the memory itself, nothing is copied.
//
// The guest is testdata/guests/memory.wasm, made of memory.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/memory
package main

import (
	"bytes"
	"encoding/binary"
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
	module, err := wasmer.ReadBytes("testdata/guests/memory.wasm")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(module)
	if err != nil {
		return err
	}
	defer instance.Close() // the slices of Data must not be used after this

	// Memory is the one that the instance exports, nil if none. It is measured in pages of 64 KiB.
	memory := instance.Memory
	fmt.Println("pages:", memory.Length()/65536)

	// Read: the guest returns the address of a text that ends with a zero byte.
	address, err := instance.Exports["return_hello"]()
	if err != nil {
		return err
	}
	data := memory.Data()
	start := uint32(address.ToI32()) // addresses are unsigned
	if start >= uint32(len(data)) {
		return fmt.Errorf("the guest returned the address %d, expected one below %d", start, len(data))
	}
	text, _, _ := bytes.Cut(data[start:], []byte{0})
	fmt.Printf("the guest wrote: %s\n", text)

	// Write: WebAssembly is little-endian on every machine. The guest sees the bytes at once.
	binary.LittleEndian.PutUint32(data[1000:], 42)
	value, err := instance.Exports["load32"](1000)
	if err != nil {
		return err
	}
	fmt.Println("the guest reads:", value)

	// And the other way round, in the same slice.
	if _, err := instance.Exports["store8"](1000, 7); err != nil {
		return err
	}
	fmt.Println("the host reads:", data[1000])

	// Grow: the memory stays where it is. The old slice stays valid and as long as it was, Data
	// returns a longer one.
	if err := memory.Grow(3); err != nil {
		return err
	}
	longer := memory.Data()
	fmt.Println("bytes before and after growing:", len(data), len(longer))
	data[0] = 'x'
	fmt.Println("the same memory:", longer[0] == 'x')

	// The guest can grow its memory, too: its function returns the old size in pages.
	old, err := instance.Exports["grow"](1)
	if err != nil {
		return err
	}
	fmt.Println("pages before and after the guest has grown it:", old, memory.Length()/65536)

	// There is an end to it: 65,536 pages, or less where the module or an option says so.
	err = memory.Grow(65536)
	fmt.Println(err)
	return nil
}
