#!/usr/bin/env bash
# npm test                       types, style, and all quick tests: *.test.ts but *.long.test.ts
# npm run test:long              all long tests, *.long.test.ts, and the dialects' tests on two nodes
# npm test -- FILE|FOLDER...     these tests, of both speeds. TEST_STATE=redis or nodes puts the state there; tap's TAP_GREP, TAP_ONLY, TAP_BAIL hold
set -uo pipefail
cd "$(dirname "$0")/.."
shopt -s globstar extglob nullglob

# Folders that time separate processes, and need a machine that keeps up.
timed=@(bench|chaos|cluster|deploy|hostile|redis-cluster|siege)
# And quick tests elsewhere that hold short times against the clock.
punctual=@(auth/jwks|state/redis)
# Quick tests that take so long that each has a process of its own.
slow=@(auth/jwks|browser/*|web/*|cluster/@(node-death|redis-outage|grace)|plugins/connect-rate-nodes|\
routes/@(bare-root|contract|properties)|server*|state/@(redis|redis-link)|tracing/*)
# What takes longest, of each part: begun first, so that none of them runs alone at the end.
longest=@(auth|bridge|cluster|field|hostile|routes|routes/peerjs|tls|clients/tracker.long.test.ts|cluster/@(grace|redis-outage).test.ts|\
routes/contract.test.ts|server*.test.ts|state/redis.test.ts|chaos/chaos.long.test.ts|doctor/proxies.long.test.ts|\
field/@(image|redis-acl|redis-at-start|signals).long.test.ts|siege/slow-readers.long.test.ts|state/redis-cluster.long.test.ts|\
tracing/spans.long.test.ts|web/connection-test.long.test.ts)
dialects=@(ayame|drone|gst|peerjs|psync|rooms|tom|topics|tracker)

# prepare FILE... [--together FILE...]: what these tests need, the server, and the tests as JavaScript. Those that share a process make one for
# each folder. Types are checked by lint.
prepare() {
  local tools=()
  [[ $* == *test/examples/*.long.test.ts* || $* == *go2rtc* ]] && tools=(--gst)
  bash scripts/test-tools.sh ${tools[@]+"${tools[@]}"} || return 1
  local server
  tsc --noCheck & server=$!
  vite build web --logLevel warn && tsx scripts/build-tests.ts "$@" && wait $server
}

run() { # run JOBS FILE|FOLDER...
  local jobs=$1 file built first=() rest=() report=(cat)
  shift
  for file in "$@"; do
    case $file in
      *.ts) built=build/${file%.ts}.js ;;
      *) built=build/$file/index.js ;;
    esac
    if [[ $file == test/$longest ]]; then first+=("$built"); else rest+=("$built"); fi
  done
  [ -t 1 ] && report=(tap -)
  node --import tsx scripts/run-tests.ts "$jobs" "${first[@]}" "${rest[@]}" | "${report[@]}"
}

# What awaits outside its tests would have those of the next file begin after the end of the last.
shares_process() {
  [[ $1 != test/$slow.test.ts ]] && ! grep -qE '^(const [^=]+ = )?await ' "$1"
}

folders() { # folders FILE...: where they are, each once
  printf '%s\n' "${@%/*}" | sort -u
}

status=0
case ${1-} in
  --long)
    long=(test/**/*.long.test.ts) others=() timed_long=() loaded=()
    for file in "${long[@]}"; do
      case $file in
        # They measure, or load both processors.
        test/@(bench/@(smoke|capacity)|siege/@(siege|drain)|deploy/rolling-restart|hostile/neighbour|server-start).long.test.ts) loaded+=("$file") ;;
        # It sees only that the bench runs.
        test/bench/nodes.long.test.ts) others+=("$file") ;;
        # WebRTC that fails at times where other processes leave it no processor.
        test/@(browser/bridge|clients/tracker).long.test.ts) timed_long+=("$file") ;;
        test/$timed/* | test/state/*) timed_long+=("$file") ;;
        *) others+=("$file") ;;
      esac
    done
    on_nodes=(test/routes/$dialects/*.test.ts)
    prepare "${long[@]}" --together "${on_nodes[@]}" || exit 1
    run 5 "${others[@]}" || status=1
    run 4 "${timed_long[@]}" || status=1
    run 1 "${loaded[@]}" || status=1
    # The dialects cannot tell one Redis from memory: test/state/contract.ts holds for both. What every dialect must survive is tested on
    # two nodes by test/field/redis-acl.long.test.ts.
    TEST_STATE=nodes run 5 $(folders "${on_nodes[@]}") || status=1
    ;;
  '')
    alone=() alone_timed=() shared=() shared_timed=()
    for file in test/**/!(*.long).test.ts; do
      if shares_process "$file"; then part=shared; else part=alone; fi
      if [[ $file == test/$timed/* || $file == test/$punctual.test.ts ]]; then part+=_timed; fi
      declare -n part_files=$part
      part_files+=("$file")
    done
    said=$(mktemp)
    npm run --silent lint > "$said" 2>&1 & lint=$!
    prepare "${alone[@]}" "${alone_timed[@]}" --together "${shared[@]}" "${shared_timed[@]}" || exit 1
    run 4 $(folders "${shared[@]}") "${alone[@]}" || status=1
    wait $lint || { echo '# lint'; cat "$said"; status=1; }
    rm "$said"
    run 4 $(folders "${shared_timed[@]}") "${alone_timed[@]}" || status=1
    ;;
  *)
    files=()
    for arg in "$@"; do
      if [[ $arg == -* ]]; then
        echo "$arg: tap takes its flags from the environment here, as TAP_GREP, TAP_ONLY or TAP_BAIL" >&2
        exit 2
      elif [ -d "$arg" ]; then files+=("${arg%/}"/**/*.test.ts)
      else files+=("${arg#./}")
      fi
    done
    prepare "${files[@]}" && run 2 "${files[@]}" || status=1
    ;;
esac
exit $status
