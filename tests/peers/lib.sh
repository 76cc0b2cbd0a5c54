# What the peers' scripts share. Sourced by tests/peers/*/run.
# shellcheck shell=bash
set -euo pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PEER=$(basename "$(dirname "$(realpath "$0")")")
HERE=$REPO/tests/peers/$PEER
# What is installed stays here; what one run writes is made anew.
PEERS=${CARGO_TARGET_DIR:-$REPO/target}/peers
HOME_OF_PEER=$PEERS/$PEER
RUN=$HOME_OF_PEER/run
mkdir -p "$PEERS/reports"
rm -rf "$RUN"
mkdir -p "$RUN"
cd "$REPO"

pids=()

# start NAME COMMAND...: runs a server in the background, its output in $RUN/NAME.log, until this script ends.
start() {
  local name=$1
  shift
  "$@" >"$RUN/$name.log" 2>&1 &
  pids+=($!)
}

# Ends what `start` started, the last first, and nothing else.
stop_all() {
  local at
  for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
    kill "${pids[at]}" 2>/dev/null || true
    wait "${pids[at]}" 2>/dev/null || true
  done
  pids=()
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# A TCP port of loopback that nobody listens on.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for WHAT COMMAND...: until the command succeeds, a minute at most.
wait_for() {
  local what=$1 tries
  shift
  for ((tries = 0; tries < 600; tries++)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "$PEER: waited a minute for $what" >&2
  tail -n 20 "$RUN"/*.log >&2 || true
  return 1
}

# Whether somebody listens on that port of loopback.
listens() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# debian PACKAGE...: installs the packages that are missing.
debian() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  # No service starts by itself: the scripts start what they need, where they need it.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# python REQUIREMENTS: a virtual environment with exactly these packages; its folder.
python() {
  local home=$HOME_OF_PEER/python
  if ! cmp -s "$1" "$home/installed.txt"; then
    rm -rf "$home"
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
  echo "${TRUNKLINE:-${CARGO_TARGET_DIR:-$REPO/target}/debug/trunkline}"
}

# The suites through the front door, those that start a service, one a line as `cargo_test` takes them.
api_suites() {
  grep -lw World tests/tests/*.rs | sed -E 's|.*/(.*)\.rs|--test=\1|'
}

passed=0 left_out=0

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
