"""generate: write WAV files."""

from __future__ import annotations

import argparse

from trainer.console import say
from trainer.errors import LatentoneError
from trainer.hush import start_backend
from trainer.run import check_source


def run(options: argparse.Namespace) -> int:
    """Make sounds, a file each."""
    if options.count < 1:
        raise LatentoneError(f"--count {options.count}: 1 or more sounds")
    check_source(options.source)
    start_backend()
    import numpy as np

    from trainer import wav
    from trainer.sampler import open_sampler

    sampler = open_sampler(options.source)
    label = sampler.label(options.label)
    for item in range(options.count):
        chosen = label if label is not None else item % max(1, len(sampler.label_names))
        waveform = sampler(sampler.latent(options.seed, item)[None], np.array([chosen], "int32"))[0]
        name = f"{sampler.label_names[chosen]}-" if sampler.label_names else ""
        path = options.output / f"{name}seed{options.seed}-{item:03d}.wav"
        wav.write(path, waveform, sampler.audio.sample_rate_hz)
        say(str(path))
    return 0
