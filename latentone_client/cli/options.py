"""The commands and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from shtab import FILE

from latentone_client.cli import bench, commands, stream
from latentone_client.cli.connection import add_connection, seconds
from latentone_client.retries import Retries
from latentone_client.sound_files import FORMATS

SHELLS = ("bash", "zsh")
EPILOG = """\
A file named - is standard input or output. Exit codes: 0 done; 1 not possible as asked; 2 not understood; 3 not
possible now, later perhaps; 4 a defect of the service; 130 interrupted.

The service is at LATENTONE_URL or --url: http://host:3000 or grpc://host:3001.
Completion: latentone completion bash > ~/.local/share/bash-completion/completions/latentone
"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each command's `run` is the function that does it."""
    parser = argparse.ArgumentParser(
        prog="latentone",
        description="Make sounds with a latentone service.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    adding = parser.add_subparsers(dest="command", metavar="command", required=True)
    for add in (
        _generate,
        _stream,
        _sample,
        _decode,
        _decode_stream,
        _analyse,
        _vary,
        _interpolate,
        _render,
        _models,
        _bench,
        _completion,
    ):
        add(adding)
    return parser


def _command(adding: Any, name: str, run: Callable[..., int], words: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = adding.add_parser(name, help=words, description=f"{words.capitalize()}.")
    made.set_defaults(run=run)
    return made


def _connected(adding: Any, name: str, run: Callable[..., int], words: str) -> argparse.ArgumentParser:
    made = _command(adding, name, run, words)
    where = made.add_argument_group("service")
    add_connection(where)
    where.add_argument("--retries", type=_whole, default=Retries().most, help="at most (default %(default)s)")
    made.add_argument("--json", action="store_true", help="say what was done, or what failed, in JSON")
    return made


def _generate(adding: Any) -> None:
    made = _connected(adding, "generate", commands.generate, "make clips from a seed or from latents")
    _add_model(made)
    _add_drawn(made)
    _add_sound(made)


def _stream(adding: Any) -> None:
    words = "make a sound that lasts, heard while it is made: clips along a path, with cross-fades"
    made = _connected(adding, "stream", stream.stream, words)
    made.add_argument("--seconds", type=seconds, help="how long (default: as long as the service allows, or Ctrl-C)")
    made.add_argument("--seed", type=_whole, help="where the path begins (default: one is drawn and told)")
    _add_label(made, "of every clip (default: the one that the seed alone would have)")
    made.add_argument("--latent-seconds", type=seconds, help="from one latent to the next (default: four clips)")
    made.add_argument("--crossfade-seconds", type=seconds, help="from clip to clip (default: a quarter of a clip)")
    _add_model(made)
    _add_heard(made)


def _sample(adding: Any) -> None:
    made = _connected(adding, "sample", commands.sample, "make features from a seed or from latents")
    _add_model(made)
    _add_drawn(made)
    _add_features(made)


def _decode(adding: Any) -> None:
    made = _connected(adding, "decode", commands.decode, "make features audible")
    words = ".npy of [count, frames, bands(, channels)], or one item without count; or a greyscale PNG"
    _file(made.add_argument("features", help=words))
    _add_model(made)
    _add_sound(made)
    _add_picture(made)
    _add_definition(made)


def _decode_stream(adding: Any) -> None:
    words = "make features audible while they come, over gRPC: by a model that has decode_stream in its operations"
    made = _connected(adding, "decode-stream", stream.decode_stream, words)
    words = ".npy of [frames, bands(, channels)]; - is little-endian float32, one frame after another as they come"
    _file(made.add_argument("features", help=words))
    made.add_argument("--model", required=True, help="name of the model")
    _add_version(made)
    _add_heard(made)


def _analyse(adding: Any) -> None:
    made = _connected(adding, "analyse", commands.analyse, "describe a sound file by the features that decode takes")
    _file(made.add_argument("audio", help="WAV, FLAC, Ogg or MP3 at the model's sample rate"))
    _add_model(made)
    _add_features(made)


def _vary(adding: Any) -> None:
    made = _connected(adding, "vary", commands.vary, "make variations of a sound")
    _file(made.add_argument("audio", help="WAV, FLAC, Ogg or MP3 at the model's sample rate"))
    made.add_argument("--count", type=int, help="how many (default 1)")
    made.add_argument("--distance", type=float, help="from the sound, 0 (like it) to 1 (any sound; default 0.3)")
    made.add_argument("--seed", type=_whole, help="of what is added to the sound (default: one is drawn and told)")
    _add_label(made, "(default: the one that the sound is heard as)")
    _add_model(made)
    _add_sound(made)


def _interpolate(adding: Any) -> None:
    made = _connected(adding, "interpolate", commands.interpolate, "make clips along a path between sounds and seeds")
    made.add_argument("seeds", type=_whole, nargs="*", help="the seeds to pass, after the sounds; two or more of both")
    words = "sound file to pass, of the model's sample rate; may be repeated"
    _file(made.add_argument("--sound", action="append", default=[], metavar="FILE", help=words))
    made.add_argument("--steps", type=int, help="clips in all, both ends included (default 8)")
    _add_label(made, "of every clip (default: the first sound's, or the first seed's)")
    _add_model(made)
    _add_sound(made)


def _render(adding: Any) -> None:
    words = "play a MIDI file with a model whose labels stand for pitches"
    made = _connected(adding, "render", commands.render, words)
    _file(made.add_argument("midi", help="Standard MIDI file of format 0 or 1"))
    _add_model(made)
    made.add_argument("--seed", type=_whole, help="program p sounds as seed + p (default: one is drawn and told)")
    made.add_argument("--programs", type=_seed_map, help="seeds of programs (0 to 127), as in 0:7,40:8")
    made.add_argument("--channels", type=_seed_map, help="seeds of channels (1 to 16), as in 1:7,2:8")
    made.add_argument("--latent-seconds", type=float, help="from one latent to the next; the sound glides (default 4)")
    made.add_argument("--attack-seconds", type=float, help="fade-in of each note (default 0.01)")
    made.add_argument("--release-seconds", type=float, help="fade-out of each note (default 0.3)")
    made.add_argument(
        "--out-of-range", choices=("fold", "skip"), default="fold",
        help="notes that the model lacks move by octaves (fold, the default) or are left out (skip)",
    )  # fmt: skip
    made.add_argument("--percussion", action="store_true", help="play channel 10 too")
    _add_sound(made)


def _models(adding: Any) -> None:
    made = _connected(adding, "models", commands.models, "list what the service has, or all there is to know of one")
    made.add_argument("model", nargs="?", default="", help="name of one model: its contract, as JSON")
    _add_version(made)


def _bench(adding: Any) -> None:
    words = "measure requests a second, and how long each takes"
    made = _connected(adding, "bench", bench.bench, words)
    made.add_argument("--clients", type=_natural, default=4, help="requests at the same time (default %(default)s)")
    made.add_argument("--seconds", type=seconds, default=10.0, help="how long (default %(default)g)")
    made.add_argument("--operation", choices=bench.OPERATIONS, default="generate", help="default %(default)s")
    made.add_argument("--count", type=_natural, default=1, help="clips a request (default %(default)s)")
    _add_label(made, "of every clip (default: one after another)")
    _add_model(made)


def _completion(adding: Any) -> None:
    made = _command(adding, "completion", commands.completion, "print what makes a shell complete commands and options")
    made.add_argument("shell", choices=SHELLS)


def _add_model(made: argparse.ArgumentParser) -> None:
    made.add_argument("--model", default="", help="name of the model (default: the service's default)")
    _add_version(made)


def _add_version(made: argparse.ArgumentParser) -> None:
    words = "version of the model, by its number or a label such as stable (default: the newest)"
    made.add_argument("--version", type=_version, default=0, help=words)


def _add_label(made: argparse.ArgumentParser, words: str) -> None:
    which = made.add_mutually_exclusive_group()
    which.add_argument("--label", default="", help=f"name or index of a label {words}")
    which.add_argument("--pitch", type=float, help="MIDI pitch in place of a label")


def _add_drawn(made: argparse.ArgumentParser) -> None:
    source = made.add_mutually_exclusive_group()
    source.add_argument("--seed", type=_whole, help="of the latents (default: one is drawn and told)")
    _file(source.add_argument("--latents", metavar="FILE", help=".npy of [count, latent size], in place of a seed"))
    made.add_argument("--count", type=int, help="how many (default 1)")
    _add_label(made, "(default: clip i has label seed + i)")


def _add_sound(made: argparse.ArgumentParser) -> None:
    words = "sound file; its suffix chooses the format. Several clips stand one after another"
    _file(made.add_argument("-o", "--output", required=True, metavar="FILE", help=words))
    made.add_argument("--format", choices=FORMATS, help="of the file, whatever its suffix (of - wav)")
    made.add_argument("--split", action="store_true", help="a file for each clip: seven-0000.wav and so on")


def _add_heard(made: argparse.ArgumentParser) -> None:
    words = "sound file; its suffix chooses the format. - can be played at once, as by `| aplay`"
    _file(made.add_argument("-o", "--output", required=True, metavar="FILE", help=words))
    made.add_argument("--format", choices=FORMATS, help="of the file, whatever its suffix (of - wav)")


def _add_features(made: argparse.ArgumentParser) -> None:
    _file(made.add_argument("-o", "--output", required=True, metavar="FILE", help=".npy file of the features"))


def _add_picture(made: argparse.ArgumentParser) -> None:
    picture = made.add_argument_group("of a picture, which has a frame a column and a band a row")
    picture.add_argument("--black", type=float, help="value that black stands for (default: what the picture says)")
    picture.add_argument("--white", type=float, help="value that white stands for")
    picture.add_argument("--low", choices=("bottom", "top"), default="bottom", help="low frequencies (default bottom)")


def _add_definition(made: argparse.ArgumentParser) -> None:
    words = "how a mel was computed that no model here made; with any of these the model is griffin-lim"
    given = made.add_argument_group("definition", words)
    given.add_argument("--sample-rate-hz", type=int, metavar="HZ", help="samples a second (22050)")
    given.add_argument("--n-fft", type=int, metavar="N", help="length of the FFT, even (2048)")
    given.add_argument("--window-samples", type=int, metavar="N", help="length of the Hann window (that of the FFT)")
    given.add_argument("--hop-samples", type=int, metavar="N", help="from frame to frame (a quarter of the FFT)")
    given.add_argument("--n-mels", type=int, metavar="N", help="bands (as many as there are)")
    given.add_argument("--fmin-hz", type=float, metavar="HZ", help="lower end of the bands (0)")
    given.add_argument("--fmax-hz", type=float, metavar="HZ", help="upper end of the bands (half the sample rate)")
    given.add_argument("--power", type=int, choices=(1, 2), help="1: mel of magnitudes, 2: of power (2)")
    given.add_argument("--mel-scale", choices=("slaney", "htk"), help="slaney")
    given.add_argument("--mel-norm", choices=("slaney", "none"), help="filters of equal area, or peaks of 1 (slaney)")
    given.add_argument("--log", choices=("db", "log10", "ln", "linear"), help="which logarithm the values are (db)")
    for option, words in (
        ("--scale-from", "two values that stand for those of --scale-to, as -1 1"),
        ("--scale-to", "logarithms of mel, as -80 0; the lower one is silence"),
    ):
        given.add_argument(option, nargs=2, type=float, metavar=("A", "B"), help=words)
    made.add_argument("--iterations", type=int, help="of griffin-lim (16)")
    made.add_argument("--peak", type=float, help="of griffin-lim: largest sample (as loud as the features say)")


def _file(argument: argparse.Action) -> None:
    vars(argument)["complete"] = FILE  # for the shell


def _version(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _natural(text: str) -> int:
    if not _whole(text):
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def _seed_map(text: str) -> dict[int, int]:
    """Read 0:7,40:8 as {0: 7, 40: 8}."""
    pairs = [entry.partition(":") for entry in text.split(",")]
    return {_whole(number.strip()): _whole(seed.strip()) for number, _, seed in pairs}
