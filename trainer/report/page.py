"""The page: views of the subjects, a template, and a policy that forbids the page any request."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from trainer.files import atomic
from trainer.report import theme
from trainer.report.charts import chart_uri
from trainer.report.confusion import confusion_of
from trainer.report.corpora import accounts_of
from trainer.report.curves import Plot, plots_of
from trainer.report.formats import integer
from trainer.report.listening import beside_nearest, beside_real
from trainer.report.scores import score_table
from trainer.report.sheets import circumstances_of, configuration_of
from trainer.report.spectrograms import scale_uri
from trainer.report.subject import Subject
from trainer.report.summary import differences, summary_of, warnings_of

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Chart:
    """A plot drawn for both themes, as data URIs."""

    plot: Plot
    light: str
    dark: str


def write(path: Path, subjects: Sequence[Subject], title: str) -> None:
    """Write the page to `path`, whole or not at all."""
    page = render(subjects, title=title).encode()
    with atomic(path) as file:
        file.write(page)


def render(subjects: Sequence[Subject], *, title: str) -> str:
    """One HTML page that needs no other file and no network: a report of one subject, a comparison of several.

    Raises: ValueError without a subject.
    """
    if not subjects:
        raise ValueError("a report needs a subject")
    style = theme.style() + (TEMPLATES / "page.css").read_text("utf-8")
    script = (TEMPLATES / "page.js").read_text("utf-8")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            policy=_policy(style, script),
            subjects=subjects,
            summaries=[summary_of(subject) for subject in subjects],
            warnings=warnings_of(subjects),
            families=score_table(subjects, ranked=not differences(subjects)),
            cards=beside_real(subjects),
            nearest=[(item.name, beside_nearest(item, place)) for place, item in enumerate(subjects) if item.nearest],
            scale=scale_uri(),
            confusions=[drawing for drawing in map(confusion_of, subjects) if drawing],
            charts=[_chart(plot) for plot in plots_of(subjects)],
            configuration=configuration_of(subjects),
            accounts=accounts_of(subjects),
            circumstances=circumstances_of(subjects),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["integer"] = integer
    environment.globals["series_index"] = theme.series_index
    return environment


def _chart(plot: Plot) -> Chart:
    return Chart(plot, chart_uri(plot, theme.LIGHT), chart_uri(plot, theme.DARK))


def _policy(style: str, script: str) -> str:
    """Content security policy: nothing but this style, this script and data URIs, whatever a label may hold."""
    return (
        "default-src 'none'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
