"""Vocoders: the published sizes and arithmetic, how far they look, any length, silence, ends."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from trainer.architectures import melgan, vocos
from trainer.architectures.registry import make_vocoder, make_wave_critics
from trainer.architectures.vocoder import Mel, Vocoder
from trainer.architectures.weight_norm import NormedConv, NormedUpsampling
from trainer.errors import SpecError
from trainer.inversion import griffin_lim
from trainer.representations.magnitude_mel import MagnitudeMel
from trainer.specs.audio import AudioSpec
from trainer.specs.representations import MagnitudeMelSpec
from trainer.specs.vocoders import MelganSpec, VocosSpec

SCALE = MagnitudeMel(MagnitudeMelSpec(), AudioSpec(sample_rate_hz=22_050, clip_samples=25_600))
SMALL_SCALE = MagnitudeMel(
    MagnitudeMelSpec(n_fft=48, hop_samples=12, n_mels=4), AudioSpec(sample_rate_hz=8_000, clip_samples=1_200)
)
PUBLISHED = Mel(bands=80, n_fft=1024, hop_samples=256, floor=-5.0, magnitudes=SCALE.magnitudes)
SMALL = Mel(bands=4, n_fft=48, hop_samples=12, floor=-5.0, magnitudes=SMALL_SCALE.magnitudes)
RNG = np.random.default_rng(0)
SPECS = {
    "melgan": MelganSpec(width=16, factors=(3, 2, 2), dilations=(1, 3)),
    "melgan_zeros": MelganSpec(width=8, factors=(4, 3), held_ends=False),
    "vocos": VocosSpec(width=8, blocks=2),
    "vocos_causal": VocosSpec(width=8, blocks=2, causal=True),
    "vocos_corrected": VocosSpec(width=8, blocks=2, griffin_lim_iterations=3),
}


def spread(network: Vocoder, scale: float = 0.3) -> Vocoder:
    """Weights that make themselves heard."""
    rng = np.random.default_rng(1)
    network.set_weights([scale * rng.standard_normal(w.shape).astype("float32") for w in network.get_weights()])
    return network


def features(frames: int, mel: Mel = SMALL) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-4.5, 0.0, (1, frames, mel.bands)).astype("float32")


def test_melgan_is_the_published_one() -> None:
    generator = melgan.Generator(MelganSpec(), PUBLISHED)
    assert generator.count_params() == 4_266_050
    lengths = sum(math.prod(w.shape) for w in generator.weights if w.name == "length")
    assert generator.count_params() - lengths == 4_260_257  # 4.26 M as it is convolved
    assert generator.first.direction.shape == (7, 80, 512)
    widths, factors = (512, 256, 128, 64, 32), (8, 8, 2, 2)
    for stage, factor, (before, after) in zip(generator.stages, factors, pairwise(widths), strict=True):
        assert stage.upsampling.direction.shape == (2 * factor, before, after)
        assert stage.upsampling.length.shape == (1, before, 1)
        assert [residual.dilation for residual in stage.residuals] == [1, 3, 9]
        for residual in stage.residuals:
            shapes = [conv.direction.shape for conv in (residual.wide, residual.narrow, residual.shortcut)]
            assert shapes == [(3, after, after), (1, after, after), (1, after, after)]
            assert residual.wide.length.shape == (1, 1, after)
    assert generator.last.direction.shape == (7, 32, 1)


def test_its_critics_are_the_published_ones() -> None:
    critics = make_wave_critics(MelganSpec())
    assert critics.count_params() == 3 * 5_641_362
    assert len(critics.critics) == 3
    for critic in critics.critics:
        assert critic.first.direction.shape == (15, 1, 16)
        assert [conv.direction.shape for conv in critic.strided] == [
            (41, 4, 64),
            (41, 4, 256),
            (41, 4, 1024),
            (41, 4, 1024),
        ]
        assert [(conv.groups, conv.stride) for conv in critic.strided] == [(4, 4), (16, 4), (64, 4), (256, 4)]
        assert critic.wide.direction.shape == (5, 1024, 1024)
        assert critic.logit.direction.shape == (3, 1024, 1)


def test_vocos_is_a_tenth_of_melgan_a_frame() -> None:
    """Products of numbers a frame: weights of dense layers, and of convolutions as often as they are used."""
    network = vocos.Generator(VocosSpec(), PUBLISHED)
    assert network.count_params() == 3_584_770
    ours = sum(math.prod(w.shape) for w in network.weights if len(w.shape) > 1)
    generator, theirs, rate = melgan.Generator(MelganSpec(), PUBLISHED), 0, 1
    theirs += math.prod(generator.first.direction.shape)
    for stage in generator.stages:
        theirs += rate * math.prod(stage.upsampling.direction.shape)
        rate *= stage.upsampling.factor
        theirs += rate * sum(math.prod(w.shape) for r in stage.residuals for w in r.weights if w.name == "direction")
    theirs += rate * math.prod(generator.last.direction.shape)
    assert ours < 0.08 * theirs


def kernel(layer: NormedConv | NormedUpsampling, axes: tuple[int, ...]) -> np.ndarray:
    direction = np.asarray(layer.direction, "float64")
    return np.asarray(layer.length) * direction / np.sqrt((direction**2).sum(axis=axes, keepdims=True))


def conv(x: np.ndarray, layer: NormedConv, edge: int = 0) -> np.ndarray:
    x = np.pad(x, [(edge, edge), (0, 0)], mode="reflect") if edge else x
    w = kernel(layer, (0, 1))
    places = len(x) - (len(w) - 1) * layer.dilation
    return sum(x[tap * layer.dilation :][:places] @ w[tap] for tap in range(len(w))) + np.asarray(layer.bias)


def transposed(x: np.ndarray, layer: NormedUpsampling) -> np.ndarray:
    """Torch's ConvTranspose1d(kernel 2r, stride r, padding r // 2 + r % 2, output padding r % 2)."""
    r, w = layer.factor, kernel(layer, (0, 2))
    whole = np.zeros(((len(x) - 1) * r + len(w) + r % 2, w.shape[2]))
    for place, values in enumerate(x):
        for tap in range(len(w)):
            whole[place * r + tap] += values @ w[tap]
    padding = r // 2 + r % 2
    return whole[padding : len(whole) - padding] + np.asarray(layer.bias)


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


