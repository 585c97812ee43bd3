module github.com/gowasmer/wasmer

go 1.25
