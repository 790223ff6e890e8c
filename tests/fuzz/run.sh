#!/usr/bin/env bash
# Fuzzes each target, as many at a time as there are cores.
#
#   tests/fuzz/run.sh SECONDS FOLDER CARGO_FLAGS…
#
# Each has so many seconds. What it learns stays in FOLDER/corpus and is where the next run goes on; an input that breaks
# what a target holds is kept in FOLDER/found: the smallest becomes a seed (tests/fuzz/seeds) with the mend. `make test`
# tries all seeds. Exit code 1 if anything was found.
set -euo pipefail
seconds=$1 folder=$2
shift 2
cd "$(dirname "$0")/../.."
export RUSTC_WORKSPACE_WRAPPER=$PWD/tests/fuzz/rustc.sh
# Optimised a little: that compiles in a minute, and what is fuzzed runs in the libraries for the most part.
cargo build "$@" --config profile.release.package.windrow.opt-level=1 --features fuzz --example fuzz
fuzz=${CARGO_TARGET_DIR:-target}/release/examples/fuzz
mkdir -p "$folder/corpus" "$folder/found"

one() {
  local target=$1
  local corpus=$folder/corpus/$target log=$folder/$target.log
  mkdir -p "$corpus"
  if WINDROW_FUZZ=$target nice "$fuzz" "$corpus" "tests/fuzz/seeds/$target" -max_total_time="$seconds" -max_len=4096 \
    -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$folder/found/$target-" >"$log" 2>&1
  then echo "fuzz: $target: $(sed -n 's/^Done \(.*\)/\1/p' "$log"), $(grep -o ' cov: [0-9]*' "$log" | tail -1 | tr -d ' ') places"
  else
    echo "fuzz: $target FAILED: $(grep -o "$folder/found/[^ ]*" "$log" | tail -1), output in $log"
    return 1
  fi
}
export -f one
export seconds folder fuzz
find tests/fuzz/seeds -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs -P "$(nproc)" -I{} bash -c 'one {}'
