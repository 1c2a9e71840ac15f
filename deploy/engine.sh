#!/usr/bin/env bash
# Print the first container engine that works here: docker's client may be there without its daemon.
for engine in docker podman buildah; do
    if "$engine" info > /dev/null 2>&1; then
        echo "$engine"
        exit
    fi
done
echo "no container engine works here: start docker's daemon, or install podman or buildah" >&2
exit 1
