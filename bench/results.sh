#!/usr/bin/env bash
# The trainings behind docs/results.md, from the Free Spoken Digit Dataset: hours, not minutes. `make results` calls it.
set -euo pipefail
fsdd=$1 minutes=$2 python=$3
[ -d "$fsdd" ] || { echo "make results FSDD=path/to/fsdd: $fsdd is no folder (clone the corpus' recordings first)" >&2; exit 1; }
trainer() { "$python" -m trainer "$@"; }
prepared() { trainer prepare "$@" | sed -n 's/.*--corpus //p'; }

# 200 recordings to train on (three or four of each speaker and digit) and the corpus' own test split.
small=$(mktemp -d)
trap 'rm -rf "$small"' EXIT
for file in "$fsdd"/[0-9]_*_[0-7].* "$fsdd"/[0-9]_george_8.* "$fsdd"/[0-9]_jackson_8.*; do ln -s "$(realpath "$file")" "$small/"; done

whole=$(prepared --corpus "$fsdd" --layout fsdd --recipe digits)
few=$(prepared --corpus "$small" --layout fsdd --recipe digits)
trainer train --recipe digits  --corpus "$whole" --minutes "$minutes" --run results-ours
trainer train --recipe wgan_gp --corpus "$whole" --minutes "$minutes" --run results-published
trainer train --recipe digits  --corpus "$few" --minutes "$minutes" --run results-few-augmented
trainer train --recipe digits  --corpus "$few" --minutes "$minutes" --run results-few-plain \
    --set augment.probability=0.0 --set augment.adaptive=False
trainer compare runs/results-ours runs/results-published --corpus "$whole" -o reports/results-published
trainer compare runs/results-few-augmented runs/results-few-plain --corpus "$whole" -o reports/results-few
trainer evaluate models/digits/1 --corpus "$whole" -o reports/results-digits
trainer evaluate models/digits/1 --corpus "$whole" --embedding log-mel -o reports/results-digits-log-mel
