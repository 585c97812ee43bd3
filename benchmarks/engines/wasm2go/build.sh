#!/bin/sh
# Translates the programs and kernels to Go and builds the command of the engine "wasm2go", in a folder of its own.
# build.sh OUTPUT
set -eu
output=$(realpath -m "$1")
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# It needs Go 1.26, which the go command fetches where it is older.
export GOTOOLCHAIN=auto
go build -o "$work/wasm2go" github.com/ncruces/wasm2go
protocol=$(realpath ../../protocol)
sed "s#=> ../../protocol#=> $protocol#" go.mod >"$work/go.mod"
cp go.sum main.go "$work"

{
  echo "package main"
  echo "import ("
  for wasm in ../../kernels/*.wasm ../../../testdata/guests/nbody.wasm ../../../testdata/guests/fib_recursive.wasm \
    ../../../testdata/guests/pollard_rho_128.wasm ../../../testdata/guests/snappy_compress.wasm; do
    name=$(basename "$wasm" .wasm)
    # It knows no vectors.
    case $name in simd_*) continue ;; esac
    mkdir -p "$work/p/$name"
    # The faster of its two ways to access memory; both check bounds.
    "$work/wasm2go" -unsafe -pkg "$name" -o "$work/p/$name/$name.go" "$wasm"
    echo "	$name \"github.com/gowasmer/wasmer/benchmarks/engines/wasm2go/p/$name\"" | tee -a "$work/names" 
  done
  echo ")"
  echo "func init() {"
  while read -r name _; do
    case $name in
      nbody) echo "	programs[\"$name\"] = func() func([]int32) any { m := $name.New(); return func(a []int32) any { return m.Xmain(a[0]) } }" ;;
      *) echo "	programs[\"$name\"] = func() func([]int32) any { m := $name.New(); return func([]int32) any { return m.Xapp_main() } }" ;;
    esac
  done <"$work/names"
  echo "}"
} >"$work/generated.go"
cd "$work"
go build -o "$output" .
