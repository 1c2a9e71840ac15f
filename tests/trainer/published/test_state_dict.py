"""Checkpoints of PyTorch: both forms are read, hostile and wrong files refused."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainer.published import original
from tests.trainer.published.checkpoints import as_torch, needs_torch, saved
from tests.trainer.published.original import PUBLISHED, SMALL, StateDict
from trainer.errors import LatentoneError
from trainer.published import state_dict

ROOT = Path(__file__).parents[3]


class Hostile:
    """A pickle that makes a folder when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def wrapped(tensors: StateDict) -> list[object]:
    """A state dict as people's checkpoints hold it."""
    plain = as_torch(tensors)
    return [
        plain,
        {"model_g": plain, "epoch": 7, "optim_g": {"state": {}}},
        {"model": {"generator": plain}},
        {"state_dict": {f"module.{name}": tensor for name, tensor in plain.items()}},
    ]


@needs_torch
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_both_forms_and_every_wrapping_are_read(zipped: bool, tmp_path: Path) -> None:
    tensors, path = original.state_dict(SMALL), tmp_path / "voice.pt"
    for value in wrapped(tensors):
        path.write_bytes(saved(value, zipped=zipped))
        found = state_dict.read(path)
        assert found.tensors.keys() == tensors.keys()
        assert all(np.array_equal(found.tensors[name], tensor) for name, tensor in tensors.items())
        assert (found.file, found.sha256) == ("voice.pt", hashlib.sha256(path.read_bytes()).hexdigest())


