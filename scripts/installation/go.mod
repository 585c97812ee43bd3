module github.com/gowasmer/wasmer/scripts/installation

go 1.25

require golang.org/x/mod v0.31.0
