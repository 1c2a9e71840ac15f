"""The exported model: whole or not at all, equal to the network, at home without Keras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer import tiny
from trainer import players
from trainer.errors import LatentoneError
from trainer.export import card, parity
from trainer.export.digests import digests
from trainer.export.publish import export
from trainer.run import Run

ROOT = Path(__file__).parents[2]


class Quiet:
    def scores(self, step: int, scores: dict[str, float], left: float) -> None: ...

    def preview(self, step: int) -> None: ...


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("export")
    prepared = tiny.corpus(folder / "corpora")
    run = tiny.run(folder / "run", prepared)
    players.play(run, prepared, players.game(run, prepared), Quiet(), resume=False)
    return run


@pytest.fixture(scope="module")
def version(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(trained, tmp_path_factory.mktemp("models"), name="tiny")


def signatures(version: Path) -> dict[str, object]:
    loaded: dict[str, object] = tf.saved_model.load(str(version)).signatures
    return loaded


def latents(count: int) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value) for name, value in example(count).items()}


def example(count: int) -> dict[str, np.ndarray]:
    latents = np.random.default_rng(1).standard_normal((count, 8), dtype="float32")
    return {"latent": latents, "label": (np.arange(count) % 3).astype("int32")}


def test_an_item_does_not_depend_on_its_batch(version: Path) -> None:
    generate = signatures(version)["generate"]
    whole = generate(**latents(7))["waveform"].numpy()  # type: ignore[operator]
    for count in (1, 2, 5):
        part = generate(**latents(count))["waveform"].numpy()  # type: ignore[operator]
        assert np.array_equal(part, whole[:count])


def test_sample_then_decode_is_generate(version: Path) -> None:
    own = signatures(version)
    features = own["sample"](**latents(5))["features"]  # type: ignore[operator]
    decoded = own["decode"](features=features)["waveform"].numpy()  # type: ignore[operator]
    assert np.array_equal(decoded, own["generate"](**latents(5))["waveform"].numpy())  # type: ignore[operator]


def test_analyse_gives_what_the_network_is_trained_on(version: Path, trained: Run) -> None:
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 2_048)).astype("float32")
    own = signatures(version)["analyse"](waveform=tf.constant(waveform))["features"].numpy()  # type: ignore[operator]
    assert np.abs(own - np.asarray(players.representation(trained).encode(waveform))).max() < 1e-4


def test_the_contract_describes_the_folder(version: Path) -> None:
    contract = json.loads((version / "assets.extra" / "contract.json").read_text())
    assert contract["files"] == digests(version)
    assert contract["labels"] == ["additive", "fm", "pluck"]
    for name, signature in contract["signatures"].items():
        function = signatures(version)[name]
        for side, specs in (
            ("inputs", function.structured_input_signature[1]),  # type: ignore[attr-defined]
            ("outputs", function.structured_outputs),  # type: ignore[attr-defined]
        ):
            assert signature[side].keys() == specs.keys()
            for key, spec in specs.items():
                assert signature[side][key]["dtype"] == spec.dtype.name


@pytest.mark.parametrize(("licence", "forbidden"), [("CC BY-NC 3.0", True), ("CC BY-SA 4.0", False), (None, False)])
def test_a_card_says_where_commercial_use_is_forbidden(version: Path, licence: str | None, forbidden: bool) -> None:
    contract = json.loads((version / "assets.extra" / "contract.json").read_text())
    contract["corpus"]["licence"] = licence
    assert ("Not for commercial use" in card.render(contract, has_picture=False)) is forbidden


def test_the_service_reads_the_contract(version: Path) -> None:
    from service.contract import read_contract, verify_files

    contract = read_contract(version)
    verify_files(contract, version)
    assert contract.name == "tiny"


def test_weights_are_stored_once(version: Path, trained: Run) -> None:
    parameters = sum(int(np.prod(weights.shape)) for weights in players.generator(trained).get_weights())
    assert (version / "variables" / "variables.data-00000-of-00001").stat().st_size < 4 * parameters + 8_192


def test_versions_count_up_and_nothing_hidden_is_left(trained: Run, tmp_path: Path) -> None:
    assert [export(trained, tmp_path, name="tiny").name for _ in range(2)] == ["1", "2"]
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == ["1", "2"]


def test_a_graph_that_differs_leaves_no_model(trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "TOLERANCE", -1.0)
    with pytest.raises(parity.ParityError, match="differs from the network"):
        export(trained, tmp_path, name="tiny")
    assert not (tmp_path / "tiny").exists()


def test_parity_notices_other_weights(trained: Run, version: Path) -> None:
    generator = players.trained_generator(trained)
    generator.set_weights([weights * 1.1 for weights in generator.get_weights()])
    with pytest.raises(parity.ParityError):
        parity.check_parity(version, generator, players.representation(trained))


def test_an_untrained_run_is_not_exported(tmp_path: Path) -> None:
    run = tiny.run(tmp_path / "run", tiny.corpus(tmp_path / "corpora"))
    with pytest.raises(LatentoneError, match="nothing was trained"):
        export(run, tmp_path / "models")


def python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_it_loads_and_plays_without_keras(version: Path) -> None:
    code = """
import os, sys
os.environ["TF_USE_LEGACY_KERAS"] = "1"
sys.modules["keras"] = None
import tensorflow as tf
generate = tf.saved_model.load(sys.argv[1]).signatures["generate"]
print(generate(latent=tf.zeros([2, 8]), label=tf.constant([0, 1]))["waveform"].shape)
"""
    done = python(code, str(version))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "(2, 2048)" in done.stdout


def test_saved_model_cli_runs_it(version: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", **example(1))
    archive = tmp_path / "inputs.npz"
    done = subprocess.run(
        [
            Path(sys.executable).parent / "saved_model_cli",
            *("run", "--dir", version, "--tag_set", "serve", "--signature_def", "generate"),
            *("--inputs", f"latent={archive}[latent];label={archive}[label]"),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Result for output key waveform" in done.stdout


def test_the_warm_up_file_is_a_request_that_the_model_answers(version: Path) -> None:
    from tensorflow_serving.apis import prediction_log_pb2

    path = version / "assets.extra" / "tf_serving_warmup_requests"
    (record,) = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
    inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
    assert signatures(version)[request.model_spec.signature_name](**inputs)["waveform"].shape == (1, 2_048)  # type: ignore[operator]


def test_under_jax_export_says_which_backend_it_needs(trained: Run, tmp_path: Path) -> None:
    code = """
import sys
from trainer.__main__ import main
sys.exit(main(["export", sys.argv[1], "--models", sys.argv[2]]))
"""
    done = python(code, str(trained.folder), str(tmp_path), KERAS_BACKEND="jax")
    assert done.returncode == 1
    assert "KERAS_BACKEND=tensorflow python -m trainer export" in done.stderr
