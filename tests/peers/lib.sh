# What the peers' scripts share. Sourced by tests/peers/*/run.
# shellcheck shell=bash
set -euo pipefail
# In $(...) too.
shopt -s inherit_errexit

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PEER=$(basename "$(dirname "$(realpath "$0")")")
HERE=$REPO/tests/peers/$PEER
cd "$REPO"
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")
# What is installed stays here; what one run writes is made anew.
PEERS=$TARGET/peers
HOME_OF_PEER=$PEERS/$PEER
RUN=$HOME_OF_PEER/run
mkdir -p "$PEERS/reports"
rm -rf "$RUN"
mkdir -p "$RUN"

# What the registries' clients keep. Go's would otherwise be too read-only to be removed with the rest.
export GOMODCACHE=$PEERS/cache/go-modules GOCACHE=$PEERS/cache/go-build GOFLAGS=-modcacherw
export npm_config_cache=$PEERS/cache/npm

pids=() passed=0 left_out=0

# start NAME COMMAND...: runs a server in the background, its output in $RUN/NAME.log, until this script ends.
start() {
  local name=$1
  shift
  "$@" >"$RUN/$name.log" 2>&1 &
  pids+=($!)
}

# Ends what `start` started, the last first, and nothing else; one that does not listen is killed after ten seconds.
stop_all() {
  local at tries
  for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
    kill "${pids[at]}" 2>/dev/null || continue
    for ((tries = 0; tries < 100; tries++)); do
      kill -0 "${pids[at]}" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "${pids[at]}" 2>/dev/null || true
    wait "${pids[at]}" 2>/dev/null || true
  done
  pids=()
}
trap stop_all EXIT
for signal in INT TERM; do
  # shellcheck disable=SC2064
  trap "stop_all; trap - EXIT $signal; kill -s $signal \$\$" "$signal"
done

# A TCP port of loopback that nobody listens on.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for WHAT COMMAND...: until the command succeeds, a minute at most, as long as what was started last runs.
wait_for() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 600; tries++)); do
    kill -0 "${pids[-1]}" 2>/dev/null || break
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "$PEER: no sign of $what" >&2
  tail -n 20 "$RUN"/*.log >&2 || true
  return 1
}

# Whether somebody listens on that port of loopback.
listens() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# debian PACKAGE...: installs the packages that are missing. No service of theirs starts: the scripts start what they need,
# where they need it.
debian() {
  local missing=() package policy=/usr/sbin/policy-rc.d made=
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || { echo "$PEER: only root can install ${missing[*]}" >&2; return 1; }
  if [[ ! -e $policy ]]; then
    made=$policy
    install -m 755 /dev/stdin "$policy" <<<$'#!/bin/sh\nexit 101'
  fi
  local failed=0
  apt-get update -qq || failed=1
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null || failed=1
  [[ -z $made ]] || rm -f "$made"
  return "$failed"
}

# python REQUIREMENTS: a virtual environment with exactly these packages; its folder.
python() {
  local home=$HOME_OF_PEER/python
  if ! cmp -s "$1" "$home/installed.txt"; then
    rm -rf "$home"
    python3 -c 'import ensurepip' 2>/dev/null || debian python3-venv >&2
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check -r "$1" >&2
    cp "$1" "$home/installed.txt"
  fi
  echo "$home"
}

# report VERSION PASSED SKIPPED [WHY]: this peer's line at the end of the run. What failed has ended the script before.
report() {
  printf '%s\t%s\t%s\t%s\t%s\n' "$PEER" "$1" "$2" "$3" "${4:-}" >"$PEERS/reports/$PEER"
}

# The service's binary: the one that $TRUNKLINE names, or one of this checkout.
trunkline() {
  [[ -n ${TRUNKLINE:-} ]] || (cd "$REPO" && cargo build --quiet --workspace --locked --bin trunkline) >&2
  echo "${TRUNKLINE:-$TARGET/debug/trunkline}"
}

# The suites through the front door, those that start a service, one a line as `cargo_test` takes them. Left out are those
# that want systems of their own or measure them: what they show is not the API.
api_suites() {
  grep -lw World tests/tests/*.rs | sed -E 's|.*/(.*)\.rs|--test=\1|' |
    grep -vx -e --test=audit -e --test=failure_table -e --test=round_trips
}

# cargo_test ARGUMENT...: runs the tests, shows them, and adds their number to $passed, and to $left_out that of those
# that the arguments leave out.
# With --workspace, as in the README's command, so that nothing is built a second time with other features.
cargo_test() {
  local log=$RUN/tests-$RANDOM.log ran
  cargo test --workspace --locked "$@" 2>&1 | tee "$log"
  ran=$(awk '/^test result: ok/ {sum += $4} END {print sum + 0}' "$log")
  passed=$((passed + ran))
  left_out=$((left_out + $(awk '/^test result: ok/ {sum += $8 + $12} END {print sum + 0}' "$log")))
  ((ran > 0)) || { echo "$PEER: no test ran" >&2; return 1; }
}

# was_asked NAME TEXT: fails when the log of what `start` started has no such line: the tests then met another.
was_asked() {
  grep -q "$2" "$RUN/$1.log" || { echo "$PEER: the tests asked $1 nothing" >&2; return 1; }
}
