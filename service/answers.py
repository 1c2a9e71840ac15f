"""Answers over HTTP: clips as sound files, archives, arrays or JSON; features as arrays, JSON or pictures."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any, Literal, get_args
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import JSONResponse

from service.audio_files import ENCODINGS, AudioFormat
from service.errors import Invalid
from service.made import Made, Tune, Varied
from service.metrics import Call
from service.negotiation import choose
from service.npy import write_npy
from service.operations import Operations
from service.tensors import tensor_json
from service.threads import by_size

ClipForm = Literal["file", "zip", "npy", "json"]
FeatureForm = Literal["npy", "json", "base64", "png", "grey"]

MOST_LETTERS = 1000  # of labels or notes in a header; beyond that JSON has them
ZIP, NPY, JSON, PNG = "application/zip", "application/x-npy", "application/json", "image/png"
BY_MEDIA: dict[str, AudioFormat] = {
    ENCODINGS[form].media_type: form for form in ("wav", "flac", "ogg", "opus", "mp3", "pcm", "f32")
}
WRAPS: dict[str, ClipForm] = {ZIP: "zip", NPY: "npy", JSON: "json"}
FEATURE_FORMS: dict[str, FeatureForm] = {form: form for form in get_args(FeatureForm)}
FEATURE_MEDIA: dict[str, FeatureForm] = {NPY: "npy", JSON: "json", PNG: "png"}


def clip_form(accept: str, fields: dict[str, Any]) -> ClipForm:
    """Return how clips are to be wrapped; where the request names no format, set the one that Accept asks for.

    Raises: NotAcceptable.
    """
    if "format" in fields:
        return next((form for media, form in WRAPS.items() if media in accept), "file")
    media = choose(accept, [*BY_MEDIA, *WRAPS])
    if media in BY_MEDIA:
        fields["format"] = BY_MEDIA[media]
    return WRAPS.get(media, "file")


def feature_form(accept: str, fields: dict[str, Any]) -> FeatureForm:
    """Return the form of features that the request names or, where it names none, that Accept asks for.

    Raises: Invalid for an unknown format, NotAcceptable.
    """
    if "format" not in fields:
        return FEATURE_MEDIA[choose(accept, FEATURE_MEDIA)]
    wanted = fields.pop("format")
    if wanted in FEATURE_FORMS:
        return FEATURE_FORMS[wanted]
    raise Invalid("format: features come as npy, json, base64, png or grey", field="format")


async def clips(operations: Operations, call: Call, made: Made, wanted: Any, form: ClipForm) -> Response:
    """Answer with clips. Several in one file stand one after another, each as long as the others."""
    if form == "npy":
        return Response(write_npy(made.values), media_type=NPY, headers=headers(made, "npy"))
    files = await operations.encode(call, made, wanted.format, joined=form == "file")
    encoding = ENCODINGS[wanted.format]
    if form == "file":
        return Response(files[0], media_type=encoding.media_type, headers=headers(made, encoding.suffix))
    if form == "zip":
        return Response(_archive(files, made, encoding.suffix), media_type=ZIP, headers=headers(made, "zip"))
    labels = made.labels or ("",) * len(files)
    sounds = [{"audio": _base64(file), "label": label} for file, label in zip(files, labels, strict=True)]
    return JSONResponse({**_sound_facts(made, wanted), "clips": sounds}, headers=headers(made, "json"))


async def tune(operations: Operations, call: Call, made: Tune, wanted: Any, form: ClipForm) -> Response:
    """Answer with a tune: as with a clip, and an account of its notes in headers or JSON."""
    if form == "json":
        (file,) = await operations.encode(call, made, wanted.format, joined=True)
        body = {**_sound_facts(made, wanted), "audio": _base64(file)}
        answer: Response = JSONResponse(body, headers=headers(made, "json"))
    else:
        answer = await clips(operations, call, made, wanted, form)
    account = made.account
    answer.headers["X-Latentone-Notes"] = str(len(account.parts))
    answer.headers["X-Latentone-Seconds"] = f"{made.seconds:.3f}"
    folded = [f"{entry.pitch}>{entry.to}={entry.count}" for entry in account.folded]
    skipped = [f"{entry.pitch}{'/drum' if entry.percussion else ''}={entry.count}" for entry in account.skipped]
    for name, entries in (("Folded", folded), ("Skipped", skipped)):
        if entries:
            answer.headers[f"X-Latentone-{name}"] = _bounded(entries)
    return answer


async def variations(operations: Operations, call: Call, made: Varied, wanted: Any, form: ClipForm) -> Response:
    """Answer with variations: as with clips, and what was heard of the sound in headers or JSON."""
    answer = await clips(operations, call, made, wanted, form)
    for name, value in (("Distance", made.distance), ("Sound", made.sound_seconds), ("Heard", made.heard_seconds)):
        unit = "" if name == "Distance" else "-Seconds"
        answer.headers[f"X-Latentone-{name}{unit}"] = f"{value:.4g}"
    return answer


async def features(operations: Operations, call: Call, made: Made, _wanted: Any, form: FeatureForm) -> Response:
    """Answer with features."""
    if form == "png":
        return Response(await operations.draw(call, made), media_type=PNG, headers=headers(made, "png"))
    if form == "grey":
        return Response(await operations.data_picture(call, made), media_type=PNG, headers=headers(made, "png"))
    if form == "npy":
        return Response(write_npy(made.values), media_type=NPY, headers=headers(made, "npy"))
    return await by_size(made.values.size, _features_json, made, form)


def _features_json(made: Made, form: FeatureForm) -> Response:
    values = made.values.tolist() if form == "json" else tensor_json(made.values)
    body = {**made.facts(), "features": values, "labels": list(made.labels)}
    return JSONResponse(body, headers=headers(made, "json"))


def _sound_facts(made: Made, wanted: Any) -> dict[str, Any]:
    return {**made.facts(), "sample_rate_hz": made.contract.audio.sample_rate_hz, "format": wanted.format}


def _bounded(entries: list[str]) -> str:
    """Return entries as a header's list; where they are too many for one, the first of them and three dots."""
    text = ",".join(entries)
    return text if len(text) < MOST_LETTERS else text[:MOST_LETTERS].rpartition(",")[0] + ",..."


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def headers(made: Made, suffix: str) -> dict[str, str]:
    """Return what it takes to make the answer again.

    Names are percent-encoded, as a header's letters are few.
    """
    contract, seeds = made.contract, [str(seed) for seed in made.seeds]
    headers = {
        "X-Latentone-Model": quote(contract.name),
        "X-Latentone-Version": str(contract.version),
        "X-Latentone-Sample-Rate": str(contract.audio.sample_rate_hz),
        "X-Latentone-Channels": str(contract.audio.channels),
        "Content-Disposition": f'inline; filename="{quote("-".join([contract.name, *seeds[:2]]))}.{suffix}"',
    }
    if made.warnings:
        headers["X-Latentone-Warning"] = "; ".join(made.warnings)
    if seeds:
        headers["X-Latentone-Seed"] = ",".join(seeds)
    if made.sounds:
        headers["X-Latentone-Sounds"] = str(made.sounds)
    if sum(map(len, made.labels)) < MOST_LETTERS:
        headers["X-Latentone-Label"] = ",".join(quote(label, safe="") for label in made.labels)
    return headers


def _archive(files: list[bytes], made: Made, suffix: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for item, file in enumerate(files):
            # A fixed date: the same request gives the same bytes.
            archive.writestr(zipfile.ZipInfo(f"{made.contract.name}-{item:04}.{suffix}"), file)
    return buffer.getvalue()
