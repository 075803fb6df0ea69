"""What looks at every page sees what it claims to see."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from console.tests.browser.conftest import keep_problems_of
from console.tests.browser.looks import LOOKS, cut_off_in, defects_of, in_every_language

pytestmark = pytest.mark.browser
PAGE = "<!DOCTYPE html><html lang=en><meta charset=utf-8><body>{}</body></html>"
LONG = "a sentence that is a good deal longer than its place"
DOCUMENT = """<!DOCTYPE html>
<html lang=en>
<title>Planted</title>
<style>body {{ background: #fff; color: #000 }} {style}</style>
<main><h1>Planted</h1><p class=short>{text}</p>{content}</main>
"""
HEADERS = {"Content-Type": "text/html", "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'"}
SCRIPT = "console.error('said by a script'); throw new Error('thrown by a script');"
FOUND = ("said by a script", "thrown by a script", "Content Security Policy", "axe image-alt", "id one stands twice")
FOLDED = "<details{}><summary>More</summary><p id=one>One</p><details{}><summary>Rest</summary>{}</details></details>"
FAULTS = f"""<script src=/script.js></script><script>document.title = 'Changed'</script><img src='data:,'>
<p id=one>One</p>{FOLDED.format("", "", "")}"""
FAULTY_STYLE = "h1 { width: 2000px; color: #bbb } .short { width: 8em; overflow: hidden; white-space: nowrap }"
FOUND_BY_STYLE = ("scrolls sideways", "axe color-contrast", "cut off")


@pytest.mark.parametrize(
    "content",
    [
        f'<p style="width:8em;overflow:hidden;white-space:nowrap;text-overflow:ellipsis">{LONG}</p>',
        f'<div style="width:8em;height:1.2em;overflow:hidden"><p style="margin:0">{LONG}</p></div>',
        f'<div style="width:8em;overflow-x:clip"><b style="white-space:nowrap">{LONG}</b></div>',
        f'<p style="position:absolute;left:-3em;width:10em">{LONG}</p>',
        f'<select style="width:8em"><option>{LONG}</option></select>',
        f'<input style="width:8em" placeholder="{LONG}">',
    ],
)
def test_a_text_of_which_a_part_cannot_be_read_is_found(chromium: Any, content: str) -> None:
    """Behind an edge, outside of the page, or in a field that is too narrow."""
    page = chromium.new_page()
    page.set_content(PAGE.format(content))

    found = cut_off_in(page)
    page.close()

    assert len(found) == 1
    assert LONG[:20] in found[0]


@pytest.mark.parametrize(
    "content",
    [
        f'<div style="width:8em;overflow:auto"><p style="white-space:nowrap">{LONG}</p></div>',
        f'<p style="width:8em">{LONG}</p>',
        f'<p style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)">{LONG}</p>',
        f'<div style="width:8em;height:1.2em;overflow:hidden" hidden>{LONG}</div>',
        f'<select style="width:40em"><option>{LONG}</option></select>',
    ],
)
def test_what_scrolls_or_is_not_shown_is_not_taken_for_cut_off(chromium: Any, content: str) -> None:
    """It can be read, or is for screen readers alone."""
    page = chromium.new_page()
    page.set_content(PAGE.format(content))

    found = cut_off_in(page)
    page.close()

    assert found == []


def planted(page: Any, *, style: str = "", content: str = "") -> None:
    """Open a page with a fault, or none, as a server sends it that allows no script within a page."""
    document = DOCUMENT.format(style=style, text=LONG, content=content)
    page.unroute_all()
    page.route("**/*", lambda route: route.fulfill(body=document, headers=HEADERS))
    page.route("**/*.js", lambda route: route.fulfill(body=SCRIPT, content_type="text/javascript"))
    page.problems.clear()
    page.goto("http://planted.test/")


@in_every_language
def test_a_fault_is_found_in_every_language_and_only_where_there_is_one(chromium: Any, language: str) -> None:
    """What a script says or throws, what the content policy forbids, and what axe finds."""
    page = chromium.new_page()
    keep_problems_of(page)
    planted(page)
    of_none = defects_of(page, language=language, name="sound")
    planted(page, content=FAULTS)
    found = "\n".join(defects_of(page, language=language, name="planted"))
    page.close()

    assert of_none == []
    assert [fault for fault in FOUND if fault not in found] == []


def test_a_fault_of_one_look_is_found_in_every_pair_of_width_theme_and_language(chromium: Any) -> None:
    """Also one that shows only in the dark or only on a phone, and there only in German."""
    page = chromium.new_page()
    keep_problems_of(page)
    seen = set()
    for width, theme, language in product((1400, 390), ("light", "dark"), LOOKS):
        only = f"(prefers-color-scheme: {theme}) and (min-width: {width}px) and (max-width: {width}px)"
        planted(page, style=f"@media {only} {{ {FAULTY_STYLE} }}")
        found = "\n".join(defects_of(page, language=language, name="planted"))
        assert all(fault in found for fault in FOUND_BY_STYLE) or not found
        if found:
            seen |= {(width, theme), (width, language), (theme, language)}
    page.close()

    assert len(seen) == 12


def test_what_is_folded_away_is_looked_at_where_it_is_open_and_is_there_again_afterwards(chromium: Any) -> None:
    """A disclosure within another one; what is shown to nobody is no fault of a look."""
    page = chromium.new_page()
    keep_problems_of(page)
    found, texts = [], []
    for outer, inner in (("", ""), ("", " open"), (" open", ""), (" open", " open")):
        planted(page, content=FOLDED.format(outer, inner, "<img src='data:,'><p>The rest</p>"))
        before = page.content()
        found.append(any("axe image-alt" in defect for defect in defects_of(page, language="en", name="folded")))
        texts.append(page.content() == before)
    page.close()

    assert found == [False, False, False, True]
    assert all(texts)
