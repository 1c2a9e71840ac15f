#!/usr/bin/env bash
# Build the image of the newest Bento, and write beside it what is in it: build/latentone.cdx.json (CycloneDX).
# From the environment: ENGINE (docker, podman or buildah; by default the first that works) and GPU (any value: with CUDA).
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=${VENV:-.venv}/bin
engine=${ENGINE:-$(bash deploy/engine.sh)}
version=$("$bin/python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
image=latentone:$version${GPU:+-gpu}

echo "building $image with $engine"
mkdir -p build
# HEALTHCHECK is docker's own: the format of OCI, which is podman's and buildah's, has no place for it.
# Its temporary folder is here, as BentoML reads a Dockerfile from below this one alone (its issue 5566).
BUILDAH_FORMAT=docker TMPDIR=$PWD/build "$bin/bentoml" containerize latentone:latest --backend "$engine" \
    --image-tag "$image" --image-tag "latentone:latest${GPU:+-gpu}" --opt "build-arg=GPU=${GPU:-}"

packages() {
    if [ "$engine" = buildah ]; then
        container=$(buildah from "$image")
        buildah run "$container" -- cat /app/packages.txt
        buildah rm "$container" > /dev/null
    else
        "$engine" run --rm --no-healthcheck --entrypoint cat "$image" /app/packages.txt
    fi
}
packages | "$bin/python" -W ignore::UserWarning -m cyclonedx_py requirements - --pyproject pyproject.toml -o build/latentone.cdx.json
echo "$image; what is in it: build/latentone.cdx.json"
