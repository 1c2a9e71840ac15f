"""An exported generator once more, decoded by a vocoder: its run is not needed."""

from __future__ import annotations

from pathlib import Path

from trainer.export import card
from trainer.export.command import command_of_chain
from trainer.export.digests import verified_contract
from trainer.export.publish import check_backend, decoded_by, describe, new_version, write_generator
from trainer.features_of import FeaturesOf
from trainer.representations import registry
from trainer.representations.vocoded import Vocoded
from trainer.versions import versions
from trainer.vocoder_source import VocoderSource


def export_again(model: Path, models: Path, *, name: str | None = None, vocoder: VocoderSource) -> Path:
    """Export the generator of a version folder, decoded by a vocoder, as `publish.export` does a run's.

    name: of the new model (default: its own, as the next version).
    Raises: LatentoneError where the vocoder decodes other features, the files of either are not those of its contract,
    or Keras runs on another backend than TensorFlow; ParityError.
    """
    check_backend(f"export {model} --vocoder {vocoder.folder}")
    from trainer.export.chain import vocoded
    from trainer.export.loaded import LoadedEncoder, LoadedGenerator

    vocoder.check_model(model)
    before, features = verified_contract(model), FeaturesOf.find(model)
    name = name or before["name"]

    def bridge() -> Vocoded:
        return vocoded(registry.of_description(before["features"], features.audio), features, vocoder)

    waveform_encoder = LoadedEncoder(model) if "encode" in before["signatures"] else None
    with new_version(models / name) as (folder, version):
        written = write_generator(lambda: LoadedGenerator(model), bridge, folder, name, waveform_encoder)
        contract = before | written | decoded_by(vocoder)
        commands = filter(None, (before["recipe"].get("command"), command_of_chain(features.place, vocoder, name)))
        recipe = before["recipe"] | {"command": "\n".join(commands)}
        contract |= {"name": name, "version": version, "recipe": recipe, "made_with": versions()}
        preview = model / card.PICTURE
        describe(folder, contract, preview if preview.exists() else None)
    return models / name / str(version)
