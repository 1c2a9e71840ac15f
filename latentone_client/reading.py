"""From the fields of a reply to an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from latentone_client.answers import Features, Folded, Model, Skipped, Sound, Tune, Varied
from latentone_client.errors import Internal
from latentone_client.sound_files import decode
from latentone_client.transport import Fields, Reply

A = TypeVar("A")
LISTS = ("version_labels", "operations", "labels", "pitches")


def _reading(read: Callable[[Reply], A]) -> Callable[[Reply], A]:
    """Turn whatever a stranger's answer breaks into a failure that a person can mend."""

    @wraps(read)
    def reader(reply: Reply) -> A:
        try:
            return read(reply)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Internal(f"this is no answer of latentone ({error!r}); is the address right?") from None

    return reader


@_reading
def sound(reply: Reply) -> Sound:
    """Read clips."""
    return Sound(
        **_clips(reply),
        sounds=reply.fields.get("sounds", 0),
        warnings=tuple(reply.fields.get("warnings", ())),
    )


@_reading
def varied(reply: Reply) -> Varied:
    """Read variations."""
    heard = {name: reply.fields[name] for name in ("distance", "sound_seconds", "heard_seconds")}
    return Varied(**_clips(reply), **heard)


@_reading
def tune(reply: Reply) -> Tune:
    """Read a rendered MIDI file."""
    return Tune(
        **_origin(reply),
        samples=decode(reply.fields["audio"])[np.newaxis],
        sample_rate_hz=reply.fields["sample_rate_hz"],
        seeds=_seeds(reply.fields),
        notes=reply.fields["notes"],
        folded=tuple(Folded(**entry) for entry in reply.fields["folded"]),
        skipped=tuple(Skipped(**entry) for entry in reply.fields["skipped"]),
    )


@_reading
def features(reply: Reply) -> Features:
    """Read features."""
    return Features(
        **_origin(reply),
        values=reply.fields["features"],
        seeds=_seeds(reply.fields),
        labels=tuple(reply.fields.get("labels", ())),
    )


@_reading
def stream(reply: Reply) -> dict[str, Any]:
    """Read what is known of a stream when it begins, by the names of StreamOrigin."""
    fields = reply.fields
    return {
        **_origin(reply),
        "sample_rate_hz": fields["sample_rate_hz"],
        "channels": fields["channels"],
        "seeds": _seeds(fields),
        "labels": (fields["label"],) if fields.get("label") else (),
        "seconds": fields.get("seconds"),
        "warnings": tuple(fields.get("warnings", ())),
    }


@_reading
def models(reply: Reply) -> tuple[Model, ...]:
    """Read a list of models."""
    return tuple(_model(entry) for entry in reply.fields["models"])


@_reading
def model(reply: Reply) -> Model:
    """Read one model with its contract."""
    return _model({**reply.fields["model"], "contract": reply.fields["contract"]})


def _model(entry: Fields) -> Model:
    known = {field.name for field in dataclass_fields(Model)}  # a newer service may say more
    said = {name: value for name, value in entry.items() if name in known}
    facts: dict[str, Any] = {name: tuple(value) if name in LISTS else value for name, value in said.items()}
    return Model(**facts)


def _clips(reply: Reply) -> dict[str, Any]:
    clips = reply.fields["clips"]
    labels = tuple(clip["label"] for clip in clips)
    return {
        **_origin(reply),
        "samples": np.stack([decode(clip["audio"]) for clip in clips]),
        "sample_rate_hz": reply.fields["sample_rate_hz"],
        "seeds": _seeds(reply.fields),
        "labels": labels if any(labels) else (),
    }


def _origin(reply: Reply) -> dict[str, Any]:
    return {"model": reply.fields["model"], "version": reply.fields["version"], "timing": _timing(reply.timing)}


def _seeds(fields: Fields) -> tuple[int, ...]:
    return (fields["seed"],) if "seed" in fields else tuple(fields.get("seeds", ()))


def _timing(header: str) -> dict[str, float]:
    """Read queue;dur=1.20, total;dur=9.81 (milliseconds) as seconds by stage."""
    stages = {}
    for entry in header.split(","):
        name, _, milliseconds = entry.strip().partition(";dur=")
        try:
            stages[name] = float(milliseconds) / 1000
        except ValueError:
            continue  # a proxy's entry may say nothing of time
    return stages
