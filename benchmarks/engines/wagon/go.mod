module github.com/gowasmer/wasmer/benchmarks/engines/wagon

go 1.25

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../../protocol

require github.com/go-interpreter/wagon v0.4.0
