"""Progressive growth: how many of its resolutions a network uses, and how far the newest is faded in.

A level is a resolution, 0 the coarsest; each next one has twice the sides. Pictures are [B, T, F, C].
Source: Karras et al. 2018, section 2; the schedule is that of Engel et al. 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

Tensor = Any


@dataclass(frozen=True)
class Growth:
    """level: the finest resolution in use. fade: its weight against the level below, 0 to 1; at level 0 always 1.

    No tuple: Keras refuses a call whose argument is one of a number and a tensor.
    """

    level: int
    fade: Tensor = 1.0

    @property
    def settled(self) -> bool:
        """Whether the level below is known to have no weight left, so that a graph need not hold it."""
        return isinstance(self.fade, float) and self.fade == 1.0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How networks of so many levels grow during training."""

    levels: int
    stable_clips: int
    fade_clips: int

    def at(self, clips: int) -> Growth:
        """Growth after so many clips shown."""
        return growth_at(clips, levels=self.levels, stable_clips=self.stable_clips, fade_clips=self.fade_clips)

    def of(self, level: int, fade: Tensor) -> Growth:
        """The same from its parts, where the fade is on the device."""
        return Growth(level, fade)

    def soften(self, real: Tensor, growth: Growth) -> Tensor:
        """Real features with no more detail than the networks can show."""
        return soften(real, growth, self.levels)


def growth_at(clips: int, *, levels: int, stable_clips: int, fade_clips: int) -> Growth:
    """How far a network of `levels` resolutions has grown after `clips` shown.

    The coarsest is trained for stable_clips, then each next one faded in over fade_clips and trained for stable_clips;
    the finest for as long as training goes on.
    """
    beyond = clips - stable_clips
    if beyond < 0 or levels == 1:
        return Growth(0)
    passed, within = divmod(beyond, fade_clips + stable_clips)
    if passed >= levels - 1:
        return Growth(levels - 1)
    return Growth(passed + 1, min(1.0, within / fade_clips))


def soften(features: Tensor, growth: Growth, levels: int) -> Tensor:
    """Take from features [B, T, F] or [B, T, F, C] the detail that networks at `growth` cannot show.

    Returns: the same shape; averaged down to the level in use, blended with the level below, and repeated up again.
    """
    shape = features.shape[1:]
    picture = shrink(ops.reshape(features, (-1, *shape[:2], _channels(shape))), levels - 1 - growth.level)
    if growth.level and not growth.settled:
        picture = blend(enlarge(shrink(picture, 1), 1), picture, growth.fade)
    return ops.reshape(enlarge(picture, levels - 1 - growth.level), (-1, *shape))


def blend(below: Tensor, newest: Tensor, fade: Tensor) -> Tensor:
    """Mix two levels. Exactly `below` at 0 and `newest` at 1, which below + fade * (newest - below) would not be."""
    return (1.0 - fade) * below + fade * newest


def shrink(picture: Tensor, times: int) -> Tensor:
    """Halve both sides so many times by averaging 2 x 2 places; one by one, so that all levels round alike."""
    for _ in range(times):
        picture = ops.average_pool(picture, 2, strides=2)
    return picture


def enlarge(picture: Tensor, times: int) -> Tensor:
    """Double both sides so many times by repeating places."""
    return ops.repeat(ops.repeat(picture, 2**times, axis=1), 2**times, axis=2) if times else picture


def _channels(shape: tuple[int, ...]) -> int:
    return shape[2] if len(shape) == 3 else 1
