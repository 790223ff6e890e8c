#!/usr/bin/env bash
# with-origin.sh ORIGIN COMMAND [ARG …]: runs the command while the origin serves the films at 127.0.0.1:8477, where
# the films job asks it. An origin that serves there already (`make origin`) is used as it is.
set -euo pipefail

origin=$1
shift
serves() { (exec 3<>/dev/tcp/127.0.0.1/8477) 2>/dev/null; }

if serves; then
    echo "with-origin: something serves 127.0.0.1:8477 already; using it as the origin" >&2
    exec "$@"
fi
"$origin" --exit-on-stdin-eof < <(exec tail -f /dev/null --pid=$$) &
pid=$!
trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    serves && break
    kill -0 "$pid" 2>/dev/null || { echo "with-origin: the origin did not start" >&2; exit 1; }
    sleep 0.1
done
"$@"