@pytest.mark.parametrize("factors", [(4, 3), (2, 3, 2)])
def test_melgan_is_the_original_s_arithmetic(factors: tuple[int, ...]) -> None:
    spec = MelganSpec(width=8, factors=factors, dilations=(1, 3), held_ends=False, silence_gate=False)
    network = spread(melgan.Generator(spec, SMALL), 0.5)
    given = features(9)
    x = conv(given[0].astype("float64"), network.first, 3)
    for stage in network.stages:
        x = transposed(leaky(x), stage.upsampling)
        for block in stage.residuals:
            inner = leaky(conv(leaky(x), block.wide, block.dilation))
            x = conv(x, block.shortcut) + conv(inner, block.narrow)
    wanted = np.tanh(conv(leaky(x), network.last, 3))[:, 0]
    found = np.asarray(network(given))[0]
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize("name", ["melgan", "melgan_zeros"])
def test_folding_changes_nothing(name: str) -> None:
    network = spread(make_vocoder(SPECS[name], SMALL))
    given = features(11)
    before = np.asarray(network(given))
    network.fold()
    np.testing.assert_array_equal(np.asarray(network(given)), before)
    weights = network.get_weights()
    network.set_weights(
        [0.0 * weight if "length" in v.path else weight for weight, v in zip(weights, network.weights, strict=True)]
    )
    np.testing.assert_array_equal(np.asarray(network(given)), before)  # they are not looked at any more


@pytest.mark.parametrize("name", [name for name in SPECS if name != "vocos_corrected"])  # phase has no gradient there
def test_a_vocoder_looks_as_far_as_it_says(name: str) -> None:
    network = spread(make_vocoder(SPECS[name].replace(silence_gate=False), SMALL))
    reach, hop = network.network_reach, SMALL.hop_samples
    frames, chosen = 2 * (reach.past + reach.future) + 9, reach.past + 4
    given = tf.constant(features(frames))
    with tf.GradientTape() as tape:  # what is far moves a sample by less than its last bit
        tape.watch(given)
        heard = tf.reduce_sum(tf.abs(network(given)[0, chosen * hop : (chosen + 1) * hop]))
    deciding = np.flatnonzero(np.abs(tape.gradient(heard, given)[0].numpy()).max(axis=1))
    assert (deciding.min(), deciding.max()) == (chosen - reach.past, chosen + reach.future)
    if name == "vocos_causal":
        assert reach == (6 * 3 + 2, 2)  # three convolutions of seven taps; half a window of four hops


@pytest.mark.parametrize("name", SPECS)
def test_what_is_out_of_reach_moves_nothing(name: str) -> None:
    network = spread(make_vocoder(SPECS[name], SMALL))
    reach, hop = network.reach, SMALL.hop_samples
    frames, changed = 2 * (reach.past + reach.future) + 9, reach.past + reach.future + 4
    given = features(frames)
    other = given.copy()
    other[0, changed] = SMALL.floor
    moved = np.flatnonzero(np.asarray(network(other))[0] != np.asarray(network(given))[0]) // hop
    assert changed in moved
    assert moved.min() >= changed - reach.future
    assert moved.max() <= changed + reach.past


