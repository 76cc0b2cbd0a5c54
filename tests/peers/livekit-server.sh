# A real livekit-server, with Debian's Redis for its SIP service. Sourced after lib.sh by the peers that need one.
# shellcheck shell=bash

# Later versions carry `replace` directives, which `go install` refuses.
LIVEKIT_SERVER_VERSION=1.13.5
LIVEKIT_SERVER=$PEERS/livekit-server/$LIVEKIT_SERVER_VERSION/server

# Installs both, once.
install_livekit_server() {
  debian redis-server
  [[ -x $LIVEKIT_SERVER ]] || GOBIN=$(dirname "$LIVEKIT_SERVER") \
    go install "github.com/livekit/livekit-server/cmd/server@v$LIVEKIT_SERVER_VERSION"
}

redis_version() {
  redis-server --version | sed -E 's/.* v=([^ ]+).*/Redis \1/'
}

# start_livekit_server: starts both on loopback, with nothing kept. Exports LIVEKIT_URL, LIVEKIT_API_KEY,
# LIVEKIT_API_SECRET and REDIS_ADDRESS.
start_livekit_server() {
  local redis_port livekit_port
  redis_port=$(free_port)
  start redis redis-server --bind 127.0.0.1 --port "$redis_port" --save '' --appendonly no --dir "$RUN"
  wait_for Redis listens "$redis_port"

  livekit_port=$(free_port)
  export REDIS_ADDRESS=127.0.0.1:$redis_port LIVEKIT_URL=http://127.0.0.1:$livekit_port
  export LIVEKIT_API_KEY=APIpeers LIVEKIT_API_SECRET=a-secret-of-this-run-with-32-characters
  # No port for media over TCP: LiveKit would open it on every interface.
  cat >"$RUN/livekit.yaml" <<YAML
port: $livekit_port
bind_addresses: [127.0.0.1]
rtc:
  node_ip: 127.0.0.1
  tcp_port: 0
  enable_loopback_candidate: true
  interfaces: {includes: [lo]}
redis: {address: $REDIS_ADDRESS}
keys: {$LIVEKIT_API_KEY: $LIVEKIT_API_SECRET}
YAML
  start livekit "$LIVEKIT_SERVER" --config "$RUN/livekit.yaml"
  wait_for LiveKit listens "$livekit_port"
}
