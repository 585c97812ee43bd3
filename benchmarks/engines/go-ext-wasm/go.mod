module github.com/gowasmer/wasmer/benchmarks/engines/go-ext-wasm

go 1.25

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../../protocol

require github.com/wasmerio/go-ext-wasm v0.3.1
