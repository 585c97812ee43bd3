module github.com/gowasmer/wasmer/benchmarks/engines/wazero

go 1.25.0

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../../protocol

require github.com/tetratelabs/wazero v1.12.0

require golang.org/x/sys v0.44.0 // indirect
