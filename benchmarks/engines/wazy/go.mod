module github.com/gowasmer/wasmer/benchmarks/engines/wazy

go 1.25.0

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../../protocol

require github.com/samyfodil/wazy v0.8.0

require golang.org/x/sys v0.44.0 // indirect
