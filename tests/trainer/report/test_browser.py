"""The page in a real browser: Debian's Chromium, from disk, with nothing to ask a network for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.report import material
from trainer.report.page import write

CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip(
        "chromium is not installed: apt-get install chromium; the report page was NOT checked in a browser",
        allow_module_level=True,
    )
sync_api = pytest.importorskip(
    "playwright.sync_api",
    reason="playwright is not installed: make install; the report page was NOT checked in a browser",
)

PLAYING = re.compile("is-playing")
ENDED = "sound => new Promise(done => sound.addEventListener('ended', () => done(sound.currentTime), {once: true}))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of one subject, with a label that is markup, and a comparison of two; screenshots land beside them."""
    folder = tmp_path_factory.mktemp("pages")
    evil = material.clip("fm", 60, title="<img src=x onerror=window.broken=1><script>window.broken=1</script>")
    clips = [*(material.clip(family, 60) for family in material.FAMILIES), evil]
    write(folder / "report.html", [material.subject(generated=clips, real=clips)], "Evaluation")
    wide = {"game": {"a_rather_long_name_of_a_field_that_somebody_chose": "and_a_rather_long_value_without_a_space"}}
    both = [material.subject("runs/first-of-the-two"), material.subject("second", pitch=64, configuration=wide)]
    write(folder / "comparison.html", both, "Comparison")
    return {path.stem: path for path in folder.glob("*.html")}


@pytest.fixture
def report(pages: dict[str, Path]) -> Path:
    return pages["report"]


class Visit:
    """A page that was opened, with everything that went wrong on it."""

    def __init__(self, browser: Any, path: Path, *, theme: str = "light", width: int = 1280) -> None:
        self.wrong: list[str] = []
        self.context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.wrong.append(f"console {message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url[:80]}"))
        self.page.on("request", lambda request: self._judge(request.url, path.as_uri()))
        self.page.goto(path.as_uri())
        self.page.wait_for_load_state("load")

    def _judge(self, url: str, own: str) -> None:
        if url != own and not url.startswith(("data:", "blob:")):
            self.wrong.append(f"request: {url}")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_error: object) -> None:
        self.context.close()


@pytest.mark.parametrize("name", ["report", "comparison"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_opens_from_disk_and_asks_for_nothing(
    pages: dict[str, Path], name: str, theme: str, width: int, browser: Any
) -> None:
    shot = pages[name].with_name(f"{name}-{theme}-{width}.png")
    with Visit(browser, pages[name], theme=theme, width=width) as visit:
        undecoded = visit.page.evaluate("[...document.images].filter(i => !(i.complete && i.naturalWidth)).length")
        beyond = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        visit.page.screenshot(path=shot, full_page=True)
        assert visit.page.evaluate("document.images.length") > 10
        assert undecoded == 0
        assert beyond <= 0, f"the page is {beyond} pixels wider than the window"
        assert visit.wrong == []


def test_a_sound_plays_to_its_end(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        control = visit.page.locator("audio").first
        sound = control.element_handle()
        control.click(position={"x": 20, "y": 18})  # the browser's own play button
        assert sound.evaluate(ENDED) == pytest.approx(4_096 / 8_000, abs=0.02)
        assert sound.evaluate("sound => sound.ended && sound.error === null")
        assert visit.wrong == []


def test_every_sound_can_be_decoded(browser: Any, pages: dict[str, Path]) -> None:
    with Visit(browser, pages["comparison"]) as visit:
        seconds = visit.page.evaluate(
            """Promise.all([...document.querySelectorAll("audio")].map(sound => new Promise((done, failed) => {
                sound.addEventListener("loadedmetadata", () => done(sound.duration));
                sound.addEventListener("error", () => failed(sound.error.message));
                sound.preload = "metadata";
            })))"""
        )
        assert seconds == pytest.approx([4_096 / 8_000] * len(seconds))
        assert len(seconds) == 13
        assert visit.wrong == []


def test_a_click_on_a_picture_plays_it_and_stops_the_other(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        first, second = visit.page.locator(".picture").nth(0), visit.page.locator(".picture").nth(1)
        playing = (
            "[...document.querySelectorAll('audio')].map((sound, at) => sound.paused ? -1 : at).filter(at => at >= 0)"
        )
        first.click()
        sync_api.expect(first).to_have_class(PLAYING)
        assert visit.page.evaluate(playing) == [0]
        second.click()
        sync_api.expect(second).to_have_class(PLAYING)
        assert visit.page.evaluate(playing) == [1]
        assert visit.wrong == []


def test_a_label_that_is_markup_does_nothing(browser: Any, report: Path) -> None:
    with Visit(browser, report) as visit:
        assert visit.page.evaluate("window.broken") is None
        assert visit.page.get_by_role("heading", name="<img src=x").count() == 1
        assert visit.wrong == []


def test_the_policy_stops_a_request_that_slips_in(browser: Any, report: Path, tmp_path: Path) -> None:
    """And the listeners of these tests would see it."""
    text = report.read_text("utf-8").replace("</main>", '<img src="https://example.invalid/pixel.png"></main>')
    (tmp_path / "bad.html").write_text(text, "utf-8")
    with Visit(browser, tmp_path / "bad.html") as visit:
        assert any("Content Security Policy" in line for line in visit.wrong)


def test_dark_and_light_have_charts_of_their_own(browser: Any, report: Path) -> None:
    sources, grounds = [], []
    for theme in ("light", "dark"):
        with Visit(browser, report, theme=theme) as visit:
            sources.append(visit.page.evaluate("document.querySelector('.chart img').currentSrc"))
            grounds.append(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert sources[0] != sources[1]
    assert grounds == ["rgb(246, 245, 249)", "rgb(18, 16, 26)"]
