"""What looks at every page sees what it claims to see."""

from __future__ import annotations

from typing import Any

import pytest

from console.tests.browser.looks import cut_off_in

pytestmark = pytest.mark.browser
PAGE = "<!DOCTYPE html><html lang=en><meta charset=utf-8><body>{}</body></html>"
LONG = "a sentence that is a good deal longer than its place"


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
