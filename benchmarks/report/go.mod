module github.com/gowasmer/wasmer/benchmarks/report

go 1.25

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../protocol
