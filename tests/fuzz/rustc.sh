#!/usr/bin/env bash
# The compiler, for windrow's own code: counts the paths that are taken, for libFuzzer to look for new ones. (What
# cargo-fuzz passes, too; the flags are LLVM's, and need no nightly compiler.)
compiler=$1
shift
case " $* " in
*" --crate-name windrow "* | *" --crate-name fuzz "*)
  exec "$compiler" "$@" -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
  ;;
esac
exec "$compiler" "$@"