@pytest.mark.parametrize("name", SPECS)
def test_a_part_with_what_it_reaches_sounds_as_in_the_whole(name: str) -> None:
    network = spread(make_vocoder(SPECS[name], SMALL))
    past, future = network.reach
    frames, hop = past + future + 40, SMALL.hop_samples
    given = features(frames)
    given[0, 25:33] = SMALL.floor  # a gate opens and shuts there
    whole = np.asarray(network(given))[0]
    # Where a part begins or ends as the whole does, it needs nothing beyond.
    for first, last in ((0, 1), (past + 5, past + 6), (past + 10, past + 30), (frames - 1, frames)):
        begin, end = max(first - past, 0), min(last + future, frames)
        part = np.asarray(network(given[:, begin:end]))[0]
        heard = part[(first - begin) * hop : (last - begin) * hop]
        np.testing.assert_allclose(heard, whole[first * hop : last * hop], atol=1e-5)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 17])
def test_any_number_of_frames_is_decoded(name: str, frames: int) -> None:
    network = spread(make_vocoder(SPECS[name], SMALL))
    sound = np.asarray(network(np.concatenate([features(frames)] * 2)))
    assert sound.shape == (2, frames * SMALL.hop_samples)
    assert np.isfinite(sound).all()
    assert 0.0 < np.abs(sound).max() <= 1.0


@pytest.mark.parametrize("name", SPECS)
def test_silence_in_gives_silence_out_and_sound_is_left_alone(name: str) -> None:
    network, open_network = (
        spread(make_vocoder(SPECS[name].replace(silence_gate=gate), SMALL)) for gate in (True, False)
    )
    given, hop = features(40), SMALL.hop_samples
    given[0, 10:25] = SMALL.floor + 4e-7  # as a float32 logarithm gives it
    sound, without = np.asarray(network(given))[0], np.asarray(open_network(given))[0]
    assert not sound[11 * hop : 24 * hop].any()
    assert np.abs(without[11 * hop : 24 * hop]).max() > 0.0
    np.testing.assert_array_equal(sound[: 9 * hop], without[: 9 * hop])
    np.testing.assert_array_equal(sound[26 * hop :], without[26 * hop :])
    gate = sound[9 * hop : 26 * hop] / without[9 * hop : 26 * hop]
    assert np.abs(np.diff(gate)).max() < 2.0 / hop, "the gate clicks"


def test_a_held_end_is_made_of_as_much_as_the_middle() -> None:
    steady = np.ones((1, 6, 4), "float32")
    for held in (True, False):
        layer = NormedUpsampling(4, 3, 4, held=held)
        blocks = np.asarray(layer(steady)).reshape(6, 4, 3)
        for end in (0, -1):
            assert np.allclose(blocks[end], blocks[2], atol=1e-6) == held


def test_factors_whose_product_is_the_hop_are_proposed() -> None:
    for hop in (2, 80, 120, 128, 200, 256, 300, 441):
        proposed = melgan.factors_of(hop)
        assert proposed is not None
        assert math.prod(proposed) == hop
    assert melgan.factors_of(253) is None
    with pytest.raises(SpecError, match=r"factors=\(8, 5, 5\), or representation.hop_samples=256"):
        melgan.Generator(MelganSpec(), PUBLISHED._replace(n_fft=800, hop_samples=200))
    with pytest.raises(SpecError, match=r"factors=\(\d.*\) with representation.hop_samples=252"):
        melgan.Generator(MelganSpec(), PUBLISHED._replace(n_fft=1012, hop_samples=253))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: MelganSpec(width=24), "multiple of 16"),
        (lambda: MelganSpec(factors=()), "whole numbers"),
        (lambda: MelganSpec(critic_width=6), "critic_width=6"),
        (lambda: VocosSpec(blocks=0), "blocks"),
        (lambda: VocosSpec(causal=True, griffin_lim_iterations=8), "griffin_lim_iterations=0"),
        (lambda: VocosSpec(griffin_lim_iterations=65), r"0\.\.64"),
        (lambda: VocosSpec(critic_factors=(3,)), "strides of 2, 4 or 8"),
    ],
)
def test_a_contradiction_is_refused_when_made(make: object, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        make()  # type: ignore[operator]


def test_a_vocos_that_corrects_begins_as_griffin_lim_and_learns_magnitudes() -> None:
    spec = VocosSpec(width=8, blocks=2, griffin_lim_iterations=8, silence_gate=False)
    network, given = vocos.Generator(spec, SMALL), np.maximum(features(20) - 3.0, SMALL.floor)  # no sample is clipped
    magnitude = SMALL.magnitudes(given)
    wanted = np.asarray(griffin_lim(np.maximum(magnitude, vocos.QUIETEST), SMALL.n_fft, SMALL.hop_samples, 8))
    np.testing.assert_allclose(np.asarray(network(given)), np.clip(wanted, -1.0, 1.0), atol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(network(given)))
    corrections = network.head.bias
    gradient = tape.gradient(loss, corrections.value)
    corrections.assign(corrections - 1e-3 * gradient / tf.norm(gradient))
    assert float(tf.reduce_sum(tf.square(network(given)))) < float(loss)
