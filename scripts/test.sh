#!/usr/bin/env bash
# npm test                       types, style, and all quick tests: *.test.ts but *.long.test.ts
# npm run test:long              all long tests, *.long.test.ts, and the dialects' tests with the state on one Redis: before a release
# npm test -- FILE|FOLDER...     these tests, of both speeds; what begins with a dash is tap's. TEST_STATE=redis or nodes puts the state there
set -uo pipefail
cd "$(dirname "$0")/.."
shopt -s globstar extglob nullglob

# Tests that time separate processes, and need a machine that keeps up.
timed=@(bench|cluster|deploy|hostile|redis-cluster|siege)
# Folders whose quick tests share a process: starting one takes longer than most of them.
together=@(config|connection|frame|limits|net|plugins|routes/@(drone|peerjs|psync|rooms|tom)|telemetry|timing|turn)

prepare() { # prepare FILE...: what these tests need, and the tests as JavaScript
  bash scripts/test-tools.sh && npm run --silent build && npx tsx scripts/build-tests.ts "$@"
}

run() { # run JOBS FILE|FOLDER...: with what is in $flags
  local jobs=$1 built=()
  shift
  for file in "$@"; do
    case $file in
      *.ts) built+=("build/${file%.ts}.js") ;;
      *) built+=("build/$file/index.js") ;;
    esac
  done
  tap --jobs="$jobs" --node-arg=--enable-source-maps ${flags[@]+"${flags[@]}"} "${built[@]}"
}

split() { # split FILE...: into $processes, which are timed, $folders, and $others
  processes=() folders=() others=()
  for file in "$@"; do
    case $file in
      test/$timed/* | test/state/redis*) processes+=("$file") ;;
      test/$together/!(*.long).test.ts) folders+=("${file%/*}") ;;
      *) others+=("$file") ;;
    esac
  done
}

flags=()
status=0
case ${1-} in
  --long)
    dialects=(test/routes/contract.test.ts test/routes/{drone,peerjs,psync,rooms,tom}/*.test.ts)
    long=(test/**/*.long.test.ts)
    prepare "${dialects[@]}" "${long[@]}" || exit 1
    split "${long[@]}"
    run 2 "${others[@]}" || status=1
    run 1 "${processes[@]}" || status=1
    TEST_STATE=redis run 5 "${dialects[@]}" || status=1
    TEST_STATE=nodes run 1 test/routes/contract.test.ts || status=1
    ;;
  '')
    quick=(test/**/!(*.long).test.ts)
    prepare "${quick[@]}" && npm run --silent lint || exit 1
    split "${quick[@]}"
    mapfile -t folders < <(printf '%s\n' "${folders[@]}" | uniq)
    run 5 "${folders[@]}" "${others[@]}" || status=1
    run 2 "${processes[@]}" || status=1
    TEST_STATE=nodes run 5 test/routes/{drone,peerjs,psync,rooms,tom} || status=1
    ;;
  *)
    files=()
    for arg in "$@"; do
      if [ -d "$arg" ]; then files+=("${arg%/}"/**/*.test.ts)
      elif [ "${arg#-}" != "$arg" ]; then flags+=("$arg")
      else files+=("${arg#./}")
      fi
    done
    prepare "${files[@]}" && run 2 "${files[@]}" || status=1
    ;;
esac
exit $status
