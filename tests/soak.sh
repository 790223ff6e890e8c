#!/usr/bin/env bash
# The random tests with new seeds, and what measures times and rates with tight bounds, round after round.
#
#   tests/soak.sh MINUTES FOLDER CARGO_FLAGS…
#
# Each round prints its seed. The output of one that fails is kept in FOLDER, and the soak goes on; proptest notes the
# smallest failing case in proptest-regressions/, which `make test` tries first from then on: commit it with the mend.
# With QUEUE_MINUTES set, the queues come first: 100,000 jobs on each server under attack, then so many minutes of batch after
# batch on both, with memory, folders and tables at the start and the end.
#
# Exit code 1 if a round failed.
set -uo pipefail
minutes=$1 folder=$2
shift 2
mkdir -p "$folder"
failed=0 rounds=0
export WINDROW_SOAK=1
if [ -n "${QUEUE_MINUTES:-}" ]; then
  export WINDROW_QUEUE_JOBS=100000 WINDROW_QUEUE_MINUTES=$QUEUE_MINUTES
  WINDROW_SEED=$(od -An -N7 -tu8 /dev/urandom | tr -d ' ') PROPTEST_RNG_SEED=1
  export WINDROW_SEED PROPTEST_RNG_SEED
  echo "soak: queues, seed $WINDROW_SEED"
  : >"$folder/queues.log"
  # Attacked one after the other; what lasts an hour, on both servers at once.
  for tests in "1 queues::attack" "2 queues::lasting"; do
    cargo test "$@" --test it -- --nocapture --test-threads="${tests% *}" "${tests#* }" 2>&1 | tee -a "$folder/queues.log"
    [ "${PIPESTATUS[0]}" -eq 0 ] || failed=$((failed + 1))
  done
  unset WINDROW_QUEUE_JOBS
fi
while [ "$rounds" -eq 0 ] || [ "$SECONDS" -lt $((60 * minutes)) ]; do
  seed=$(od -An -N7 -tu8 /dev/urandom | tr -d ' ')
  export WINDROW_SEED=$seed PROPTEST_RNG_SEED=$seed
  log=$folder/$seed.log
  rounds=$((rounds + 1))
  echo "soak: round $rounds, seed $seed"
  if cargo test "$@" --lib >"$log" 2>&1 \
    && cargo test "$@" --test it -- attack batches budgets crash kills lists pages rivals servers signals >>"$log" 2>&1
  then rm "$log"
  else
    failed=$((failed + 1))
    grep -E '^test .* FAILED$' "$log"
    echo "soak: output in $log; again: WINDROW_SOAK=1 WINDROW_SEED=$seed PROPTEST_RNG_SEED=$seed cargo test $* TEST"
  fi
done
echo "soak: $rounds rounds, $failed of them failed"
[ "$failed" -eq 0 ]
