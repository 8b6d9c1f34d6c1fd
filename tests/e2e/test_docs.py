"""/docs through the front door, as a browser shows it: every route is there, and nothing of anybody else's."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import httpx

from deploy.local.packages import require
from tests.e2e.stack import ROOT, Stack

QUIET = ("gpu", "quic", "background-networking", "component-update", "sync")


class Page(HTMLParser):
    """What the browser made of a page: the headings, the places that links lead to, and what was to be loaded."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.routes: list[str] = []
        self.places: set[str] = set()
        self.links: set[str] = set()
        self.loaded: list[str] = []
        self._heading: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.places.add(f"#{told.get('id', '')}")
        self.loaded += [told[name] for name in ("src", "srcset", "data") if name in told]
        if tag == "a":
            self.links.add(told["href"])
        elif tag == "link":
            self.loaded.append(told["href"])
        elif tag == "h3":
            self._heading = ""

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "h3" and self._heading is not None:
            self.routes.append(self._heading)
            self._heading = None


def browse(url: str, profile: Path) -> tuple[str, list[str]]:
    """The document once it is loaded, and what the browser's console says."""
    command = [
        *(require("chromium"), "--headless", "--no-sandbox", "--no-first-run", "--enable-logging=stderr"),
        *(f"--disable-{what}" for what in QUIET),
        *(f"--user-data-dir={profile}", "--dump-dom", url),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout, re.findall(r"CONSOLE.*", done.stderr)


def declared() -> set[str]:
    """Every route of the checkout."""
    command = [sys.executable, "-m", "functions.gateway.listing", "--json"]
    listed = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    return {f"{route['method']} {route['path']}" for route in listed}


def test_a_browser_shows_every_route_and_has_nothing_to_complain_about(stack: Stack, tmp_path: Path) -> None:
    text, complaints = browse(f"{stack.url}/docs", tmp_path)
    page = Page(text)
    assert (set(page.routes), complaints, page.loaded) == (declared(), [], [])
    inside = {link for link in page.links if link.startswith("#")}
    assert len(inside) == len(page.routes)
    assert inside <= page.places


def test_every_link_of_it_leads_somewhere_here(stack: Stack, client: httpx.Client, tmp_path: Path) -> None:
    links = {link for link in Page(browse(f"{stack.url}/docs", tmp_path)[0]).links if not link.startswith("#")}
    assert {"/openapi.json", "/problems/unauthenticated", "/problems/out-of-stock"} <= links
    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_what_a_browser_complains_about_is_heard(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<meta http-equiv="Content-Security-Policy" content="style-src \'none\'"><style>p {color: red}</style>'
    )
    _, complaints = browse(page.as_uri(), tmp_path / "profile")
    assert "Content Security Policy" in complaints[0]
