"""What the service does, one method an operation: generate, sample, decode and so on. Knows no transport."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from service import (
    decoding,
    decoding_stream,
    generation_stream,
    latents,
    prediction,
    streaming,
    tunes,
    variation,
)
from service.answer_cache import AnswerCache, name_of, size_of
from service.audio_files import AudioFormat, check_rate, read_audio, write_audio
from service.batcher import Batcher
from service.contract import Contract
from service.engine import Engine
from service.entry import Entry
from service.errors import Invalid
from service.grey_picture import write_grey
from service.inputs import check_count, label_names, latent_batch, wanted_labels, whole_frames
from service.library import Library
from service.made import Made, Tune, Varied
from service.metrics import Call
from service.picture import draw_features
from service.readiness import Readiness
from service.requests import (
    AnalyseRequest,
    DecodeRequest,
    GenerateRequest,
    InterpolateRequest,
    ModelRequest,
    RenderRequest,
    SampleRequest,
    VaryRequest,
)
from service.running import FloatArray, Inputs, Running, Signature, generator_inputs
from service.settings import Settings
from service.stream_requests import DecodeStreamRequest, GenerateStreamRequest
from service.streaming import Pieces
from service.threads import by_size

DEFAULT_STEPS = 8
UNCOMPRESSED = ("wav", "wav_float", "pcm", "f32")
QUICK_SAMPLES = 131_072  # uncompressed, these are written in less time than a thread takes to answer


class Operations:
    """Every operation, over one library and one batcher."""

    def __init__(self, library: Library, batcher: Batcher, settings: Settings) -> None:
        self.library = library
        self.settings = settings
        self.readiness = Readiness()
        self.cache = AnswerCache(most=settings.cache_mb * 10**6)
        self._running = Running(library, batcher)

    def describe(self, entry: Entry) -> dict[str, Any]:
        """Return what there is to know about a version, by the field names of the gRPC message Model."""
        contract = entry.contract
        facts: dict[str, Any] = {
            "name": entry.name,
            "version": entry.version,
            "state": entry.state,
            "reason": entry.reason,
            "version_labels": self.library.labels_of(entry),
            "default": entry.name == self.library.default_name() and entry is self.library.find(entry.name),
        }
        if contract is not None:
            facts |= {
                "operations": list(contract.operations),
                "sample_rate_hz": contract.audio.sample_rate_hz,
                "clip_samples": contract.audio.clip_samples,
                "channels": contract.audio.channels,
                "latent_size": contract.latent.size if contract.latent else 0,
                "labels": list(contract.labels),
                "pitches": list(contract.pitches or ()),
            }
        return facts

    async def name_of(self, call: Call, operation: str, request: ModelRequest, form: str) -> str | None:
        """Return the name of a request's answer in a form of the transport's; None where it has none of its own.

        Raises: NotFound, NotReady, DeadlineExceeded.
        """
        if not request.settled:
            return None
        engine = await self._running.loaded(call, decoding.addressed(request))
        return await by_size(size_of(request), name_of, operation, engine.contract, request, form)

    async def generate(self, call: Call, request: GenerateRequest) -> Made:
        """Make clips from a seed or from latents.

        Returns: values [count, samples(, channels)], as wherever clips are made. Raises: Failure.
        """
        return await self._from_latents(call, request, "generate")

    def generate_stream(self, call: Call, request: GenerateStreamRequest) -> Pieces:
        """Make a sound that lasts, from clips along a path, as it is asked for.

        Yields: its bytes, with their origin. Raises: Failure, with the first piece where the request is at fault.
        """
        sound = generation_stream.generate(self._running, self.settings, self.readiness, call, request)
        return streaming.write(call, sound, request.format)

    def decode_stream(self, call: Call, request: DecodeStreamRequest, frames: decoding_stream.Frames) -> Pieces:
        """Make features audible as they come.

        Yields: as `generate_stream`. Raises: Failure.
        """
        sound = decoding_stream.decode(self._running, self.settings, call, request, frames)
        return streaming.write(call, sound, request.format)

    async def sample(self, call: Call, request: SampleRequest) -> Made:
        """Make features from a seed or from latents.

        Returns: values [count, frames, bands(, channels)]. Raises: Failure.
        """
        return await self._from_latents(call, request, "sample")

    async def decode(self, call: Call, request: DecodeRequest) -> Made:
        """Make features audible.

        Returns: values [count, samples]. Raises: Failure.
        """
        return await decoding.decode(self._running, self.settings, call, request)

    async def analyse(self, call: Call, request: AnalyseRequest) -> Made:
        """Describe a sound file by features.

        Returns: values [1, frames, bands(, channels)]. Raises: Failure.
        """
        engine = await self._running.engine(call, request, "analyse")
        audio, most = engine.contract.audio, self.settings.max_seconds
        rate, channels = audio.sample_rate_hz, audio.channels
        waveform = await self._running.in_thread(
            call,
            lambda: read_audio(request.audio, sample_rate_hz=rate, most_seconds=most, channels=channels),
        )
        padded = whole_frames(engine.contract, waveform)
        return Made(engine.contract, await self._running.run(call, engine, "analyse", {"waveform": padded[np.newaxis]}))

    async def interpolate(self, call: Call, request: InterpolateRequest) -> Made:
        """Make clips along a path between sounds and seeds.

        Returns: values [steps, samples]. Raises: Failure.
        """
        engine = await self._running.engine(call, request, "generate")
        check_rate(request.format, engine.contract.audio.sample_rate_hz)
        stations = len(request.seeds) + len(request.sounds)
        steps = self._check_count(request.steps or max(DEFAULT_STEPS, stations), "steps")
        return await variation.interpolate(self._running, self.settings, call, engine, request, steps=steps)

    async def vary(self, call: Call, request: VaryRequest) -> Varied:
        """Make variations of a sound.

        Returns: values [count, samples]. Raises: Failure.
        """
        engine = await self._running.engine(call, request, "generate")
        check_rate(request.format, engine.contract.audio.sample_rate_hz)
        count = self._check_count(request.count or 1, "count")
        return await variation.vary(self._running, self.settings, call, engine, request, count=count)

    async def render(self, call: Call, request: RenderRequest, watch: tunes.Watch = tunes.nobody) -> Tune:
        """Play a MIDI file; `watch` is told how many notes are done.

        Returns: values [1, samples]. Raises: Failure.
        """
        return await tunes.render(self._running, self.settings, call, request, watch)

    async def loaded(self, call: Call, request: ModelRequest) -> Engine:
        """Return the model that a request means, for `predict`.

        Raises: Failure.
        """
        return await self._running.loaded(call, request)

    async def predict(self, call: Call, engine: Engine, signature: str, inputs: Inputs) -> FloatArray:
        """Compute a signature of a model on tensors.

        Returns: [B, ...]. Raises: Failure.
        """
        return await prediction.predict(
            self._running, self.settings, call, engine=engine, signature=signature, inputs=inputs
        )

    async def encode(self, call: Call, made: Made, form: AudioFormat, *, joined: bool = False) -> list[bytes]:
        """Write clips as sound files: one each or, `joined`, one after another in a single file."""
        contract = made.contract
        items, samples, *channels = made.values.shape
        call.metrics.audio_seconds.labels(call.model).inc(items * samples / contract.audio.sample_rate_hz)
        clips = [made.values.reshape(-1, *channels)] if joined else list(made.values)

        def write() -> list[bytes]:
            return [
                write_audio(
                    clip,
                    sample_rate_hz=contract.audio.sample_rate_hz,
                    form=form,
                    tags=made.tags(None if joined else item),
                )
                for item, clip in enumerate(clips)
            ]

        with call.stage("encode"):
            if form in UNCOMPRESSED and made.values.size <= QUICK_SAMPLES:
                return write()
            return await self._running.in_thread(call, write)

    async def draw(self, call: Call, made: Made) -> bytes:
        """Draw features as a PNG picture."""
        with call.stage("encode"):
            return await self._running.in_thread(call, lambda: draw_features(made.values, made.contract))

    async def data_picture(self, call: Call, made: Made) -> bytes:
        """Return features as a greyscale PNG that `decode` takes.

        Raises: Invalid where they are more than one picture holds.
        """
        assert made.contract.features is not None
        if made.values.ndim > 3 or len(made.values) > 1:
            one = "a grey picture holds one item with one channel"
            raise Invalid(f"format: {one}, not {list(made.values.shape)}; ask for npy", field="format")
        low, high = made.contract.features.known_range
        with call.stage("encode"):
            return await self._running.in_thread(call, lambda: write_grey(made.values[0], low, high))

    async def _from_latents(self, call: Call, request: SampleRequest, signature: Signature) -> Made:
        engine = await self._running.engine(call, request, signature)
        if isinstance(request, GenerateRequest):
            check_rate(request.format, engine.contract.audio.sample_rate_hz)
        made, inputs = self._drawn(engine.contract, request)
        values = await self._running.run(call, engine, signature, inputs)
        return Made(made.contract, values, made.seeds, made.labels)

    def _drawn(self, contract: Contract, request: SampleRequest) -> tuple[Made, Inputs]:
        """Return the inputs of `generate` for a request, and what there is to say about them."""
        assert contract.latent is not None
        if request.latents is None:
            count = self._check_count(request.count or 1, "count")
            seeds: tuple[int, ...] = (secrets.randbits(32) if request.seed is None else request.seed,)
            size, distribution = contract.latent.size, contract.latent.distribution
            drawn = latents.draw(seeds[0], count=count, size=size, distribution=distribution)
        else:
            drawn, seeds = latent_batch(contract, request.latents), ()
            count = self._check_count(len(drawn), "latents")
            if request.count not in (None, count):
                raise Invalid(f"count: {request.count} does not fit {count} latents", field="count")
        labels = wanted_labels(contract, request, range(sum(seeds), sum(seeds) + count))
        return Made(contract, drawn, seeds, label_names(contract, labels)), generator_inputs(contract, drawn, labels)

    def _check_count(self, count: int, name: str) -> int:
        return check_count(count, name, self.settings.max_count)
