"""Reads a page as a browser's parser would: elements with their attributes, and the text a person sees."""

from __future__ import annotations

from html.parser import HTMLParser


class Reader(HTMLParser):
    """elements: (name, attributes) in their order. text: all of it outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.hidden = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.hidden = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self.hidden = ""

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def sections(self) -> list[str]:
        """Names of the sections that have one."""
        return [attributes["id"] for attributes in self.all("section") if "id" in attributes]
