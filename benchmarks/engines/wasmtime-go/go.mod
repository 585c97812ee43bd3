module github.com/gowasmer/wasmer/benchmarks/engines/wasmtime-go

go 1.25

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../../protocol

require github.com/bytecodealliance/wasmtime-go/v44 v44.0.0
