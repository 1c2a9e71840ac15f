"""The model card: what a person should know before using the sounds."""

from __future__ import annotations

from typing import Any

PICTURE = "preview.png"
DECODING = {
    "log_mel": "Sound is decoded from a mel spectrogram without phase: expect the metallic colour of Griffin-Lim.",
    "log_spectrogram": "Sound is decoded from a spectrogram without phase: expect the metallic colour of Griffin-Lim.",
    "phase": "The network makes phase beside magnitude: expect clear harmonics, and some roughness where sounds begin.",
    None: "The network makes samples, without a spectrogram between: expect some noise above the sound.",
}

SOURCES = {"melgan": "MelGAN as published (Kumar et al. 2019, github.com/descriptinc/melgan-neurips)"}


def render(contract: dict[str, Any], *, has_picture: bool) -> str:
    """Markdown of the card of a contract. has_picture: whether preview.png lies beside it."""
    origin = _imported(contract) if contract.get("imported") else _trained(contract)
    text = f"""# {contract["name"]}, version {contract["version"]}

{_what(contract)}

| | |
|---|---|
{origin}{_vocoder_row(contract)}
| made with | {", ".join(f"{name} {version}" for name, version in contract["made_with"].items())} |

## Make it again

{_commands(contract)}

## Scores

{_scores(contract["scores"])}
{_encoder(contract)}
## Limits

{_limits(contract)}
{"".join(_permission(licence) for licence in _licences(contract))}"""
    made = "decoded" if contract["kind"] == "vocoder" else "generated"
    return text + f"\n![Spectrograms, {made} above and real below]({PICTURE})\n" if has_picture else text


def _origin(contract: dict[str, Any]) -> dict[str, Any]:
    """What tells how it was made: the import of a checkpoint, or the recipe of a run."""
    origin: dict[str, Any] = contract.get("imported") or contract["recipe"]
    return origin


def _licences(contract: dict[str, Any]) -> list[str | None]:
    """Of what it was made from, and of its vocoder where that is another."""
    made_from = [contract.get("imported") or contract["corpus"], contract.get("vocoder")]
    return list(dict.fromkeys(each["licence"] for each in made_from if each))


def _commands(contract: dict[str, Any]) -> str:
    """What makes it again, its vocoder first."""
    vocoder = contract.get("vocoder") or {}
    commands = (vocoder.get("command"), _origin(contract)["command"])
    return "\n".join(f"    {line}" for command in commands if command for line in command.splitlines())


def _vocoder_title(vocoder: dict[str, Any]) -> str:
    """Such as digits-vocos, version 1 (vocos)."""
    version = "" if vocoder["version"] is None else f", version {vocoder['version']}"
    return f"{vocoder['name']}{version} ({vocoder['architecture']})"


def _vocoder_row(contract: dict[str, Any]) -> str:
    """Row on the vocoder, where there is one."""
    vocoder = contract.get("vocoder")
    if not vocoder:
        return ""
    corpus = f"trained on {vocoder['corpus']}" if vocoder["corpus"] else "imported"
    digests = ", ".join(f"{name} `{digest[7:19]}`" for name, digest in vocoder["files"].items())
    licence = vocoder["licence"] or "not stated: yours to settle"
    return (
        f"\n| vocoder | {_vocoder_title(vocoder)}, {corpus}; {digests} |"
        f"\n| licence of the vocoder, and so of this model | {licence} |"
    )


def _trained(contract: dict[str, Any]) -> str:
    """Rows on the run."""
    corpus, recipe = contract["corpus"], contract["recipe"]
    return f"""\
| corpus | {corpus["name"]}, {corpus["clips"]} clips (fingerprint `{corpus["fingerprint"][:12]}`) |
| licence of the corpus, and so of this model | {corpus["licence"] or "not stated by the corpus: yours to settle"} |
| recipe | {recipe["name"]}, {recipe["steps"]} steps of {recipe["batch"]} |
| training | {recipe["minutes"]:.0f} minutes on {recipe["device"]}, Keras on {recipe["backend"]} |"""


def _imported(contract: dict[str, Any]) -> str:
    """Rows on the file."""
    imported = contract["imported"]
    return f"""\
| weights | imported from `{imported["file"]}`: by names and shapes {SOURCES[contract["architecture"]]} |
| SHA-256 of the file | `{imported["sha256"]}` |
| licence of the weights, and so of this model | {imported["licence"] or "not stated: yours to settle"} |
| training | elsewhere; neither its corpus nor its length is in the file |"""


