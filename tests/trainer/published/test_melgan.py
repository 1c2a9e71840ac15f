"""Weights of MelGAN as published: every name and shape checked, and the original's arithmetic to 1e-4."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from service.contract import read_contract, verify_files
from tests.trainer.published import original
from tests.trainer.published.original import PUBLISHED, SMALL, Sizes, StateDict
from trainer import facts
from trainer.decoder import open_decoder
from trainer.errors import LatentoneError
from trainer.export import card
from trainer.export.imported import export_imported, vocoder_of
from trainer.export.publish import update_scores
from trainer.published.imported import Imported
from trainer.published.melgan import sizes_of, weights_of
from trainer.run import is_vocoder
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import MagnitudeMelSpec

ANY_FRAMES = (1, 2, 3, 12)  # of the original's mirrored ends, 4 and more
DIGEST = "0123456789abcdef" * 4


def imported(tensors: StateDict, sizes: Sizes) -> Imported:
    """As the command makes it of a checkpoint."""
    hop = int(np.prod(sizes.factors))
    return Imported(
        architecture=sizes_of(tensors)[0],
        representation=MagnitudeMelSpec(n_fft=4 * hop, hop_samples=hop, n_mels=sizes.bands),
        audio=AudioSpec(sample_rate_hz=22_050, clip_samples=64 * hop),
        weights=weights_of(tensors),
        file="voice.pt",
        sha256=DIGEST,
        licence=None,
        command="python -m trainer import melgan voice.pt",
    )


@pytest.fixture(scope="module")
def published() -> StateDict:
    return original.state_dict(PUBLISHED)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small one, exported."""
    tensors = original.state_dict(SMALL)
    return export_imported(imported(tensors, SMALL), tmp_path_factory.mktemp("models"), name="voice")


def test_sizes_are_read_from_the_shapes(published: StateDict) -> None:
    spec, bands = sizes_of(published)
    assert (spec.width, spec.factors, spec.dilations, bands) == (512, (8, 8, 2, 2), (1, 3, 9), 80)
    assert not spec.held_ends
    assert not spec.silence_gate
    spec, bands = sizes_of(original.state_dict(SMALL))
    assert (spec.width, spec.factors, spec.dilations, bands) == (16, (4, 3, 2), (1, 3), 12)


def test_the_published_size_is_the_original_s_arithmetic_and_so_is_its_graph(
    published: StateDict, tmp_path: Path
) -> None:
    given = original.features(PUBLISHED, 12)
    wanted = original.sound(published, PUBLISHED, given[0])
    assert 0.1 < wanted.std() < 0.5
    network = imported(published, PUBLISHED)
    np.testing.assert_allclose(np.asarray(vocoder_of(network)(given))[0], wanted, atol=1e-4)
    graph = tf.saved_model.load(str(export_imported(network, tmp_path, name="melgan")))
    decoded = graph.signatures["decode"](features=tf.constant(given))["waveform"].numpy()
    np.testing.assert_allclose(decoded[0], wanted, atol=1e-4)


@pytest.mark.parametrize(
    "sizes", [SMALL, Sizes(bands=5, last_width=3, factors=(5,), blocks=1), Sizes(4, 1, (2, 3, 7), blocks=4)]
)
def test_other_sizes_are_the_original_s_arithmetic(sizes: Sizes) -> None:
    tensors, given = original.state_dict(sizes, seed=1), original.features(sizes, 30)
    found = np.asarray(vocoder_of(imported(tensors, sizes))(given))[0]
    np.testing.assert_allclose(found, original.sound(tensors, sizes, given[0]), atol=1e-4)


