"""The networks against their tables, written out with TensorFlow's own convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from trainer.architectures import report, specgan, wavegan
from trainer.specs.architectures import ReportSpec, SpecganSpec, WaveganSpec

RNG = np.random.default_rng(11)


def spread(network: Any) -> list[tf.Tensor]:
    """Weights large enough that every slope and every bias tells; variances stay positive."""
    for weight in network.weights:
        drawn = 0.3 * RNG.standard_normal(weight.shape)
        weight.assign(np.abs(drawn) + 0.5 if "variance" in weight.path else drawn)
    return [weight.value for weight in network.weights]


def leaky(x: tf.Tensor, slope: float) -> tf.Tensor:
    return tf.where(x > 0, x, slope * x)


def transposed(x: tf.Tensor, kernel: tf.Tensor, stride: tuple[int, int]) -> tf.Tensor:
    size = [x.shape[0], x.shape[1] * stride[0], x.shape[2] * stride[1], kernel.shape[-1]]
    return tf.nn.conv2d_transpose(x, tf.transpose(kernel, (0, 1, 3, 2)), size, stride, "SAME")


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * float(np.abs(expected).max()))


def test_wavegan() -> None:
    generator, critic = (
        make(WaveganSpec(latent_size=5, width=2), (512, 2), 0) for make in (wavegan.Generator, wavegan.Critic)
    )
    latent = tf.constant(RNG.uniform(-1, 1, (3, 5)).astype("float32"))
    dense, bias, *rest = spread(generator)
    x = tf.reshape(latent @ dense + bias, (3, 1, 16, 8))
    for layer, stride in enumerate((4, 4, 2)):
        x = transposed(tf.nn.relu(x), rest[2 * layer][None], (1, stride)) + rest[2 * layer + 1]
    close(generator(latent), tf.tanh(x)[:, 0])
    *convs, dense, bias = spread(critic)
    x = sound = tf.constant(RNG.standard_normal((3, 512, 2)).astype("float32"))
    for layer, stride in enumerate((4, 4, 2)):
        x = leaky(tf.nn.conv1d(x, convs[2 * layer], stride, "SAME") + convs[2 * layer + 1], 0.2)
    close(critic(sound)[0], (tf.reshape(x, (3, -1)) @ dense + bias)[:, 0])


def test_specgan() -> None:
    generator, critic = (
        make(SpecganSpec(latent_size=5, width=5), (32, 16), 0) for make in (specgan.Generator, specgan.Critic)
    )
    latent = tf.constant(RNG.uniform(-1, 1, (3, 5)).astype("float32"))
    dense, bias, *rest = spread(generator)
    x = tf.reshape(latent @ dense + bias, (3, 8, 4, 10))
    for layer in range(2):
        x = transposed(tf.nn.relu(x), rest[2 * layer], (2, 2)) + rest[2 * layer + 1]
    close(generator(latent), tf.tanh(x)[..., 0])
    *convs, dense, bias = spread(critic)
    picture = tf.constant(RNG.standard_normal((3, 32, 16)).astype("float32"))
    x = picture[..., None]
    for layer in range(2):
        x = leaky(tf.nn.conv2d(x, convs[2 * layer], 2, "SAME") + convs[2 * layer + 1], 0.2)
    close(critic(picture)[0], (tf.reshape(x, (3, -1)) @ dense + bias)[:, 0])


def test_the_reports_critic() -> None:
    critic = report.Critic(ReportSpec(critic_widths=(2, 3, 4, 5)), (32, 48), 0)
    spread(critic)
    picture = tf.constant(RNG.standard_normal((3, 32, 48)).astype("float32"))
    x = picture[..., None]
    for layer, (stride, slope) in enumerate(((2, 0.2), (2, 0.2), (2, 0.2), (1, 0.1))):
        conv, norm = critic.convs[layer], critic.norms[layer]
        x = tf.nn.conv2d(x, conv.kernel.value, stride, "SAME") + conv.bias.value
        x = (x - norm.moving_mean.value) / tf.sqrt(norm.moving_variance.value + norm.epsilon)
        x = leaky(x * norm.gamma.value + norm.beta.value, slope)
    dense, bias = (weight.value for weight in critic.logit.weights)
    close(critic(picture)[0], (tf.reshape(x, (3, -1)) @ dense + bias)[:, 0])


def test_the_reports_generator() -> None:
    names = {"linear": "bilinear", "cubic": "bicubic"}
    spec = ReportSpec(latent_size=5, start_width=4, generator_widths=(4, 3, 3, 2))
    generator = report.Generator(spec, (32, 48), 0)
    spread(generator)
    latent = tf.constant(RNG.standard_normal((2, 5)).astype("float32"))
    x = tf.reshape(tf.nn.relu(generator.start(latent)), (2, 2, 3, 4))
    for conv, norm, mode in zip(generator.convs, generator.norms, spec.upsampling, strict=True):
        x = tf.image.resize(x, [2 * x.shape[1], 2 * x.shape[2]], names[mode])
        x = tf.nn.relu(norm(tf.nn.conv2d(x, conv.kernel.value, 1, "SAME") + conv.bias.value))
    close(generator(latent), tf.tanh(generator.output_conv(x))[..., 0])
