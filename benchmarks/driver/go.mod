module github.com/gowasmer/wasmer/benchmarks/driver

go 1.25

require (
	github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0
	github.com/gowasmer/wasmer/benchmarks/report v0.0.0
)

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../protocol

replace github.com/gowasmer/wasmer/benchmarks/report => ../report
