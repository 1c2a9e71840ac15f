"""Write a version folder whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer import checkpoint, encoders, players
from trainer.autodiff import BACKEND
from trainer.errors import LatentoneError
from trainer.export import card
from trainer.export.command import command_of
from trainer.export.digests import digests, verified_contract
from trainer.features_of import FeaturesOf
from trainer.files import atomic, write_json
from trainer.run import CONTRACT, Run
from trainer.versions import versions
from trainer.vocoder_source import VocoderSource

if TYPE_CHECKING:
    from trainer.architectures.encoder import Encoder
    from trainer.architectures.networks import Generator
    from trainer.architectures.vocoder import Vocoder
    from trainer.export.loaded import LoadedGenerator
    from trainer.export.waveform_encoder import WaveformEncoder
    from trainer.representations.representation import Representation


def export(run: Run, models: Path, *, name: str | None = None, vocoder: VocoderSource | None = None) -> Path:
    """Export the averaged network of a run to models/<name>/<next integer>/ and return that folder.

    vocoder: decodes what a generator makes, in one graph with it.

    The folder appears only when the SavedModel is written, loads again and agrees with the network to 1e-4.
    Raises: LatentoneError where nothing was trained yet, Keras runs on another backend, or the vocoder decodes other
    features; ParityError.
    """
    check_backend(f"export {run.folder}")
    if vocoder is not None:
        vocoder.check_run(run.folder, run.spec, run.corpus["path"])
    name = name or run.title
    with new_version(models / name) as (folder, version):
        contract = _contract(run, name, version) | _write(run, vocoder, folder, name)
        contract["recipe"]["command"] = command_of(run, name, vocoder)
        describe(folder, contract, _preview(run))
    return models / name / str(version)


def check_backend(command: str) -> None:
    """Raise LatentoneError where Keras runs on another backend than the one whose graphs are exported.

    command: what to run again, such as "export runs/notes-digits-1".
    """
    if BACKEND != "tensorflow":
        name = command.partition(" ")[0]
        raise LatentoneError(f"{name} needs TensorFlow: KERAS_BACKEND=tensorflow python -m trainer {command}")


def _write(run: Run, vocoder: VocoderSource | None, folder: Path, name: str) -> dict[str, Any]:
    """Write the graph of a run, and return its part of the contract."""
    if not run.spec.is_vocoder:
        encoder = encoders.trained_encoder(run, players.trained_generator(run))
        written = write_generator(
            lambda: players.trained_generator(run),
            lambda: _representation(run, vocoder),
            folder,
            name,
            _waveform_encoder(run, encoder),
        )
        facts = None if encoder is None else encoders.facts_of(run)
        return written | decoded_by(vocoder) | {"encoder": facts}
    return write_vocoder(lambda: players.trained_vocoder(run), players.representation(run), folder, name)


def _waveform_encoder(run: Run, encoder: Encoder | None) -> WaveformEncoder | None:
    if encoder is None:
        return None
    from trainer.export.waveform_encoder import TrainedEncoder

    return TrainedEncoder(encoder, players.representation(run))


def _representation(run: Run, vocoder: VocoderSource | None) -> Representation:
    """Of a generator's run, decoded by a vocoder where there is one."""
    representation = players.representation(run)
    if vocoder is None:
        return representation
    from trainer.export.chain import vocoded

    return vocoded(representation, FeaturesOf.of_spec(run.folder, run.spec), vocoder)


def decoded_by(vocoder: VocoderSource | None) -> dict[str, Any]:
    """The vocoder's part of the contract; scores of what Griffin-Lim decoded are not those of the model."""
    if vocoder is None:
        return {}
    from trainer.export.chain import entry

    return {"vocoder": entry(vocoder), "scores": {}}


def write_generator(
    make: Callable[[], Generator | LoadedGenerator],
    bridge: Callable[[], Representation],
    folder: Path,
    name: str,
    waveform_encoder: WaveformEncoder | None,
) -> dict[str, Any]:
    """Write the graph of a generator and its warm-up, hold it to the network, and return its part of the contract.

    make, bridge: give generator and representation anew each time, for the exported ones are folded and the others are
    as they were trained. waveform_encoder: where there is an encoder.
    """
    from trainer.export import graph, parity

    exported = graph.ExportedGenerator(make(), bridge(), waveform_encoder)
    graph.save(exported, folder)
    generator, representation = make(), bridge()
    parity.check_parity(folder, generator, representation, waveform_encoder)
    graph.write_warm_up(folder, name, "generate", parity.example_inputs(generator, 1))
    return {
        "kind": "generator",
        "latent": {"size": generator.latent_size, "distribution": generator.latent_distribution},
        "features": representation.describe(),
        "signatures": graph.describe(exported),
    }


