#!/usr/bin/env bash
# npm test                       types, style, and all quick tests: *.test.ts but *.long.test.ts
# npm run test:long              all long tests, *.long.test.ts, and the dialects' tests with the state on one Redis and on two nodes
# npm test -- FILE|FOLDER...     these tests, of both speeds; what begins with a dash is tap's. TEST_STATE=redis or nodes puts the state there
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
dialects=@(ayame|drone|gst|peerjs|psync|rooms|tom|topics|tracker)

# prepare FILE... [--together FILE...]: what these tests need, and the tests as JavaScript. Those that share a process make one for each folder.
prepare() {
  local tools=()
  [[ $* == *test/examples/*.long.test.ts* || $* == *go2rtc* ]] && tools=(--gst)
  bash scripts/test-tools.sh ${tools[@]+"${tools[@]}"} && npm run --silent build && npx tsx scripts/build-tests.ts "$@"
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

# What awaits outside its tests would have those of the next file begin after the end of the last.
shares_process() {
  [[ $1 != test/$slow.test.ts ]] && ! grep -qE '^(const [^=]+ = )?await ' "$1"
}

folders() { # folders FILE...: where they are, each once
  printf '%s\n' "${@%/*}" | sort -u
}

# Those that take a minute or more, and wait for much of it. The runner sorts files by name: begun last, these would run alone at the end.
longest=@(chaos/chaos|doctor/proxies|web/connection-test)

run_beside() { # run_beside JOBS FILE...: the longest of them one after the other, and beside them the others
  local jobs=$1 file said longest_files=() others=() ended=0
  shift
  for file in "$@"; do
    if [[ $file == test/$longest.long.test.ts ]]; then longest_files+=("$file"); else others+=("$file"); fi
  done
  said=$(mktemp)
  run 1 "${longest_files[@]}" > "$said" 2>&1 & local beside=$!
  run "$jobs" "${others[@]}" || ended=1
  wait $beside || ended=1
  cat "$said"
  rm "$said"
  return $ended
}

flags=()
status=0
case ${1-} in
  --long)
    long=(test/**/*.long.test.ts) others=() timed_long=() loaded=()
    for file in "${long[@]}"; do
      case $file in
        # They load both processors, or measure.
        test/@(bench|siege)/* | test/@(deploy/rolling-restart|hostile/neighbour|server-start).long.test.ts) loaded+=("$file") ;;
        test/$timed/* | test/state/*) timed_long+=("$file") ;;
        *) others+=("$file") ;;
      esac
    done
    on_redis=(test/routes/$dialects/*.test.ts)
    # The first runner after npm ci builds its plugins. Two at once would do so in one folder.
    tap build || exit 1
    prepare test/routes/contract.test.ts "${long[@]}" --together "${on_redis[@]}" || exit 1
    run_beside 4 "${others[@]}" || status=1
    run_beside 2 "${timed_long[@]}" || status=1
    run 1 "${loaded[@]}" || status=1
    # They mostly wait, so both run at once.
    on_redis=($(folders "${on_redis[@]}") test/routes/contract.test.ts)
    said=$(mktemp)
    TEST_STATE=redis run 5 "${on_redis[@]}" > "$said" 2>&1 & one_redis=$!
    TEST_STATE=nodes run 5 "${on_redis[@]}" || status=1
    wait $one_redis || status=1
    cat "$said"
    rm "$said"
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
    run 5 $(folders "${shared[@]}") "${alone[@]}" || status=1
    wait $lint || { echo '# lint'; cat "$said"; status=1; }
    rm "$said"
    run 4 $(folders "${shared_timed[@]}") "${alone_timed[@]}" || status=1
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
