#!/usr/bin/env bash
# Installs what the tests need, checks types and style, runs every test, and the dialects' tests twice more: with the state
# on Redis, and on Redis with clients alternating between two nodes. With arguments, it is tap that gets them.
set -uo pipefail
cd "$(dirname "$0")/.."
shopt -s globstar

bash scripts/test-tools.sh && npm run build && npm run lint || exit 1
[ $# -eq 0 ] || exec tap "$@"

# Processes of their own, whose leases and probes, and what honest clients feel, need a machine that keeps up.
processes=(test/{bench,cluster,deploy,hostile,redis-cluster,siege}/**/*.test.ts test/state/redis*.test.ts)
others=()
for file in test/**/*.test.ts; do
  [[ " ${processes[*]} " == *" $file "* ]] || others+=("$file")
done
dialects=(test/routes/contract.test.ts test/routes/{drone,peerjs,psync,rooms,tom}/*.test.ts)

status=0
tap --jobs=5 "${others[@]}" || status=1
tap --jobs=2 "${processes[@]}" || status=1
TEST_STATE=redis tap --jobs=6 "${dialects[@]}" || status=1
TEST_STATE=nodes tap --jobs=6 "${dialects[@]}" || status=1
exit $status
