module github.com/gowasmer/wasmer/benchmarks/engines/wasmer-go

go 1.25

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../../protocol

require github.com/wasmerio/wasmer-go v1.0.4
