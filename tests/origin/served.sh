#!/usr/bin/env bash
# served.sh WINDROW JOB: serves what the job gathers until Ctrl-C. As soon as there is something to be read, it is asked for once,
# with the command that then does so in another terminal.
set -euo pipefail

windrow=$1
job=$2
address=http://127.0.0.1:8480

tell() {
    until curl -sf "$address/readyz" >/dev/null; do
        kill -0 $$ 2>/dev/null || exit 0
        sleep 0.2
    done
    table=$(curl -sf "$address/" | grep -oE 'href="/[^"?]+\.json"' | head -n 1 | cut -d '"' -f 2)
    printf '\n%s\n' "in a browser: $address/ (Ctrl-C ends it), in another terminal:" "curl -sf '$address$table?limit=3'" >&2
    curl -sf "$address$table?limit=3" >&2
    echo >&2
}

command -v curl >/dev/null && tell &
exec "$windrow" serve "$job"
