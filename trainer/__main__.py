"""Command line of the trainer: python -m trainer COMMAND; --help lists the commands."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from trainer.commands import import_weights
from trainer.errors import LatentoneError

EPILOG = """examples:
  python -m trainer train                                   the built-in notes, no download
  python -m trainer train --recipe digits --corpus sounds/  your own folder, labels from its sub-folders
  python -m trainer train --resume runs/notes-quickstart-1  go on where a run stopped
  python -m trainer generate models/digits/1 --label 7      make sounds without a server
"""


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    root = argparse.ArgumentParser(
        prog="python -m trainer",
        description="Fit a generator to a folder of recordings and export it for the service.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    prepare = commands.add_parser(
        "prepare",
        help="cut recordings into clips, once",
        description="Decode, resample and cut a corpus into clips of one length; nothing is prepared twice.",
    )
    _add_recipe(prepare)
    _add_corpus(prepare)
    _add_dry_run(prepare)

    train = commands.add_parser(
        "train",
        help="train a generator",
        description="Prepare a corpus if need be and train on it. Ctrl-C saves and ends; --resume goes on.",
    )
    _add_recipe(train)
    train.add_argument(
        "--features-of",
        type=Path,
        metavar="RUN_OR_MODEL",
        help="train a vocoder for the mel features of a generator, such as models/digits: audio and representation are "
        "taken from there",
    )
    _add_corpus(train)
    train.add_argument("--steps", type=int, metavar="N", help="stop after N generator steps")
    train.add_argument(
        "--minutes", type=float, metavar="M", help="stop after M minutes of training (default: the recipe's)"
    )
    train.add_argument("--seed", type=int, metavar="N", help="seed of weights and batches (default: 0)")
    train.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of runs (default: runs)")
    train.add_argument("--run", metavar="NAME", help="name of the run's folder (default: <corpus>-<recipe>-<number>)")
    train.add_argument(
        "--resume",
        type=Path,
        metavar="RUN",
        help="go on with a run; --steps or --minutes give it a new budget",
    )
    train.add_argument(
        "--device",
        choices=("auto", "cpu", "gpu"),
        default="auto",
        help="gpu: an error where there is none (default: auto)",
    )
    _add_samples(train)
    train.add_argument("--export", type=Path, metavar="MODELS", help="export the result into this folder of models")
    train.add_argument("--name", help="name of the exported model (default: <corpus>-<recipe>)")
    _add_vocoder(train)
    _add_dry_run(train)

    evaluate = commands.add_parser(
        "evaluate",
        help="score a run or a model, with a report to look at and listen to",
        description="Score samples by every measure that fits the corpus, beside what held-out clips reach, and write "
        "scores.json and report.html.",
    )
    evaluate.add_argument("source", type=Path, metavar="RUN_OR_MODEL", help="runs/<name> or models/<name>/<version>")
    _add_evaluation(evaluate)
    evaluate.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of the report (default: the run's, or reports/<model>)"
    )
    evaluate.add_argument(
        "--update-card", action="store_true", help="write the scores into the model's contract and card"
    )

    compare = commands.add_parser(
        "compare",
        help="score several runs or models, side by side in one report",
        description="Same corpus, same seed, same number of samples, one page.",
    )
    compare.add_argument("sources", type=Path, nargs="+", metavar="RUN_OR_MODEL", help="two or more")
    _add_evaluation(compare)
    compare.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("reports/compare"),
        metavar="DIR",
        help="folder of the report (default: reports/compare)",
    )

    _add_encode(commands)

    export = commands.add_parser(
        "export",
        help="export a run as a SavedModel",
        description="Write models/<name>/<next version>/ with contract and card, whole or not at all.",
    )
    export.add_argument(
        "source",
        type=Path,
        metavar="RUN_OR_MODEL",
        help="runs/<name>; with --vocoder also a generator's models/<name>, whose decoder is replaced",
    )
    _add_vocoder(export)
    export.add_argument(
        "--models",
        type=Path,
        default=Path("models"),
        metavar="DIR",
        help="folder of models (default: models)",
    )
    export.add_argument("--name", help="name of the model (default: <corpus>-<recipe>, or the model's own)")
    _add_dry_run(export)

    imported = commands.add_parser(
        "import",
        help="export weights that others have published",
        description="Read a checkpoint of the original's own PyTorch code, check every name and shape in it, and write "
        "models/<name>/<next version>/ with contract and card. No code in the file is run. It is read by torch, which "
        "nothing else needs; where it is missing, the answer says how to install it.",
    )
    import_weights.add_options(imported)
    _add_dry_run(imported)

    generate = commands.add_parser(
        "generate",
        help="make sounds as WAV files",
        description="Make sounds from a run or a model, without a server.",
    )
    generate.add_argument("source", type=Path, metavar="RUN_OR_MODEL", help="runs/<name> or models/<name>/<version>")
    generate.add_argument("--count", type=int, default=1, metavar="N", help="how many (default: 1)")
    generate.add_argument("--label", help="which label (default: all in turn)")
    generate.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the same seed makes the same sounds (default: 0)"
    )
    generate.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("sounds"),
        metavar="DIR",
        help="folder for the WAV files (default: sounds)",
    )
    return root


def _add_recipe(command: argparse.ArgumentParser) -> None:
    from trainer.recipes import RECIPES

    listed = "; ".join(f"{name}: {recipe.summary}" for name, recipe in RECIPES.items())
    command.add_argument("--recipe", default="quickstart", metavar="NAME", help=f"{listed} (default: quickstart)")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the recipe, such as game.r1_weight=0.5; --dry-run lists all; may be repeated",
    )


def _add_corpus(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--corpus",
        default="notes",
        metavar="PATH",
        help="folder of recordings, a SoundFont (.sf2), a prepared corpus, or 'notes', the built-in synthesiser "
        "(default: notes)",
    )
    command.add_argument(
        "--layout", metavar="NAME", help="folder, urbansound8k, nsynth, fsdd or soundfont (default: detected)"
    )
    command.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="option of the layout: classes=dog_bark,siren (urbansound8k), pattern='(?P<label>[a-z]+)_.*' (folder), "
        "label=pitch (folder, nsynth, notes, soundfont), programs=violin,flute seconds=4 (soundfont), "
        "count=500 (notes) and others; may be repeated",
    )
    command.add_argument(
        "--corpora",
        type=Path,
        default=Path("corpora"),
        metavar="DIR",
        help="folder of prepared corpora (default: corpora)",
    )
    command.add_argument("--workers", type=int, metavar="N", help="processes that prepare (default: one a core)")


def _add_evaluation(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--corpus", metavar="PREPARED", help="prepared corpus (default: the one the first run was trained on)"
    )
    _add_samples(command)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the latents (default: 0)")
    command.add_argument(
        "--embedding",
        default="auto",
        metavar="NAME",
        help="in which distances are taken: labels (a classifier of the corpus' labels, trained once), log-mel "
        "(statistics), inception (photographs; downloads 92 MB), or the folder of a SavedModel "
        "(default: labels where they are classes, else log-mel)",
    )


def _add_encode(commands: Any) -> None:
    encode = commands.add_parser(
        "encode",
        help="train the way back from a sound to its latent",
        description="Train an encoder for a run's generator, score it on held-out clips and keep it in its folder "
        "for export: the service can vary sounds then. Ctrl-C saves and ends; the same command goes on.",
    )
    encode.add_argument("run", type=Path, metavar="RUN", help="runs/<name>")
    encode.add_argument(
        "--minutes", type=float, default=5.0, metavar="M", help="stop after M minutes of training (default: 5)"
    )
    encode.add_argument("--corpus", metavar="PREPARED", help="prepared corpus (default: the one that the run names)")


def _add_samples(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--samples", type=int, default=1000, metavar="N", help="how many sounds to make and score (default: 1000)"
    )


def _add_vocoder(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--vocoder",
        type=Path,
        metavar="RUN_OR_MODEL",
        help="decode the exported generator by a vocoder, such as models/digits-vocos, in the place of Griffin-Lim",
    )


def _add_dry_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dry-run", action="store_true", help="say what would be done and do nothing")


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns: 0; 1 where the person can mend something (the text says how); 130 after Ctrl-C.
    """
    options = parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up chatter
    if getattr(options, "device", "auto") == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ["JAX_PLATFORMS"] = "cpu"
    from trainer import commands

    try:
        return commands.run(options)
    except LatentoneError as error:
        print(f"python -m trainer {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
