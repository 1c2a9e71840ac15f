"""What browsers are told: headers on every answer, CORS for stated origins, and the docs page in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.conftest import LIMITS, Server

ORIGIN = LIMITS["cors_origins"]
STRANGER = "http://stranger.test"
CHROMIUM = shutil.which("chromium")
ASK = """url => fetch(url, {
    method: "POST", body: '{"seed": 3}', headers: {"content-type": "application/json", "x-request-id": "from-a-page"}
}).then(async answer => [
    ...["x-latentone-model", "server-timing", "x-request-id"].map(name => answer.headers.get(name)),
    (await answer.arrayBuffer()).byteLength,
]).catch(() => ["refused"])"""

SLIP = """() => {
    const script = document.createElement("script");
    script.text = "window.broken = 1";
    document.body.append(script);
    new Image().src = "http://stranger.test/pixel.png";
}"""


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/generate"),
        ("POST", "/v1/generate?count=0"),
        ("POST", "/generate"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/tiny/metadata"),
        ("GET", "/v2"),
        ("GET", "/"),
        ("GET", "/docs.json"),
        ("GET", "/static_content/swagger-ui.css"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
        ("PUT", "/v1/generate"),
        ("OPTIONS", "/v1/generate"),
    ],
)
def test_every_answer_tells_browsers_to_be_careful(disk_server: Server, method: str, path: str) -> None:
    headers = disk_server.http.request(method, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert ("script-src" in policy) == (path == "/")
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def preflight(server: Server, origin: str, method: str = "POST", sent: str = "authorization,content-type") -> Any:
    asked = {"access-control-request-method": method, "access-control-request-headers": sent}
    return server.http.options("/v1/generate", headers={"origin": origin, **asked})


def test_pages_of_a_stated_origin_may_ask(disk_server: Server) -> None:
    answer = preflight(disk_server, ORIGIN)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    for path in ("/v1/generate", "/v1/generate?count=0", "/nothing"):
        answer = disk_server.http.post(path, headers={"origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-expose-headers"] == "*"
        assert answer.headers["vary"] == "Origin"


def test_pages_of_others_may_not(disk_server: Server) -> None:
    for refused in (
        preflight(disk_server, STRANGER),
        preflight(disk_server, f"{ORIGIN}.{STRANGER}"),
        preflight(disk_server, "null"),
        disk_server.http.post("/v1/generate", headers={"origin": STRANGER}),
    ):
        assert "access-control-allow-origin" not in refused.headers
    assert preflight(disk_server, ORIGIN, method="DELETE").status_code == 400
    assert preflight(disk_server, ORIGIN, sent="x-forwarded-for").status_code == 400


def test_without_a_stated_origin_no_page_may(two_workers: Server) -> None:
    for answer in (preflight(two_workers, ORIGIN), two_workers.http.get("/v1/models", headers={"origin": ORIGIN})):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium; the docs page was NOT checked in a browser")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make install")
    with sync_api.sync_playwright() as playwright:
        # Else a page from outside may not ask a service on this machine, whatever that says.
        options = ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield chromium
        chromium.close()


def opened(browser: Any, url: str, wrong: list[str]) -> Any:
    page = browser.new_page()
    page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.goto(url)
    return page


def test_the_docs_page_works(browser: Any, disk_server: Server) -> None:
    """What it sends unchanged is answered, and a picture is drawn."""
    wrong: list[str] = []
    page = opened(browser, f"{disk_server.url}/", wrong)
    for name, media in (("generate", "application/json"), ("sample", "image/png")):
        place = page.locator(f"[id=operations-Synthesizer-endpoint_v1_{name}_post]")
        place.click()
        place.get_by_role("button", name="Try it out").click()
        place.locator(".responses-wrapper select").first.select_option(media)
        place.get_by_role("button", name="Execute").click()
        place.get_by_text("Response headers").wait_for()
        assert place.locator(".live-responses-table tbody .response-col_status").inner_text().startswith("200")
    page.wait_for_function("[...document.images].some(image => image.naturalWidth > 100)")
    assert wrong == []


def test_a_page_of_a_stated_origin_reads_sound_and_headers(browser: Any, disk_server: Server) -> None:
    fetched = {}
    for origin in (ORIGIN, STRANGER):
        page = browser.new_page()
        page.route(f"{origin}/**", lambda route: route.fulfill(body="<title>a page elsewhere</title>"))
        page.goto(f"{origin}/")
        fetched[origin] = page.evaluate(ASK, f"{disk_server.url}/v1/generate")
    model, stages, identity, size = fetched[ORIGIN]
    assert (model, identity, size) == ("tiny", "from-a-page", 44 + 2 * 1024 + 118)
    assert "total" in stages
    assert fetched[STRANGER] == ["refused"]


def test_a_script_that_slips_into_the_docs_page_does_not_run(browser: Any, disk_server: Server) -> None:
    wrong: list[str] = []
    page = opened(browser, f"{disk_server.url}/", wrong)
    page.evaluate(SLIP)
    assert page.evaluate("window.broken") is None
    assert any("Content Security Policy" in line and "script-src" in line for line in wrong)
    assert any("Content Security Policy" in line and "img-src" in line for line in wrong)