def write_vocoder(
    make: Callable[[], Vocoder], representation: Representation, folder: Path, name: str
) -> dict[str, Any]:
    """The same for a vocoder."""
    from trainer.export import graph, parity

    exported = graph.ExportedVocoder(make(), representation)
    graph.save(exported, folder)
    vocoder = make()
    parity.check_vocoder_parity(folder, vocoder, representation)
    silence = np.full((1, *representation.shape), representation.silence[0], "float32")
    graph.write_warm_up(folder, name, "decode", {"features": silence})
    return {
        "kind": "vocoder",
        "latent": None,
        "features": representation.describe(),
        "reach": {"past_frames": vocoder.reach.past, "future_frames": vocoder.reach.future},
        "signatures": graph.describe(exported),
    }


def update_scores(folder: Path, scores: Path) -> None:
    """Write scores.json of an evaluation into the contract and the card of a version folder.

    Raises: LatentoneError where the folder's files are not those of its contract.
    """
    describe(folder, verified_contract(folder) | {"scores": _scores(scores)})


def describe(folder: Path, contract: dict[str, Any], preview: Path | None = None) -> None:
    """Write the card, with a picture where there is one, then the contract that holds their digests."""
    if preview is not None:
        shutil.copyfile(preview, folder / card.PICTURE)
    with atomic(folder / "README.md") as file:
        file.write(card.render(contract, has_picture=(folder / card.PICTURE).exists()).encode())
    write_json(folder / CONTRACT, contract | {"files": digests(folder)})


def _scores(path: Path) -> dict[str, Any]:
    """What an evaluation found, without what belongs to where and how it was run."""
    if not path.exists():
        return {}
    document: dict[str, Any] = json.loads(path.read_text())
    return {name: value for name, value in document.items() if name not in ("subject", "corpus", "command", "seconds")}


def _contract(run: Run, name: str, version: int) -> dict[str, Any]:
    spec = run.spec
    _, (_, seconds, *_) = checkpoint.load(run.folder)
    return {
        "contract": 1,
        "name": name,
        "version": version,
        "architecture": spec.architecture.kind,
        "audio": spec.audio.to_json(),
        "labels": list(run.label_names),
        "pitches": None if run.label_pitches is None else list(run.label_pitches),
        "corpus": {key: value for key, value in run.corpus.items() if key != "path"},
        "recipe": {
            "name": spec.recipe,
            "steps": checkpoint.load_result(run.folder)[1],
            "batch": spec.loop.batch,
            "minutes": round(seconds / 60.0, 1),
            "seed": spec.loop.seed,
            "backend": run.backend,
            "device": run.device,
            "game": spec.game.to_json(),
            "augment": spec.augment.to_json() if spec.augment else None,
            "networks": spec.architecture.to_json(),
        },
        "scores": _scores(run.folder / "scores.json"),
        "made_with": versions(),
    }


def _preview(run: Run) -> Path | None:
    """The preview of the step that is exported, else the last one (generated above, real below)."""
    step = checkpoint.load_result(run.folder)[1]
    pictures = sorted((run.folder / "previews").glob("step-*.png"))
    return next((path for path in pictures if path.stem == f"step-{step:06d}"), pictures[-1] if pictures else None)


@contextmanager
def new_version(model: Path) -> Iterator[tuple[Path, int]]:
    """A hidden folder that becomes the next integer version if the block ends without an error."""
    model.mkdir(parents=True, exist_ok=True)
    version = max((int(path.name) for path in model.iterdir() if path.name.isdecimal()), default=0) + 1
    folder = Path(tempfile.mkdtemp(dir=model, prefix=f".{version}-"))
    try:
        yield folder, version
        folder.chmod(0o755)
        folder.rename(model / str(version))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if not any(model.iterdir()):
            model.rmdir()
        raise
