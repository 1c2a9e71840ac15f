#!/usr/bin/env bash
# Docker's compose, or podman's, over compose.yaml: `up --detach`, `down`. The image is built where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
engine=${ENGINE:-$(bash deploy/engine.sh)}
compose() {
    if "$engine" compose version > /dev/null 2>&1; then "$engine" compose "$@"; else "$engine-compose" "$@"; fi
}
if [ "$1" = up ] && ! "$engine" image inspect latentone:latest > /dev/null 2>&1; then
    make container ENGINE="$engine"
fi
compose "$@"
if [ "$1" = up ]; then
    echo "service       http://127.0.0.1:3000  and gRPC 127.0.0.1:3001, once it has loaded"
    echo "Grafana       http://127.0.0.1:3030"
    echo "Prometheus    http://127.0.0.1:9090"
    echo "Alertmanager  http://127.0.0.1:9093"
fi
