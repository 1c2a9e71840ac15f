#!/usr/bin/env bash
# The trainings behind docs/results.md: hours, not minutes. `make results` calls it.
# FSDD, URBAN and FONT are the corpora (what is not given is left out), MINUTES the time of each training.
set -euo pipefail
python=${PYTHON:-python}
trainer() { "$python" -m trainer "$@"; }
prepared() { trainer prepare "$@" | sed -n 's/.*--corpus //p'; }
pair() { # NAME CORPUS OURS OTHER [options]: two recipes for the same minutes, SAMPLES of each side by side on one page
    local name=$1 corpus=$2 ours=$3 other=$4 samples=(--samples "${SAMPLES:-1000}") recipe
    shift 4
    for recipe in "$ours" "$other"; do
        trainer train --recipe "$recipe" --corpus "$corpus" --minutes "$MINUTES" --run "results-$name-$recipe" \
            "${samples[@]}" "$@"
    done
    trainer compare "runs/results-$name-$ours" "runs/results-$name-$other" --corpus "$corpus" "${samples[@]}" \
        -o "reports/results-$name"
}

digits() {
    local whole few small
    whole=$(prepared --corpus "$FSDD" --layout fsdd --recipe digits)
    pair digits "$whole" digits wgan_gp
    pair waves "$whole" wavegan_small wavegan --set audio.sample_rate_hz=8000 --set audio.clip_samples=8192
    pair spectra "$whole" specgan_small specgan --set audio.sample_rate_hz=8000 --set audio.clip_samples=8192
    # 200 recordings to train on (three or four of each speaker and digit) and the corpus' own test split.
    small=$(mktemp -d)
    for file in "$FSDD"/[0-9]_*_[0-7].* "$FSDD"/[0-9]_george_8.* "$FSDD"/[0-9]_jackson_8.*; do
        ln -s "$(realpath "$file")" "$small/"
    done
    few=$(prepared --corpus "$small" --layout fsdd --recipe digits)
    rm -rf "$small"
    trainer train --recipe digits --corpus "$few" --minutes "$MINUTES" --run results-few-augmented
    trainer train --recipe digits --corpus "$few" --minutes "$MINUTES" --run results-few-plain \
        --set augment.probability=0.0 --set augment.adaptive=False
    trainer compare runs/results-few-augmented runs/results-few-plain --corpus "$whole" -o reports/results-few
    trainer evaluate models/digits/1 --corpus "$whole" -o reports/results-bundled-digits
}

street() {
    local music all
    music=$(prepared --corpus "$URBAN" --recipe street --option classes=street_music)
    # A sample of the report's network costs 115 GFLOP: a hundred are scored, and no previews stop the clock.
    SAMPLES=100 pair street "$music" street report --set loop.preview_seconds=1e9
    all=$(prepared --corpus "$URBAN" --recipe street)
    trainer train --recipe street --corpus "$all" --minutes "$MINUTES" --run results-urban
}

notes() {
    local corpus
    corpus=$(prepared --corpus "$FONT" --recipe gansynth_small --option programs=0,11,20,24,48,56,68,73)
    trainer train --recipe gansynth_small --corpus "$corpus" --minutes "$MINUTES" --run results-notes
}

[ -n "${FSDD:-}${URBAN:-}${FONT:-}" ] || {
    echo "make results FSDD=path/to/fsdd URBAN=path/to/urbansound8k FONT=path/to/font.sf2 (one or more)" >&2
    exit 1
}
[ -z "${FSDD:-}" ] || digits
[ -z "${URBAN:-}" ] || street
[ -z "${FONT:-}" ] || notes
