"""Every system that we re-create, small enough for tests: all its parts, a few widths."""

from __future__ import annotations

import json
from pathlib import Path

import soundfile

from tests.trainer import tiny
from trainer import recipes
from trainer.corpus import PreparedCorpus, Source, find_source, prepare
from trainer.specs.architectures import GansynthSpec, ReportSpec, SpecganSpec, WaveganSpec
from trainer.specs.game import AugmentSpec, InversionSpec
from trainer.specs.representations import LogMelSpec, LogSpectrogramSpec, MagnitudeMelSpec, PhaseSpec, WaveformSpec
from trainer.specs.run import RunSpec
from trainer.specs.vocoders import MelganSpec, VocosSpec

WAVE = WaveganSpec(latent_size=8, width=2, kernel=9)
SPECTRUM = SpecganSpec(latent_size=8, width=2)
NOTES = GansynthSpec(latent_size=8, base_channels=64, most_channels=8, stable_clips=4, fade_clips=8)
REPORT = ReportSpec(
    latent_size=8,
    start_width=8,
    generator_widths=(8, 4),
    generator_kernels=(5, 3),
    upsampling=("linear", "cubic"),
    critic_widths=(4, 4, 4, 4),
)
WAVEFORM, BINS = WaveformSpec(), LogSpectrogramSpec(griffin_lim_iterations=4)
PHASE = PhaseSpec(n_fft=512, hop_samples=128, n_mels=8)  # 16 x 8: three resolutions
PICTURE = LogMelSpec(n_fft=256, hop_samples=128, n_mels=16, size=(32, 32), inversion_steps=5, griffin_lim_iterations=4)
BY_PITCH = AugmentSpec(time_shift=2, bin_shift=0, time_mask=3, bin_mask=3)


def _like(recipe: str, **changes: object) -> RunSpec:
    """The game of a recipe at the size of the tiny one."""
    spec = tiny.SPEC.replace(recipe=recipe, game=recipes.find(recipe).game, **changes)
    rates = {"generator_learning_rate": 1e-3, "critic_learning_rate": 1e-3}
    return spec.replace(game=spec.game.replace(**rates))


SYSTEMS: dict[str, RunSpec] = {
    "melspec": tiny.SPEC,
    "wavegan": _like(
        "wavegan", representation=WAVEFORM, architecture=WAVE.replace(conditional=False, post_filter_taps=16)
    ),
    "wavegan_small": _like(
        "wavegan_small",
        representation=WAVEFORM,
        architecture=WAVE.replace(pixel_norm=True, upsampling="nearest", output_gain=0.1, critic_fft=64),
    ),
    "wavegan_norm": _like(
        "wavegan_small", representation=WAVEFORM, architecture=WAVE.replace(batch_norm=True, upsampling="linear")
    ),
    "specgan": _like("specgan", representation=BINS, architecture=SPECTRUM.replace(conditional=False)),
    "specgan_small": _like(
        "specgan_small",
        representation=BINS,
        architecture=SPECTRUM.replace(kernel=3, pixel_norm=True, output_gain=0.1, tower_critic=True),
    ),
    "gansynth": _like("gansynth", representation=PHASE, architecture=NOTES, augment=BY_PITCH),
    "gansynth_small": _like(
        "gansynth_small",
        representation=PHASE.replace(
            n_fft=128, hop_samples=32, n_mels=None, frames=128, frequency_origin="band", gate_db=60.0
        ),
        architecture=NOTES.replace(light=True, progressive=False),
        augment=BY_PITCH,
    ),
    "report": _like("report", representation=PICTURE, architecture=REPORT),
    "report_conditional": _like(
        "report_conditional", representation=PICTURE, architecture=REPORT.replace(latent_size=16, has_encoder=True)
    ),
    "report_as_written": _like("report_as_written", representation=PICTURE, architecture=REPORT),
}

GAME = InversionSpec(
    segment_samples=1_024,
    skip_silence=True,
    spectral_weight=1.0,
    generator_learning_rate=1e-3,
    critic_learning_rate=1e-3,
)
CRITICS = {"critic_scales": 2, "critic_width": 4, "critic_most_width": 16, "critic_factors": (4, 2)}
MEL = MagnitudeMelSpec(n_fft=256, hop_samples=64, n_mels=16, inversion_steps=5, griffin_lim_iterations=4)
MELGAN = tiny.SPEC.replace(
    recipe="melgan_small",
    representation=MEL,
    architecture=MelganSpec(width=16, factors=(8, 8), dilations=(3,), **CRITICS),
    game=GAME.replace(alone_steps=2),
    augment=None,
)
VOCOS = MELGAN.replace(
    recipe="vocos_small", architecture=VocosSpec(width=16, blocks=2, expansion=2, **CRITICS), game=GAME
)
VOCODERS: dict[str, RunSpec] = {
    "melgan": MELGAN,
    "melgan_published": MELGAN.replace(
        architecture=MELGAN.architecture.replace(held_ends=False, silence_gate=False),
        game=GAME.replace(spectral_weight=0.0, skip_silence=False),
    ),
    "vocos": VOCOS,
    "vocos_causal": VOCOS.replace(architecture=VOCOS.architecture.replace(causal=True)),
    "vocos_corrected": VOCOS.replace(architecture=VOCOS.architecture.replace(griffin_lim_iterations=2)),
    "vocos_of_log_mel": VOCOS.replace(representation=tiny.SPEC.representation),
}


OPTIONS = {"count": 60, "seconds": 0.3, "label": "pitch"}


def notes_by_pitch(folder: Path) -> PreparedCorpus:
    """Short built-in notes at 8 kHz, labelled by their pitch."""
    return _prepared(find_source("notes", OPTIONS), folder)


def nsynth_by_pitch(folder: Path) -> PreparedCorpus:
    """The same notes as files in NSynth's layout, of two instruments."""
    examples = {}
    (folder / "nsynth" / "audio").mkdir(parents=True)
    for number, recording in enumerate(find_source("notes", OPTIONS).recordings):
        name = f"synth_{number % 2:03d}-{number:03d}-100"
        examples[name] = {
            "pitch": recording.pitch,
            "velocity": 100,
            "instrument_str": f"synth_synthetic_{number % 2:03d}",
            "instrument_family_str": "synth",
            "instrument_source_str": "synthetic",
        }
        soundfile.write(folder / "nsynth" / "audio" / f"{name}.wav", *recording.sound.read())
    (folder / "nsynth" / "examples.json").write_text(json.dumps(examples))
    return _prepared(find_source(str(folder / "nsynth"), {"label": "pitch"}), folder)


def _prepared(source: Source, folder: Path) -> PreparedCorpus:
    return prepare(source, tiny.SPEC.audio, tiny.SPEC.preparation, folder, workers=1, progress=False)
