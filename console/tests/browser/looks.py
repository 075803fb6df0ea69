"""How an open page is looked at: wide and narrow, light and dark, in both languages, and what is wrong with it then.

A page is loaded once per language and looked at in two ways there, so that every pair of width, theme and language
appears: what differs between the looks is decided by style sheets alone. `make matrix` looks at all of them.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
AXE = HERE / "vendor" / "axe.min.js"
CLIPPED = HERE / "clipped.js"
SHOTS = os.environ.get("GATEHOUSE_SCREENSHOTS", "")
WITHOUT_MARKUP = ";axe.configure({noHtml: true})"  # the markup of every element that is looked at is dear
HAS_AXE = "typeof axe === 'object'"
# What lies in a closed disclosure is shown to nobody, and axe passes over it, but only after asking about each element:
# it is taken out meanwhile. The one thing that axe would say of it, an id that stands twice, is asked by TWICE.
RUN_AXE = """async () => {
    const isShown = (node) => node.nodeType === Node.ELEMENT_NODE && node.checkVisibility();
    const isSummary = (node) => node.localName === "summary";
    const folded = Array.from(document.querySelectorAll("details:not([open])"), (one) => [one, [...one.childNodes]])
        .filter(([, nodes]) => !nodes.some((node) => isShown(node) && !isSummary(node)));
    for (const [one, nodes] of folded) one.replaceChildren(...nodes.filter(isSummary));
    try {
        const found = await axe.run(document, {
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
            resultTypes: ['violations'],
            preload: {assets: ['media']},  // what none of these rules asks for, the style sheets as objects, is dear
        });
        return found.violations;
    } finally {
        for (const [one, nodes] of folded) one.replaceChildren(...nodes);
    }
}"""
TWICE = """() => {
    const ids = Array.from(document.querySelectorAll("[id]"), (one) => one.id);
    return [...new Set(ids.filter((id, place) => ids.indexOf(id) !== place))];
}"""
SIDEWAYS = """async () => {
    const root = document.documentElement;
    const over = () => root.scrollWidth - root.clientWidth;
    for (let frame = 0; over() > 0 && frame < 60; frame++) {  // charts are drawn anew a frame after a new width
        await new Promise(requestAnimationFrame);
    }
    return over() > 0 ? [`scrolls sideways by ${over()} px`] : [];
}"""


class Look(NamedTuple):
    """A width in pixels and a colour theme."""

    width: int
    theme: str


ALL = (Look(1400, "light"), Look(1400, "dark"), Look(390, "light"), Look(390, "dark"))
PAIRS = {
    "en": (Look(1400, "light"), Look(390, "dark")),
    "de": (Look(390, "light"), Look(1400, "dark")),
}
LOOKS = dict.fromkeys(PAIRS, ALL) if os.environ.get("GATEHOUSE_LOOKS") == "all" else PAIRS
in_every_language = pytest.mark.parametrize("language", list(LOOKS))


def defects_of(page: Any, *, language: str, name: str) -> list[str]:
    """What is wrong with an open page in each look of its language: messages of the console, an id that stands twice, a
    sideways scroll, text that is cut off, and axe's violations. A picture of each is kept when GATEHOUSE_SCREENSHOTS
    names a folder.
    """
    found = [f"{name}: {problem}" for problem in page.problems if "404 (Not Found)" not in problem]
    found += [f"{name} in {language}: id {one} stands twice" for one in page.evaluate(TWICE)]
    for look in LOOKS[language]:
        page.set_viewport_size({"width": look.width, "height": 900})
        page.emulate_media(color_scheme=look.theme)
        if SHOTS:
            picture = f"{name}-{look.width}-{look.theme}-{language}.png"
            page.screenshot(path=str(Path(SHOTS) / picture), full_page=True)
        where = f"{name} at {look.width} px, {look.theme}, {language}"
        found += [f"{where}: {text}" for text in page.evaluate(SIDEWAYS)]
        found += [f"{where}: cut off: {text}" for text in cut_off_in(page)]
        found += [f"{where}: {text}" for text in _violations_in(page)]
    return found


def cut_off_in(page: Any) -> list[str]:
    """Every text of which a part lies behind the edge of what it stands in, and cannot be scrolled to."""
    found: list[str] = page.evaluate(_text_of(CLIPPED))
    return found


def _violations_in(page: Any) -> list[str]:
    if not page.evaluate(HAS_AXE):
        page.evaluate(_text_of(AXE) + WITHOUT_MARKUP)
    found = []
    for violation in page.evaluate(RUN_AXE):
        nodes = [f"{node['target']} {node['failureSummary']}" for node in violation["nodes"][:3]]
        found.append(f"axe {violation['id']}: {nodes}")
    return found


@cache
def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")
