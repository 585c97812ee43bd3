#!/usr/bin/env bash
# Shows that each rule of scripts/check_image.sh finds who breaks it, by small files that each break one.
#
# usage: scripts/check_image_test.sh amd64|arm64
#
# It needs the assembler and the linker of the architecture (for arm64 those that scripts/arm64.sh installs).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1-} in
amd64) prefix= ;;
arm64) prefix=aarch64-linux-gnu- ;;
*)
  echo "usage: scripts/check_image_test.sh amd64|arm64" >&2
  exit 2
  ;;
esac
architecture=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# offends RULE SOURCE [flags of the linker]: the check refuses the linked source by that rule, and fails.
offends() {
  local rule=$1 source=$2 said
  shift 2
  printf '%b\n' ".globl _start\n_start: nop\n$source" | "${prefix}as" -o "$folder/a.o" -
  "${prefix}ld" -pie --no-dynamic-linker -e _start -o "$folder/a.elf" "$folder/a.o" "$@" 2>/dev/null
  if said=$(scripts/check_image.sh "$architecture" "$folder/a.elf" "${prefix}objdump" 2>&1); then
    echo "check_image_test.sh: $architecture: '$source $*' passes" >&2
    failed=1
  elif ! grep -qF ": $rule:" <<<"$said"; then
    printf "check_image_test.sh: $architecture: not refused for '%s': '%s'\n%s\n" "$rule" "$source" "$said" >&2
    failed=1
  fi
}

# The rules that hold for both. What is shared is not a part of images, but links what is undefined.
printf '.globl f\nf: nop\n' | "${prefix}as" -o "$folder/f.o" -
"${prefix}ld" -shared -o "$folder/libf.so" "$folder/f.o"
offends 'too little code was disassembled' ''
offends 'relocations that are not relative' '.data\n.quad f' "$folder/libf.so"
offends 'symbols to be resolved' '.data\n.quad f' "$folder/libf.so"
offends 'symbols to be resolved' '.weak f\n.data\n.quad f' -z dynamic-undefined-weak "$folder/libf.so"
offends 'symbols that are chosen when it is loaded' '.type g, %gnu_indirect_function\ng: nop'
offends 'libraries or functions to be run when it is loaded' '.data\n.quad f' "$folder/libf.so"
offends 'libraries or functions to be run when it is loaded' '.section .init_array,"aw",%init_array\n.quad 0'
offends 'a segment for thread-local storage or an interpreter' '.section .tdata,"awT",%progbits\n.quad 1'
offends 'a segment for thread-local storage or an interpreter' '.section .interp,"a"\n.asciz "/lib/ld.so"'
offends 'a segment that can be written and executed' '.section .both,"awx"\n.quad 1'

case $architecture in
amd64)
  for source in 'vmovaps %ymm1, %ymm2' 'vmovaps %zmm1, %zmm2' 'kmovw %eax, %k1'; do
    offends 'vector registers that a pause does not save' "$source"
  done
  offends 'thread-local storage' 'mov %fs:0, %rax'
  offends 'thread-local storage' 'mov %gs:8, %rax'
  ;;
arm64)
  for source in 'add z0.s, z1.s, z2.s' 'ptrue p0.b' 'ldr z3, [x0]' 'str p1, [x0]' 'cntd x0' 'rdvl x0, #1' 'ld1w {z0.s}, p0/z, [x0]'; do
    offends 'registers of SVE' ".arch armv8-a+sve\n$source"
  done
  offends "the thread's register" 'mrs x0, tpidr_el0'
  for source in 'mov x18, x0' 'add w0, w18, #1' 'ldr x0, [x18, #8]' 'stp x17, x18, [sp, #-16]!'; do
    offends 'the register of the platform, x18' "$source"
  done
  offends "the register of Go's g, x28" 'f: mov x28, x0'
  offends "the register of Go's g, x28" 'f: ldp x27, x28, [sp], #16'
  offends 'outlined atomics' '__aarch64_cas4_acq: bl __aarch64_cas4_acq'
  ;;
esac
[ $failed = 0 ] && echo "check_image_test.sh: $architecture: each rule finds who breaks it"
exit $failed
