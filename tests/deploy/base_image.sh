#!/usr/bin/env bash
# base_image.sh ENGINE: make python:3.11-slim of Debian 12's own packages, where no registry of images can be reached.
# Needs root and mmdebstrap.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='ln -s /usr/bin/python3 "$1/usr/local/bin/python"' \
    bookworm "$folder/base.tar"
"$1" import "$folder/base.tar" python:3.11-slim