def _what(contract: dict[str, Any]) -> str:
    """What it is, from what, of which clips."""
    audio = contract["audio"]
    channels = "mono" if audio["channels"] == 1 else "stereo"
    seconds, rate = audio["clip_samples"] / audio["sample_rate_hz"], f"{audio['sample_rate_hz']} Hz"
    clip = f"{seconds:.2f} s of {channels} sound at {rate}"
    if contract["kind"] == "vocoder":
        features, reach = contract["features"], contract["reach"]
        clips = f"at {rate}" if contract.get("imported") else f"its clips were\n{clip}"
        return (
            f"A {contract['architecture']} vocoder: {features['n_mels']} mel bands every {features['hop_samples']} "
            f"samples to sound, any number of frames; {clips}. What is heard during a frame is decided "
            f"by it, {reach['past_frames']} frames before and {reach['future_frames']} after it. It takes features as "
            "its own signature `analyse` gives them, and no others."
        )
    latent, labels = contract["latent"], ", ".join(contract["labels"]) or "none"
    made_from = f"{latent['size']} {latent['distribution']} numbers"
    return f"A {contract['architecture']} generator: {clip} from\n{made_from}. Labels: {labels}."


def _limits(contract: dict[str, Any]) -> str:
    """What to expect."""
    if contract.get("imported"):
        return (
            "It decodes sounds like those that its weights were trained on; of others it loses what it has not heard.\n"
            "Its arithmetic is the original's: silence is not quite silent, and sounds may click where they end."
        )
    if contract["kind"] == "vocoder":
        return "It decodes sounds like those of its corpus; of others it loses what it has not heard."
    own = "It makes sounds like those of its corpus and nothing else; labels are what the corpus calls its clips."
    if contract.get("vocoder"):
        return f"{own}\nSound is decoded from a mel spectrogram by the vocoder {_vocoder_title(contract['vocoder'])}."
    return f"{own}\n{DECODING[contract['features']['kind'] if contract['features'] else None]}"


def _permission(licence: str | None) -> str:
    """What a licence of the Creative Commons forbids, said where people look."""
    commercial = "NC" not in (licence or "").upper().replace("-", " ").split()
    return "" if commercial else f"\n**Not for commercial use**: {licence} forbids it.\n"


def _scores(scores: dict[str, Any]) -> str:
    if not scores:
        return "Not evaluated."
    is_vocoder = "embedding" not in scores
    beside = "samples (95 %) | real held-out clips" if not is_vocoder else "decoded clips (95 %) | Griffin-Lim"
    lines = [f"| measure | {beside} | good is |", "|---|---|---|---|"]
    lines += [_row(score) for score in scores["measures"] if score["value"] is not None]
    lines += [f"\n{sentence}" for sentence in scores["warnings"]]
    if is_vocoder:
        lines.append(f"\n{scores['samples']} held-out clips, analysed and decoded; Griffin-Lim had the same features.")
        return "\n".join(lines)
    embedding = f"{scores['embedding']['name']} `{scores['embedding']['digest']}`"
    lines.append(
        f"\n{scores['samples']} samples, seed {scores['seed']}, embedding {embedding}. Distances depend on the number "
        "of clips: in brackets, what as many samples reach as there are held-out clips."
    )
    return "\n".join(lines)


def _encoder(contract: dict[str, Any]) -> str:
    """What is left of held-out clips after encode and generate."""
    encoder = contract.get("encoder")
    if not encoder:
        return ""
    heading = "| measure | encoded held-out clips (95 %) | beside | good is |"
    lines = ["", "## Encoder", "", heading, "|---|---|---|---|"]
    for score in encoder["measures"]:
        if score["value"] is not None:
            (floor,) = score["floors"]
            spread = f"{score['value']:.3g} ({score['interval'][0]:.3g} to {score['interval'][1]:.3g})"
            beside = f"{floor['value']:.3g}, {floor['title']}"
            lines.append(f"| {score['title']} | {spread} | {beside} | {score['better']} |")
    if "steps" not in encoder:
        lines.append("\nA part of the generator, trained with it, and scored by `python -m trainer encode runs/RUN`.\n")
        return "\n".join(lines)
    command = f"python -m trainer encode runs/RUN --minutes {encoder['minutes']:g}"
    lines.append(f"\nTrained after the generator, {encoder['steps']} steps, by `{command}`, and exported with it.\n")
    if contract.get("vocoder"):
        lines.append("These sounds were decoded by Griffin-Lim, not by the vocoder.\n")
    return "\n".join(lines)


def _row(score: dict[str, Any]) -> str:
    interval = f" ({score['interval'][0]:.3g} to {score['interval'][1]:.3g})" if score["interval"] else ""
    floor = score["floors"][0] if score["floors"] else None
    beside = f"{floor['value']:.3g}" + (f" ({floor['own']:.3g})" if "own" in floor else "") if floor else ""
    good = {"floor": "as real clips are"}.get(score["better"], score["better"])
    value = f"{score['value']:.3g} {score['unit']}".strip()
    return f"| {score['title']} | {value}{interval} | {beside} | {good} |"
