#!/usr/bin/env bash
# Installs what the tests need, checks types and style, runs every test, and the dialects' tests twice more: with the state
# on Redis, and on Redis with clients alternating between two nodes. Arguments go to tap.
set -uo pipefail
cd "$(dirname "$0")/.."

bash scripts/test-tools.sh && npm run build && npm run lint || exit 1

dialects=(test/routes/contract.test.ts test/routes/{drone,peerjs,psync,rooms,tom}/*.test.ts)
status=0
tap "$@" || status=1
if [ $# -eq 0 ]; then
  TEST_STATE=redis tap "${dialects[@]}" || status=1
  TEST_STATE=nodes tap "${dialects[@]}" || status=1
fi
exit $status
