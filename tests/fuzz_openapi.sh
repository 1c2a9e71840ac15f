#!/usr/bin/env bash
# schemathesis over the OpenAPI page of a running service: `make fuzz` calls it. It is in no locked layer, as it wants
# other versions of the service's own packages, so it gets an environment of its own in .schemathesis/.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
home=.schemathesis
[ -x $home/bin/schemathesis ] || { "$python" -m venv $home && $home/bin/pip install --quiet 'schemathesis>=4.4,<5'; }
export LATENTONE_HTTP_PORT=${HTTP_PORT:-3400} LATENTONE_GRPC_PORT=${GRPC_PORT:-3401} LATENTONE_LOG_LEVEL=error
"$python" -m service > /dev/null & service=$!
trap 'kill $service; wait $service || true' EXIT
until curl -sf "http://127.0.0.1:$LATENTONE_HTTP_PORT/readyz" > /dev/null; do kill -0 $service; sleep 0.5; done
# No error of ours, whatever comes; a schema says less of a request than the service checks, so 400 is a good answer too.
$home/bin/schemathesis run "http://127.0.0.1:$LATENTONE_HTTP_PORT/docs.json" \
    --checks not_a_server_error --max-examples "${EXAMPLES:-200}" --workers 2 --request-timeout 60 --no-color "$@"