def test_newer_names_and_other_precisions_are_the_same_weights() -> None:
    tensors = original.state_dict(SMALL)
    wanted = weights_of(tensors)
    newer = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): tensor.astype("float64")
        for name, tensor in tensors.items()
    }
    assert newer.keys().isdisjoint(name for name in tensors if "weight" in name)
    for ours, theirs in zip(wanted, weights_of(newer), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert theirs.dtype == np.float32
    halves = weights_of({name: tensor.astype("float16") for name, tensor in tensors.items()})
    assert all(np.allclose(half, whole, atol=1e-3) for half, whole in zip(halves, wanted, strict=True))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda t: t.clear(), r"lacks model\.1\.weight_v"),
        (lambda t: t.pop("model.1.weight_v"), r"lacks model\.1\.weight_v"),
        (lambda t: t.pop("model.3.weight_v"), r"lacks model\.3\.weight_v"),
        (lambda t: t.pop("model.7.weight_v"), r"lacks model\.7\.weight_v"),
        (lambda t: t.pop("model.8.block.4.bias"), r"lacks model\.8\.block\.4\.bias$"),
        (lambda t: [t.pop(f"model.16.{end}") for end in ("weight_g", "weight_v", "bias")], r"lacks model\.16\.weight"),
        (lambda t: [t.pop(name) for name in list(t) if name.startswith("model.4.")], r"lacks .* and 6 more"),
        (lambda t: t.update({"model.17.bias": np.zeros(1)}), r"has model\.17\.bias, which no generator"),
        (lambda t: t.update({"model.1.weight": t["model.1.weight_v"]}), r"has model\.1\.weight, which"),
        (lambda t: t.update({"model.3.weight_v": t["model.3.weight_v"][..., :-1]}), r"\[16, 8, 7\]; expected .* 6\]"),
        (lambda t: t.update({"model.3.weight_g": t["model.3.weight_g"][:8]}), r"\[8, 1, 1\]; expected is \[16, 1, 1\]"),
        (lambda t: t.update({"model.3.bias": np.zeros(16)}), r"model\.3\.bias is of shape \[16\]; expected is \[8\]"),
        (lambda t: t.update({"model.1.weight_v": np.zeros((16, 12))}), r"\[16, 12\]; a convolution's kernel has three"),
        (lambda t: t.update({"model.1.weight_v": np.ones((17, 12, 7))}), "width=17 is not halved 3 times"),
        (lambda t: t.update({"model.3.weight_v": np.ones((16, 8, 2))}), r"factors=\(1, 3, 2\)"),
        (lambda t: t.update({"model.16.bias": np.array([np.nan])}), r"model\.16\.bias has values that are not finite"),
        (lambda t: t.update({"model.16.bias": np.array([1e300])}), r"model\.16\.bias has values that are not finite"),
        (lambda t: t.update({"model.16.bias": np.array([1])}), r"model\.16\.bias is of type int64"),
        (lambda t: t["model.3.weight_v"].__setitem__(2, 0.0), r"model\.3\.weight_v has a direction of length 0"),
        (lambda t: t.update({f"model.{n}.shortcut.bias": np.ones(8) for n in range(4, 40)}), "36 residual blocks"),
    ],
)  # fmt: skip
def test_a_state_dict_that_is_not_the_original_s_is_refused(damage: Callable[[StateDict], object], says: str) -> None:
    tensors = original.state_dict(SMALL)
    damage(tensors)
    with pytest.raises(LatentoneError, match=says):
        weights_of(tensors)


def test_the_service_reads_it_and_its_signatures_play(version: Path) -> None:
    contract = read_contract(version)
    verify_files(contract, version)
    assert (contract.kind, contract.operations, contract.latent) == (
        "vocoder",
        ("decode", "analyse", "decode_stream"),
        None,
    )
    assert contract.features is not None
    assert (contract.features.hop_samples, contract.features.n_mels, contract.audio.sample_rate_hz) == (24, 12, 22_050)
    assert is_vocoder(version)
    decoder = open_decoder(version)
    for frames in ANY_FRAMES:
        sound = np.random.default_rng(frames).normal(0, 0.1, (2, frames * 24)).astype("float32")
        decoded = decoder.decode(decoder.analyse(sound))
        assert decoded.shape == sound.shape
        assert np.isfinite(decoded).all()


def test_its_contract_names_the_file_and_claims_no_training(version: Path) -> None:
    document = read_contract(version).document
    assert document["corpus"] is None
    assert document["recipe"] is None
    assert document["scores"] == {}
    assert document["imported"]["file"] == "voice.pt"
    assert document["imported"]["sha256"] == DIGEST
    assert document["imported"]["networks"]["factors"] == list(SMALL.factors)
    assert facts.of_contract(document)["architecture"] == "melgan"
    assert facts.of_contract(document)["minutes"] is None


def test_its_card_names_the_file_and_the_licence(version: Path) -> None:
    text = (version / "README.md").read_text()
    for words in ("voice.pt", DIGEST, "as published", "not stated", "Not evaluated", "import melgan voice.pt"):
        assert words in text
    document = read_contract(version).document
    document["imported"]["licence"] = "CC BY-NC 4.0"
    text = card.render(document, has_picture=False)
    assert "| CC BY-NC 4.0 |" in text
    assert "Not for commercial use" in text


def test_scores_of_an_evaluation_enter_its_card(version: Path, tmp_path: Path) -> None:
    score = '{"title": "mel error", "value": 0.5, "unit": "", "interval": null, "floors": [], "better": "lower"}'
    (tmp_path / "scores.json").write_text(f'{{"samples": 3, "measures": [{score}], "warnings": []}}')
    scored = shutil.copytree(version, tmp_path / "voice" / "1")
    update_scores(scored, tmp_path / "scores.json")
    assert "| mel error | 0.5 |" in (scored / "README.md").read_text()
    verify_files(read_contract(scored), scored)
