module github.com/gowasmer/wasmer/benchmarks/engines/wasm2go

go 1.26.0

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../../protocol

tool github.com/ncruces/wasm2go

require github.com/ncruces/wasm2go v0.4.19 // indirect

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

require golang.org/x/tools v0.52.0 // indirect
