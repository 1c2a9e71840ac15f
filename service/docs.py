"""What the docs page says of each route, and the page itself, which needs nothing from elsewhere."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from typing import Any

from pydantic import BaseModel

from service.audio_files import ENCODINGS, FORMATS
from service.requests import (
    AnalyseRequest,
    DecodeRequest,
    GenerateRequest,
    InterpolateRequest,
    RenderRequest,
    SampleRequest,
    VaryRequest,
)
from service.stream_requests import STREAM_FORMATS, DecodeStreamRequest, GenerateStreamRequest

PATH = "/"
SCRIPT = 'SwaggerUIBundle({url: "docs.json", dom_id: "#docs", deepLinking: true})'
SCRIPT_DIGEST = f"sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}"
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>latentone</title>
<link rel="stylesheet" href="static_content/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="docs"></div>
<script src="static_content/swagger-ui-bundle.js"></script>
<script>{SCRIPT}</script>
</body>
</html>
"""

QUERY = "Every field may stand in the query instead of the body, as in `?label=7&format=flac`."
NAMED = (
    "Where no seed is left to be drawn the answer has an ETag; with If-None-Match a client that has it gets 304, and "
    "costs no work."
)
CLIPS = (
    f"Answers with a sound file; `format` (or the Accept header) is one of {', '.join(FORMATS)}. Several "
    "clips stand one after another in one file, each as long as the others; `Accept: application/zip` gives "
    "one file each, `application/x-npy` float32 [count, samples], or [count, samples, 2] of a stereo model, "
    "`application/json` base64. Headers "
    "(X-Latentone-Model, -Version, -Seed, -Label) and the file's own tags say how to make the sound again; "
    f"Server-Timing says how long it took. {NAMED}"
)
FEATURES = (
    "Answers with float32 [count, frames, bands], or [count, frames, bands, channels], as .npy; `format` (or the "
    "Accept header) may ask for `json` (nested lists), `base64` (shape and little-endian float32), `png` (a drawing) "
    f"or `grey` (one item as a greyscale picture that decode takes). {NAMED}"
)
BINARY = {"schema": {"type": "string", "format": "binary"}}
PROBLEM = {
    "description": "what went wrong, RFC 9457",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "instance": {"type": "string"},
                    "field": {"type": "string"},
                },
            }
        }
    },
}
SOUND = dict.fromkeys([encoding.media_type for encoding in ENCODINGS.values()], BINARY)
SHAPES: dict[str, Any] = {"application/x-npy": BINARY, "application/json": {}, "image/png": BINARY}
# What the page sends where a reader changes nothing; other requests need a file.
EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    GenerateRequest: {"seed": 3},
    SampleRequest: {"seed": 3},
    InterpolateRequest: {"seeds": [3, 8], "steps": 4},
}


def _operation(kind: type[BaseModel], summary: str, text: str, made: dict[str, Any], **bodies: Any) -> dict[str, Any]:
    schema, example = kind.model_json_schema(mode="validation"), EXAMPLES.get(kind, {})
    content = {"application/json": {"schema": schema, "example": example}, **bodies}
    return {
        "summary": summary,
        "description": f"{text} {QUERY}",
        "responses": {200: {"description": "made", "content": made}, "default": PROBLEM},
        "openapi_extra": {"requestBody": {"required": False, "content": content}},
        "tags": ["Synthesizer"],
    }


