#!/usr/bin/env bash
# Runs the README's main job as a user would: start it, paste the line it prints,
# follow the Location until the role is active.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
setsid make run >"$log" 2>&1 &
job=$!
trap 'kill -TERM -- -$job 2>/dev/null || true; rm -f "$log"' EXIT

say() { echo "smoke: $*"; }
line=
for _ in $(seq 240); do
  line=$(grep -m1 '^curl ' "$log" || true)
  [ -n "$line" ] && break
  kill -0 $job 2>/dev/null || { cat "$log"; say "it ended before it was ready"; exit 1; }
  sleep 0.5
done
[ -n "$line" ] || { cat "$log"; say "it printed no request to paste"; exit 1; }

say "$line"
answer=$(eval "$line")
echo "$answer"
grep -qE '^HTTP/1.1 20[12]' <<<"$answer" || { say "the request was not taken"; tail -40 "$log"; exit 1; }

at=$(tr -d '\r' <<<"$answer" | sed -n 's/^Location: //p')
host=$(sed -E 's#.*(http://[0-9.:]+)/api.*#\1#' <<<"$line")
key=$(sed -E "s/.*(x-functions-key: [^']+)'.*/\1/" <<<"$line")
for _ in $(seq 90); do
  now=$(curl -sS "$host$at" -H "$key")
  if grep -q '"state":"done"' <<<"$now"; then
    grep -q '"confirmed":true' <<<"$now" || { echo "$now"; say "nobody saw the role active"; exit 1; }
    say "the role is active: $now"
    again=$(eval "$line")
    grep -q '^HTTP/1.1 201' <<<"$again" || { echo "$again"; say "the same request is answered otherwise"; exit 1; }
    say "1 passed, 0 failed"
    exit 0
  fi
  grep -q '"state":"pending"' <<<"$now" || break
  sleep 2
done
echo "$now"
say "the role did not become active"
exit 1
