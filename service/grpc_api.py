"""The gRPC service: a thin skin that parses, calls an operation and answers."""

# ruff: noqa: N802 - the names are the contract's

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from service import grpc_streams
from service.audio_files import AudioFormat
from service.entry import Entry
from service.generated.latentone.v1 import synthesizer_pb2 as pb
from service.generated.latentone.v1.synthesizer_pb2_grpc import SynthesizerServicer
from service.grpc_exchange import Context, Exchanges
from service.made import Made
from service.metrics import Call
from service.operations import Operations
from service.requests import (
    AnalyseRequest,
    DecodeRequest,
    GenerateRequest,
    InterpolateRequest,
    ModelRequest,
    RenderRequest,
    SampleRequest,
    VaryRequest,
    parse_request,
)
from service.stream_requests import GenerateStreamRequest
from service.streaming import Pieces
from service.tensors import tensor_bytes

R = TypeVar("R", bound=ModelRequest)
M = TypeVar("M", bound=Message)


class Synthesizer(SynthesizerServicer):
    """latentone.v1.Synthesizer over the operations."""

    def __init__(self, operations: Operations, exchanges: Exchanges) -> None:
        self._operations = operations
        self._exchanges = exchanges

    async def Generate(self, request: pb.GenerateRequest, context: Context) -> pb.GenerateResponse:
        """Latents to audio."""
        return await self._making(context, GenerateRequest, request, self._generate)

    async def GenerateStream(  # type: ignore[override] # it may also write to its context
        self, request: pb.GenerateStreamRequest, context: Context
    ) -> None:
        """A path through latents to one sound, as it is made."""
        async with self._exchanges.call(context, "generate_stream") as call:
            self._operations.readiness.require_lasting()
            wanted = parse_request(GenerateStreamRequest, _fields(request))
            pieces = self._operations.generate_stream(call, wanted)
            await self._send(context, call, pieces, pb.GenerateStreamResponse, wanted.format)

    async def DecodeStream(  # type: ignore[override] # as above
        self, requests: AsyncIterator[pb.DecodeStreamRequest], context: Context
    ) -> None:
        """Features as they come to one sound, as it is made."""
        async with self._exchanges.call(context, "decode_stream") as call:
            self._operations.readiness.require_lasting()
            wanted, frames = await grpc_streams.open_features(call, requests)
            pieces = self._operations.decode_stream(call, wanted, frames)
            await self._send(context, call, pieces, pb.DecodeStreamResponse, wanted.format)

    async def Sample(self, request: pb.SampleRequest, context: Context) -> pb.SampleResponse:
        """Latents to features."""
        return await self._making(context, SampleRequest, request, self._sample)

    async def Decode(self, request: pb.DecodeRequest, context: Context) -> pb.DecodeResponse:
        """Features to audio."""
        return await self._making(context, DecodeRequest, request, self._decode)

    async def Analyse(self, request: pb.AnalyseRequest, context: Context) -> pb.AnalyseResponse:
        """A sound file to features."""
        return await self._making(context, AnalyseRequest, request, self._analyse)

    async def Interpolate(self, request: pb.InterpolateRequest, context: Context) -> pb.InterpolateResponse:
        """A path between sounds and seeds to audio."""
        return await self._making(context, InterpolateRequest, request, self._interpolate)

    async def Vary(self, request: pb.VaryRequest, context: Context) -> pb.VaryResponse:
        """A sound file to variations of it."""
        return await self._making(context, VaryRequest, request, self._vary)

    async def Render(self, request: pb.RenderRequest, context: Context) -> pb.RenderResponse:
        """A MIDI file to a tune."""
        return await self._making(context, RenderRequest, request, self._render)

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """Every version of every model."""
        del request  # it has no fields
        async with self._exchanges.call(context, "list_models"):
            entries = self._operations.library.entries()
            return pb.ListModelsResponse(models=[self._model(entry) for entry in entries])

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        """One model with its contract."""
        async with self._exchanges.call(context, "get_model") as call:
            wanted = parse_request(ModelRequest, _fields(request))
            entry = self._operations.library.find(wanted.model, wanted.version, wanted.version_label)
            call.model = entry.name
            answer = pb.GetModelResponse(model=self._model(entry))
            answer.contract.update(entry.contract.document if entry.contract else {})
            return answer

    async def _making(
        self, context: Context, kind: type[R], request: Message, make: Callable[[Call, R], Awaitable[M]]
    ) -> M:
        """Answer a call with what `make` makes of its request, or with what the cache has of that."""
        operation = make.__name__.lstrip("_")
        async with self._exchanges.call(context, operation) as call:
            self._operations.readiness.require_serving()
            wanted = parse_request(kind, _fields(request))
            cache = self._operations.cache
            name = await self._operations.name_of(call, operation, wanted, "grpc") if cache.on else None
            return await cache.get(name, lambda: make(call, wanted), lambda answer: answer.ByteSize(), call.metrics)

    async def _generate(self, call: Call, wanted: GenerateRequest) -> pb.GenerateResponse:
        made = await self._operations.generate(call, wanted)
        clips = await self._clips(call, made, wanted.format)
        return pb.GenerateResponse(**_origin(made), **_seed(made), format=wanted.format, clips=clips)

    async def _sample(self, call: Call, wanted: SampleRequest) -> pb.SampleResponse:
        made = await self._operations.sample(call, wanted)
        return pb.SampleResponse(**_names(made), **_seed(made), features=_tensor(made), labels=made.labels)

    async def _decode(self, call: Call, wanted: DecodeRequest) -> pb.DecodeResponse:
        made = await self._operations.decode(call, wanted)
        clips = await self._clips(call, made, wanted.format)
        return pb.DecodeResponse(**_origin(made), format=wanted.format, clips=clips, warnings=made.warnings)

    async def _analyse(self, call: Call, wanted: AnalyseRequest) -> pb.AnalyseResponse:
        made = await self._operations.analyse(call, wanted)
        return pb.AnalyseResponse(**_names(made), features=_tensor(made))

    async def _interpolate(self, call: Call, wanted: InterpolateRequest) -> pb.InterpolateResponse:
        made = await self._operations.interpolate(call, wanted)
        clips = await self._clips(call, made, wanted.format)
        origin = {**_origin(made), "seeds": made.seeds, "sounds": made.sounds}
        return pb.InterpolateResponse(**origin, format=wanted.format, clips=clips)

    async def _vary(self, call: Call, wanted: VaryRequest) -> pb.VaryResponse:
        made = await self._operations.vary(call, wanted)
        clips = await self._clips(call, made, wanted.format)
        return pb.VaryResponse(**_sound_facts(made, wanted), clips=clips)

    async def _render(self, call: Call, wanted: RenderRequest) -> pb.RenderResponse:
        made = await self._operations.render(call, wanted)
        (audio,) = await self._operations.encode(call, made, wanted.format, joined=True)
        return ParseDict(_sound_facts(made, wanted), pb.RenderResponse(audio=audio))

    async def _clips(self, call: Call, made: Made, form: AudioFormat) -> list[pb.Clip]:
        labels = made.labels or ("",) * len(made.values)
        files = await self._operations.encode(call, made, form)
        return [pb.Clip(audio=file, label=label) for file, label in zip(files, labels, strict=True)]

    async def _send(self, context: Context, call: Call, pieces: Pieces, kind: Any, form: str) -> None:
        """Send pieces, for each of which a client has the time of a request."""
        seconds = self._operations.settings.deadline_seconds
        await grpc_streams.send(context, call, pieces, kind, form=form, seconds=seconds)

    def _model(self, entry: Entry) -> pb.Model:
        return ParseDict(self._operations.describe(entry), pb.Model())


def _fields(message: Message) -> dict[str, Any]:
    """Return the fields that the client has set; the names are those of the requests."""
    return {field.name: _value(value) for field, value in message.ListFields()}


def _value(value: Any) -> Any:
    if isinstance(value, pb.Tensor):
        return {"shape": list(value.shape), "data": value.data}
    if isinstance(value, Message):
        return _fields(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, str | bytes | int | float) else list(value)


def _names(made: Made) -> dict[str, Any]:
    return {"model": made.contract.name, "version": made.contract.version}


def _origin(made: Made) -> dict[str, Any]:
    return {**_names(made), "sample_rate_hz": made.contract.audio.sample_rate_hz}


def _sound_facts(made: Made, wanted: VaryRequest | RenderRequest) -> dict[str, Any]:
    return {**made.facts(), "sample_rate_hz": made.contract.audio.sample_rate_hz, "format": wanted.format}


def _seed(made: Made) -> dict[str, Any]:
    return {"seed": made.seeds[0]} if made.seeds else {}


def _tensor(made: Made) -> pb.Tensor:
    return pb.Tensor(shape=made.values.shape, data=tensor_bytes(made.values))
