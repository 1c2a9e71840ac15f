"""The colours of a page, light and dark, stated once for the style sheet and the charts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours as #rrggbb. series: one for each subject of a comparison, told apart by colour-blind people too."""

    paper: str
    surface: str
    ink: str
    muted: str
    line: str
    accent: str
    good: str
    caution: str
    caution_paper: str
    series: tuple[str, ...]


LIGHT = Theme(
    paper="#f6f5f9",
    surface="#ffffff",
    ink="#1e1a2b",
    muted="#665f75",
    line="#e3dfea",
    accent="#9c2f7f",
    good="#0b7261",
    caution="#8a4b08",
    caution_paper="#fdf3e3",
    series=("#a8327d", "#2669b0", "#0c8070", "#c25a12", "#6a4fc4", "#7d6b14"),
)
DARK = Theme(
    paper="#12101a",
    surface="#1b1825",
    ink="#ece9f2",
    muted="#a59eb5",
    line="#322d40",
    accent="#f08fc4",
    good="#63d2bd",
    caution="#f2c27f",
    caution_paper="#2b2219",
    series=("#f283bd", "#74b3f5", "#52cdb7", "#f5a05f", "#b29df7", "#d9c35c"),
)


def series_index(position: int) -> int:
    """Colour of the subject or signal at `position`; they repeat."""
    return position % len(LIGHT.series)


def style() -> str:
    """Custom properties of both themes and a class for each series, as CSS."""
    light, dark = (f":root {{ {_properties(theme)} }}\n" for theme in (LIGHT, DARK))
    series = [f".series-{index} {{ --series: var(--series-{index}); }}\n" for index in range(len(LIGHT.series))]
    return f"{light}@media (prefers-color-scheme: dark) {{ {dark} }}\n{''.join(series)}"


def _properties(theme: Theme) -> str:
    names = ("paper", "surface", "ink", "muted", "line", "accent", "good", "caution", "caution_paper")
    plain = [f"--{name.replace('_', '-')}: {getattr(theme, name)};" for name in names]
    return " ".join(plain + [f"--series-{index}: {colour};" for index, colour in enumerate(theme.series)])
