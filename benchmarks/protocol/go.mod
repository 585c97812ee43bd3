module github.com/gowasmer/wasmer/benchmarks/protocol

go 1.25