GENERATE = _operation(GenerateRequest, "Latents, from a seed or given, to audio", CLIPS, SOUND)
SAMPLE = _operation(SampleRequest, "Latents, from a seed or given, to features", FEATURES, SHAPES)
DECODE = _operation(
    DecodeRequest,
    "Features to audio",
    "The body is an .npy array, a greyscale PNG of 8 or 16 bits with its scale in the query (`?black=-80&white=0`), or "
    "JSON. The model griffin-lim takes any mel definition, as in `?model=griffin-lim&definition.n_fft=1024`. The "
    f"header X-Latentone-Warning says what is doubtful about the features. {CLIPS}",
    SOUND,
    **{"application/x-npy": BINARY, "image/png": BINARY},
)
ANALYSE = _operation(
    AnalyseRequest,
    "A sound file to features",
    f"The body is the sound file, or JSON. {FEATURES}",
    SHAPES,
    **{"audio/*": BINARY},
)
VARY = _operation(
    VaryRequest,
    "Variations of a sound",
    "The body is the sound file, or JSON; the model must have an encoder. Latents lie at `distance` d from the sound's "
    "own e: cos(d pi / 2) e + sin(d pi / 2) z with z as generate draws it or, where latents are uniform, (1 - d) e + d "
    "z. Headers (X-Latentone-Distance, -Sound-Seconds, -Heard-Seconds) and JSON (`distance`, `sound_seconds`, "
    f"`heard_seconds`) say how much of the sound was heard: a clip of the model's at most. {CLIPS}",
    SOUND,
    **{"audio/*": BINARY},
)
INTERPOLATE = _operation(InterpolateRequest, "A path between sounds and seeds, to audio", CLIPS, SOUND)
RENDER = _operation(
    RenderRequest,
    "A MIDI file to a tune",
    "The body is the MIDI file, or JSON; the model's labels must stand for pitches. Each note is a clip of the model, "
    "faded in, held and faded out, as loud as the square of its velocity; where the sum passes 1 the whole tune is "
    "scaled down. Headers (X-Latentone-Notes, -Seconds, -Folded, -Skipped) and JSON (`notes`, `seconds`, `folded`, "
    f"`skipped`, `audio`) say what became of the notes. {CLIPS}",
    SOUND,
    **{"audio/midi": BINARY},
)
STREAM = (
    "Answers in chunks, each as soon as it is made; `format` (or the Accept header) is one of "
    f"{', '.join(STREAM_FORMATS)}. A WAV file's length stays open. What fails after the first "
    "chunk closes the connection."
)
STREAM_SOUND = {ENCODINGS[form].media_type: BINARY for form in STREAM_FORMATS}
GENERATE_STREAM = _operation(
    GenerateStreamRequest,
    "A path through latents to one sound, as it is made",
    "Clips along a path that begins at the seed, with cross-fades of equal power, until `seconds` are over, the "
    "server's limit is reached or you hang up. X-Latentone-Seconds says how long it will be; it ends sooner, faded "
    f"out, where the server shuts down. {STREAM}",
    STREAM_SOUND,
)
DECODE_STREAM = _operation(
    DecodeStreamRequest,
    "Features to one sound, as they come",
    "The body is frames of little-endian float32 as the contract describes them, and is read while the answer is sent: "
    "clients must read while they send, as `curl -T -` does. All fields stand in the query. The model must state its "
    f"reach, as vocoders do. The body limit holds for all of it. {STREAM}",
    STREAM_SOUND,
    **{"application/octet-stream": BINARY},
)
del DECODE_STREAM["openapi_extra"]["requestBody"]["content"]["application/json"]
MODELS: dict[str, Any] = {"summary": "Every version of every model on disk", "tags": ["Models"]}
MODEL: dict[str, Any] = {
    "summary": "One model, with its contract",
    "tags": ["Models"],
    "responses": {"default": PROBLEM},
}
RELOAD: dict[str, Any] = {
    "summary": "Look at the folder of models now",
    "description": "For an admin key. Answers when the versions and labels in the folder are served; 409 names those "
    "that can't be.",
    "tags": ["Models"],
    "responses": {"default": PROBLEM},
}


def _foreign(tag: str, summary: str, text: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what is said of a route of someone else's protocol."""
    extra = {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}} if body else {}
    return {
        "summary": summary,
        "description": text,
        "responses": {"default": PROBLEM},
        "openapi_extra": extra,
        "tags": [tag],
    }


SERVING, INFERENCE = "TensorFlow Serving", "Open Inference Protocol v2"
PREDICT = _foreign(
    SERVING,
    "A signature on tensors",
    "`instances` is a list of rows, `inputs` a column for each input; the name of an only input may be left out. "
    '`{"b64": text}` holds little-endian values in place of lists. Answers with `predictions` or `outputs`.',
    {
        "type": "object",
        "properties": {"signature_name": {"type": "string"}, "instances": {"type": "array", "items": {}}, "inputs": {}},
    },
)
METADATA = _foreign(SERVING, "The signatures of a model")
STATUS = _foreign(SERVING, "The state of the version that a label stands for")
SERVER = _foreign(INFERENCE, "Which server this is")
SERVER_LIVE = _foreign(INFERENCE, "Whether the server answers")
SERVER_READY = _foreign(INFERENCE, "Whether the server wants requests")
MODEL_METADATA = _foreign(INFERENCE, "The versions of a model, and the tensors of its default signature")
MODEL_READY = _foreign(INFERENCE, "Whether a version of a model is loaded")


def infer(kind: type[BaseModel]) -> dict[str, Any]:
    """Return what is said of the route that computes."""
    text = (
        "The names of the tensors say which signature is meant: `latent` to `waveform` is generate, `latent` to "
        "`features` sample, `features` decode, `waveform` analyse, to `latent` encode; the parameter `signature` may "
        "name it. With the header Inference-Header-Content-Length, tensors are bytes after the JSON."
    )
    return _foreign(INFERENCE, "A signature on tensors", text, kind.model_json_schema())


def described(openapi: dict[str, Any]) -> dict[str, Any]:
    """Return BentoML's OpenAPI document with our own words in front; BentoML's load pictures from elsewhere."""
    text = "Audio from latents and from spectrogram features. The same operations answer over gRPC."
    info = {"title": "latentone", "version": "1", "description": text}
    # 3.1: its schemas are JSON Schema as pydantic writes it.
    document: dict[str, Any] = copy.deepcopy({**openapi, "openapi": "3.1.0", "info": info})
    _gather(document, document.setdefault("components", {}).setdefault("schemas", {}))
    for path, item in document.get("paths", {}).items():
        names = re.findall(r"{(\w+)}", path)
        for operation in item.values() if names else ():
            operation["parameters"] = [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
            ]
    return document


def _gather(part: Any, schemas: dict[str, Any]) -> None:
    """Move what schemas define for themselves to where a document's references find it."""
    for value in list(part.values()) if isinstance(part, dict) else part if isinstance(part, list) else ():
        _gather(value, schemas)
    if isinstance(part, dict):
        schemas.update(part.pop("$defs", {}))
        if isinstance(part.get("$ref"), str):
            part["$ref"] = part["$ref"].replace("#/$defs/", "#/components/schemas/")
