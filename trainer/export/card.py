"""The model card: what a person should know before using the sounds."""

from __future__ import annotations

from typing import Any


def render(contract: dict[str, Any], command: str) -> str:
    """Markdown of the card, from the contract and the command that makes the model again."""
    corpus, recipe, audio = contract["corpus"], contract["recipe"], contract["audio"]
    seconds = audio["clip_samples"] / audio["sample_rate_hz"]
    labels = ", ".join(contract["labels"]) or "none"
    return f"""# {contract["name"]}, version {contract["version"]}

A {contract["architecture"]} generator: {seconds:.2f} s of mono sound at {audio["sample_rate_hz"]} Hz from
{contract["latent"]["size"]} normal numbers. Labels: {labels}.

| | |
|---|---|
| corpus | {corpus["name"]}, {corpus["clips"]} clips (fingerprint `{corpus["fingerprint"][:12]}`) |
| licence of the corpus, and so of this model | {corpus["licence"] or "not stated by the corpus: yours to settle"} |
| recipe | {recipe["name"]}, {recipe["steps"]} steps of {recipe["batch"]} |
| training | {recipe["minutes"]:.0f} minutes on {recipe["device"]}, Keras on {recipe["backend"]} |
| made with | {", ".join(f"{name} {version}" for name, version in contract["made_with"].items())} |

## Make it again

    {command}

## Scores

{_scores(contract["scores"])}

## Limits

It makes sounds like those of its corpus and nothing else; labels are what the corpus calls its clips. Sound is decoded
from a mel spectrogram without phase, so expect the slight metallic colour of Griffin-Lim.
"""


def _scores(scores: dict[str, Any]) -> str:
    if not scores:
        return "Not evaluated."
    rows = [
        ("class accuracy (independent classifier)", "class_accuracy", "class_accuracy_of_held_out"),
        (
            "Frechet distance to the training clips (classifier's embedding)",
            "frechet_distance",
            "frechet_distance_of_held_out",
        ),
    ]
    lines = ["| measure | samples | real held-out clips |", "|---|---|---|"]
    lines += [f"| {title} | {scores[own]:.3f} | {scores[floor]:.3f} |" for title, own, floor in rows]
    lines.append(f"| diversity within a class, real = 1 | {scores['class_diversity']:.3f} | |")
    lines.append(f"\n{scores['samples']} samples, seed {scores['seed']}, classifier `{scores['classifier']}`.")
    return "\n".join(lines)
