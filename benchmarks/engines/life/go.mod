module github.com/gowasmer/wasmer/benchmarks/engines/life

go 1.25

require github.com/gowasmer/wasmer/benchmarks/protocol v0.0.0

require (
	github.com/golang/protobuf v1.5.2 // indirect
	github.com/vmihailenco/msgpack v4.0.4+incompatible // indirect
	google.golang.org/appengine v1.6.8 // indirect
	google.golang.org/protobuf v1.26.0 // indirect
	gopkg.in/check.v1 v1.0.0-20201130134442-10cb98267c6c // indirect
)

replace github.com/gowasmer/wasmer/benchmarks/protocol => ../../protocol

require (
	github.com/go-interpreter/wagon v0.0.0 // indirect
	github.com/perlin-network/life v0.0.0-20190521143330-57f3819c2df0
)

// Life needs the fork of Wagon that its own go.mod names: hence a module apart from Wagon's.
replace github.com/go-interpreter/wagon => github.com/perlin-network/wagon v0.3.1-0.20180825141017-f8cb99b55a39