@needs_torch
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("place", ["alone", "beside"])
def test_a_hostile_file_is_refused_and_runs_nothing(zipped: bool, place: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "ran", tmp_path / "voice.pt"
    hostile = Hostile(mark)
    value = hostile if place == "alone" else {**as_torch(original.state_dict(SMALL)), "model.1.bias": hostile}
    path.write_bytes(saved(value, zipped=zipped))
    with pytest.raises(LatentoneError, match=r"names code to run, posix\.mkdir, and none was run"):
        state_dict.read(path)
    assert not mark.exists()
    import torch

    torch.load(path, weights_only=False)
    assert mark.exists(), "it was not hostile"


@needs_torch
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_plain_hostile_pickle_runs_nothing(protocol: int, tmp_path: Path) -> None:
    mark, path = tmp_path / "ran", tmp_path / "voice.pt"
    path.write_bytes(pickle.dumps(Hostile(mark), protocol))
    with pytest.raises(LatentoneError, match=r"voice\.pt is refused"):
        state_dict.read(path)
    assert not mark.exists()


def truncated(end: int, *, zipped: bool) -> bytes:
    return saved(as_torch(original.state_dict(SMALL)), zipped=zipped)[:end]


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr("notes/readme.txt", "no checkpoint")
    return file.getvalue()


def half() -> bytes:
    import torch

    return saved({"model.1.bias": torch.zeros(3, dtype=torch.bfloat16)})


@needs_torch
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: b"", "no checkpoint of PyTorch, or not a whole one"),
        (lambda: b"a text, and no checkpoint\n", "no checkpoint of PyTorch, or not a whole one"),
        (lambda: b"RIFF" + bytes(100), "no checkpoint of PyTorch, or not a whole one"),
        (archive, "no checkpoint of PyTorch, or not a whole one"),
        (lambda: truncated(-20, zipped=True), "not a whole one"),
        (lambda: truncated(5_000, zipped=True), "not a whole one"),
        (lambda: truncated(-20, zipped=False), "not a whole one"),
        (lambda: truncated(100, zipped=False), "not a whole one"),
        (lambda: saved([1, 2]), "holds a list, and no state dict"),
        (lambda: saved({"state": {}, "param_groups": []}), "a mapping of state, param_groups, and no state dict"),
        (lambda: saved({}), "a mapping of nothing, and no state dict"),
        (lambda: saved({**as_torch(original.state_dict(SMALL)), "epoch": 7}), "epoch is a int"),
        (half, "model.1.bias can't be read: .*BFloat16. Save the state dict as float32"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(make: Callable[[], bytes], says: str, tmp_path: Path) -> None:
    path = tmp_path / "voice.pt"
    path.write_bytes(make())
    with pytest.raises(LatentoneError, match=says):
        state_dict.read(path)


@needs_torch
def test_a_checkpoint_that_holds_itself_is_refused(tmp_path: Path) -> None:
    endless: dict[str, object] = {}
    endless["model"] = endless
    (tmp_path / "voice.pt").write_bytes(saved(endless))
    with pytest.raises(LatentoneError, match="no state dict"):
        state_dict.read(tmp_path / "voice.pt")


@needs_torch
def test_kernels_are_those_that_torch_makes_of_them() -> None:
    """By torch's own weight norm: of a transposed convolution it keeps the inputs' axis."""
    import torch
    from torch.nn.utils.parametrizations import weight_norm

    torch.manual_seed(0)
    for layer in (torch.nn.Conv1d(5, 6, 3), torch.nn.ConvTranspose1d(5, 6, 4, stride=2)):
        normed = weight_norm(layer)
        parts = normed.parametrizations["weight"]
        with torch.no_grad():
            parts.original0.mul_(torch.rand_like(parts.original0) + 0.5)
        tensors = {"x.weight_g": parts.original0, "x.weight_v": parts.original1}
        kernel = original.kernel({name: tensor.detach().numpy() for name, tensor in tensors.items()}, "x")
        np.testing.assert_allclose(kernel, normed.weight.detach().numpy(), atol=1e-6)


@needs_torch
def test_the_original_s_arithmetic_in_torch_is_that_in_numpy() -> None:
    """The forward pass that imports are held to, against torch's own layers."""
    import torch
    from torch.nn import functional as layers

    tensors, given = original.state_dict(PUBLISHED), original.features(PUBLISHED, 12)

    def parts(name: str) -> tuple[Any, Any]:
        return tuple(torch.from_numpy(part) for part in (original.kernel(tensors, name), tensors[f"{name}.bias"] * 1.0))

    def conv(x: Any, name: str, edge: int = 0, dilation: int = 1) -> Any:
        kernel, bias = parts(name)
        padded = layers.pad(x, (edge, edge), mode="reflect") if edge else x
        return layers.conv1d(padded, kernel, bias.double(), dilation=dilation)

    x, place = conv(torch.from_numpy(given).double().transpose(1, 2), "model.1", 3), 1
    for factor in PUBLISHED.factors:
        place += 2
        kernel, bias = parts(f"model.{place}")
        odd = factor % 2
        x = layers.conv_transpose1d(
            layers.leaky_relu(x, 0.2), kernel, bias.double(), factor, padding=factor // 2 + odd, output_padding=odd
        )
        for block in range(PUBLISHED.blocks):
            place += 1
            inner = conv(layers.leaky_relu(x, 0.2), f"model.{place}.block.2", 3**block, 3**block)
            inner = conv(layers.leaky_relu(inner, 0.2), f"model.{place}.block.4")
            x = conv(x, f"model.{place}.shortcut") + inner
    wanted = torch.tanh(conv(layers.leaky_relu(x, 0.2), f"model.{place + 3}", 3))[0, 0].numpy()
    np.testing.assert_allclose(original.sound(tensors, PUBLISHED, given[0]), wanted, atol=1e-9)


@needs_torch
def test_an_older_torch_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch, "__version__", "2.9.1+cpu")
    path = tmp_path / "voice.pt"
    path.write_bytes(saved(as_torch(original.state_dict(SMALL))))
    with pytest.raises(LatentoneError, match=r"torch 2\.9\.1\+cpu can be made to run code of a hostile checkpoint: "):
        state_dict.read(path)


def test_the_optional_group_is_what_the_answer_installs() -> None:
    (wanted,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["import"]
    assert wanted in state_dict.INSTALL
    assert wanted == f"torch>={'.'.join(map(str, state_dict.OLDEST_TORCH))}"
    locked = [path.read_text() for path in ROOT.glob("requirements*.txt")]
    assert locked
    assert not any(re.search(r"^torch\b", text, flags=re.MULTILINE) for text in locked)


def test_weights_are_checked_without_torch_and_without_tensorflow() -> None:
    code = """
import sys
sys.modules["torch"] = sys.modules["tensorflow"] = sys.modules["keras"] = None
from tests.trainer.published import original
from trainer.published.melgan import weights_of
print(sum(weights.size for weights in weights_of(original.state_dict(original.PUBLISHED))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "4266050", done.stderr
