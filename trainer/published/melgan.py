"""The state dict of MelGAN's generator as published, checked and brought into the order and layout of ours.

Its layers stand in one sequence: a convolution of 7 taps, the stages of leaky ReLU, transposed convolution and
residual blocks, and a convolution of 7 taps again. Each convolution has a bias, a direction and a length (weight norm).
Source: the code published with Kumar et al. 2019, github.com/descriptinc/melgan-neurips.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.errors import LatentoneError
from trainer.specs.vocoders import MelganSpec

Tensors = Mapping[str, NDArray[Any]]
Shape = tuple[int, ...]

# What torch calls length and direction, before and since its weight norm became a parametrization.
FORMS = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)
FIRST, FIRST_STAGE = "model.1", 3  # the first convolution; the place of the first transposed one
TAPS = 7  # of the first convolution and of the last
DILATION_BASE = 3  # of residual block j the dilation is this to the power of j: shapes do not tell it
MOST_BLOCKS = 8  # of a stage: the last looks 3^7 samples far


class Layer(NamedTuple):
    """A convolution: its name, and the shape of its kernel [outputs, inputs, taps], or [inputs, outputs, taps]."""

    name: str
    shape: tuple[int, int, int]
    is_transposed: bool = False

    @property
    def outputs(self) -> int:
        """Channels out."""
        return self.shape[self.is_transposed]

    def shapes(self, form: tuple[str, str]) -> dict[str, Shape]:
        """Names and shapes of its tensors, in the order of our layers' weights: direction, length, bias."""
        length, direction = form
        return {
            f"{self.name}.{direction}": self.shape,
            f"{self.name}.{length}": (self.shape[0], 1, 1),  # weight norm keeps the first axis, whatever it is
            f"{self.name}.bias": (self.outputs,),
        }

    def ours(self, kernel: NDArray[Any]) -> NDArray[Any]:
        """A kernel, or its lengths, in the layout of ours: [taps, inputs, outputs]."""
        return kernel.transpose((2, 0, 1) if self.is_transposed else (2, 1, 0))


def sizes_of(tensors: Tensors) -> tuple[MelganSpec, int]:
    """The network that the shapes tell, in the original's arithmetic, and the number of its mel bands.

    Raises: LatentoneError where the tensors that tell it are missing or have no such shape.
    """
    width, bands, _ = _kernel(tensors, FIRST)
    after_first = itertools.count(FIRST_STAGE + 1)
    blocks = sum(1 for _ in itertools.takewhile(lambda place: _stands(tensors, f"{place}.shortcut"), after_first))
    if blocks > MOST_BLOCKS:
        raise LatentoneError(f"the state dict has {blocks} residual blocks in a stage; up to {MOST_BLOCKS} are known")
    blocks = max(blocks, 1)  # what is missing is told by its name
    stages = itertools.count(FIRST_STAGE + blocks + 2, blocks + 2)
    places = [FIRST_STAGE, *itertools.takewhile(lambda place: _stands(tensors, str(place)), stages)]
    factors = [_kernel(tensors, f"model.{place}")[2] // 2 for place in places]
    spec = MelganSpec(
        width=width,
        factors=tuple(factors),
        dilations=tuple(DILATION_BASE**block for block in range(blocks)),
        held_ends=False,
        silence_gate=False,
    )
    return spec, bands


def weights_of(tensors: Tensors) -> list[NDArray[np.float32]]:
    """The weights of our generator of these sizes, in its own order.

    Raises: LatentoneError for a name that is missing or too many, another shape or type, a value that is not finite
    and a direction of length 0, by which weight norm would divide.
    """
    (spec, bands), form = sizes_of(tensors), _form(tensors)
    layers = list(layers_of(spec, bands))
    expected = {name: shape for layer in layers for name, shape in layer.shapes(form).items()}
    _check_names(tensors, expected)
    for name, shape in expected.items():
        _check_values(name, tensors[name], shape)
    return [array for layer in layers for array in _ours(layer, form, tensors)]


def layers_of(spec: MelganSpec, bands: int) -> Iterator[Layer]:
    """Every convolution, in the order in which they stand."""
    width = spec.width
    yield Layer(FIRST, (width, bands, TAPS))
    place = FIRST_STAGE
    for factor in spec.factors:
        yield Layer(f"model.{place}", (width, width // 2, 2 * factor), is_transposed=True)
        width //= 2
        for block in range(place + 1, place + 1 + len(spec.dilations)):
            yield Layer(f"model.{block}.block.2", (width, width, 3))
            yield Layer(f"model.{block}.block.4", (width, width, 1))
            yield Layer(f"model.{block}.shortcut", (width, width, 1))
        place += len(spec.dilations) + 2  # a leaky ReLU stands before the next
    yield Layer(f"model.{place + 1}", (1, width, TAPS))  # and padding before the last


def _form(tensors: Tensors) -> tuple[str, str]:
    """How this state dict names length and direction."""
    return next((form for form in FORMS if f"{FIRST}.{form[1]}" in tensors), FORMS[0])


def _kernel(tensors: Tensors, name: str) -> Shape:
    """Shape of the direction of a convolution."""
    direction = f"{name}.{_form(tensors)[1]}"
    if direction not in tensors:
        raise LatentoneError(_lacking([direction]))
    shape = tensors[direction].shape
    if len(shape) != 3 or min(shape) == 0:
        raise LatentoneError(f"{direction} is of shape {list(shape)}; a convolution's kernel has three axes")
    return shape


def _stands(tensors: Tensors, place: str) -> bool:
    """Whether a convolution has any of its tensors."""
    ends = ("bias", *itertools.chain(*FORMS))
    return any(f"model.{place}.{end}" in tensors for end in ends)


def _check_names(tensors: Tensors, expected: Mapping[str, Shape]) -> None:
    if missing := [name for name in expected if name not in tensors]:
        raise LatentoneError(_lacking(missing))
    if more := [name for name in tensors if name not in expected]:
        raise LatentoneError(f"the state dict has {_some(more)}, which no generator of MelGAN of its sizes has")


def _check_values(name: str, values: NDArray[Any], shape: Shape) -> None:
    if values.shape != shape:
        raise LatentoneError(f"{name} is of shape {list(values.shape)}; expected is {list(shape)}")
    if values.dtype.kind != "f":
        raise LatentoneError(f"{name} is of type {values.dtype}; expected are floating-point numbers")
    with np.errstate(over="ignore"):
        finite = np.isfinite(values.astype("float32")).all()
    if not finite:
        raise LatentoneError(f"{name} has values that are not finite")


def _ours(layer: Layer, form: tuple[str, str], tensors: Tensors) -> Iterator[NDArray[np.float32]]:
    direction, length, bias = (tensors[name].astype("float32") for name in layer.shapes(form))
    if not np.square(direction, dtype="float64").sum(axis=(1, 2)).all():
        raise LatentoneError(f"{layer.name}.{form[1]} has a direction of length 0, by which weight norm would divide")
    yield from (layer.ours(direction), layer.ours(length), bias)


def _lacking(names: list[str]) -> str:
    return f"the state dict is not of MelGAN's generator as published: it lacks {_some(names)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
