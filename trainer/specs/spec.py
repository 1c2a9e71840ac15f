"""The base of the frozen specifications: plain JSON out, checked values back in, one field changed from text.

Data flows one way: a recipe holds a RunSpec, the command line replaces fields of it, and the resolved RunSpec is
written to the run's folder and travels in the exported contract.
"""

from __future__ import annotations

import ast
import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from trainer.errors import SpecError, check, unknown

if TYPE_CHECKING:
    from trainer.specs.run import RunSpec

KIND = "kind"  # field that tells the members of a union of specifications apart


class Spec:
    """Base of the frozen specifications: plain JSON out, checked values back in."""

    def to_json(self) -> dict[str, Any]:
        """Return nested plain dictionaries that `from_json` takes."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Build the specification from what `to_json` gave.

        Raises: SpecError for a field that is unknown or whose value is refused.
        """
        hints = typing.get_type_hints(cls)
        for name in values:
            check(name in hints, f"{cls.__name__}: {unknown('field', name, hints)}")
        return cls(**{name: _revive(hints[name], value) for name, value in values.items()})

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


def _revive(hint: Any, value: Any) -> Any:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if isinstance(value, Mapping):
        specs = [option for option in options if isinstance(option, type) and issubclass(option, Spec)]
        return (specs[0] if len(specs) == 1 else _member(specs, value)).from_json(value) if specs else value
    if isinstance(value, list) and any(typing.get_origin(option) is tuple for option in options):
        return tuple(value)
    return value


def _member(specs: list[type[Spec]], value: Mapping[str, Any]) -> type[Spec]:
    kinds = {getattr(spec, KIND): spec for spec in specs}
    kind = value.get(KIND, getattr(specs[0], KIND))  # written before there were several: the first
    check(kind in kinds, unknown(KIND, str(kind), kinds))
    return kinds[kind]


def differences(before: RunSpec, after: RunSpec) -> tuple[str, ...]:
    """Every field that differs, as text that `override` takes; the kinds of sections are a recipe's own."""
    old, new = before.to_json(), after.to_json()
    return tuple(
        f"{section}.{name}={value}"
        for section, fields in new.items()
        if isinstance(fields, dict)
        for name, value in fields.items()
        if name != KIND and value != old[section].get(name)
    )


def override(spec: RunSpec, text: str) -> RunSpec:
    """Return `spec` with one field changed, from text such as "game.critic_learning_rate=3e-4".

    Raises: SpecError naming the field and what is known.
    """
    path, separator, value = text.partition("=")
    check(bool(separator), f"--set {text}: write FIELD=VALUE, such as game.critic_learning_rate=3e-4")
    check(not path.endswith(f".{KIND}"), f"--set {text}: a recipe decides its {KIND}; see --recipe for others")
    section, _, name = path.rpartition(".")
    target: Any = getattr(spec, section, None) if section else spec
    check(target is not None or section not in vars(spec), f"--set {path}: recipe {spec.recipe} has no {section}")
    fields = list(typing.get_type_hints(type(target))) if isinstance(target, Spec) else []
    check(name in fields, f"--set {path}: {unknown('field', name if fields else section, fields or vars(spec))}")
    try:
        parsed = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        parsed = value  # a word
    current = getattr(target, name)
    fits = (
        current is None
        or parsed is None
        or isinstance(parsed, type(current))
        or (isinstance(current, float) and isinstance(parsed, int))
    )
    check(fits, f"--set {text}: {name} is of type {type(current).__name__}, such as {current}")
    try:
        changed = target.replace(**{name: parsed})
    except TypeError as error:  # a comparison with a value of the wrong kind
        raise SpecError(f"--set {text}: {error}") from None
    return spec.replace(**{section: changed}) if section else changed
