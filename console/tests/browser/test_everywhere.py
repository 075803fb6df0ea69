"""What holds on every page: one scale of type, stillness for who asks for it, copying, and the way of the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from console.kernel.models import Person
from console.tests.browser.rows import finish_run, make_judged_run, make_run, make_running_run
from ledger import Ledger
from testruns.actions.leases import touch_run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("storage"),
]
OpenPage = Callable[..., Any]
STYLES = sorted(Path(settings.BASE_DIR, "static", "gatehouse").glob("*.css"))
SIZE = re.compile(r"font(?:-size)?: *([^;}]+)")
ON_THE_SCALE = re.compile(r"var\(--text-(xs|s|d|m|l|xl)\)|inherit|0\.92em|100%")
MOTION = """() => {
  const moving = [];
  const look = (rules, isAsked) => {
    for (const rule of rules) {
      const condition = rule.media && rule.media.mediaText;
      if (condition && !matchMedia(condition).matches) continue;
      if (rule.cssRules) look(rule.cssRules);
      const { style } = rule;
      if (!style) continue;
      for (const name of ["animation-name", "transition-duration", "scroll-behavior"]) {
        const value = style.getPropertyValue(name);
        if (value && !/^(none|auto|0s)$/.test(value)) moving.push(`${rule.selectorText} ${name}: ${value}`);
      }
    }
  };
  for (const sheet of document.styleSheets) look(sheet.cssRules);
  return moving;
}"""
COPIES = """() => Array.from(document.querySelectorAll("[data-copy]"), (button) => ({
  shown: button.parentElement.querySelector("code").textContent,
  title: button.parentElement.querySelector("code").title,
  copied: button.dataset.copy,
  label: button.getAttribute("aria-label"),
  isSeen: button.checkVisibility(),
}))"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const reach = parseFloat(outlineWidth) + parseFloat(outlineOffset);
  let around = one.parentElement;
  while (around !== document.body && getComputedStyle(around).overflowY === "visible") around = around.parentElement;
  const edge = around === document.body ? null : around.getBoundingClientRect();
  const isCut = edge && (box.top - reach < edge.top - 1 || box.bottom + reach > edge.bottom + 1);
  const places = (window.places ||= new Map());
  if (!places.has(one)) places.set(one, places.size);
  return {
    number: places.get(one),
    partCount: /^(date|time)/.test(one.type) ? 9 : 1, /* each part of a date, and the calendar */
    name: `${one.tagName} ${(one.getAttribute("aria-label") || one.textContent || one.name).trim().slice(0, 40)}`,
    isMarked: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && !isCut,
    isInSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0,
    group: one.closest("main") ? "content" : one.closest("footer") ? "foot" : "head",
    top: box.top + scrollY, bottom: box.bottom + scrollY, left: box.left,
  };
}"""

ASKED_AFTER = 25
PRESSED = {"A", "BUTTON", "SUMMARY"}
PRESSABLE = """() => Array.from(document.querySelectorAll("a[href], button:enabled, summary")).filter(
  (one) => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })
).length"""


@pytest.fixture
def addresses(tester: Person, ledger_with_events: Ledger) -> list[str]:
    """Pages with digests, tables, forms, charts and filters."""
    run = make_judged_run(person=tester, faults={"credit_storm": {"double_charges": "3"}})
    return [
        f"/admin/testruns/run/{run.pk}/",
        "/admin/testruns/gatepolicy/1/change/",
        "/admin/kernel/auditentry/1/change/",
        "/admin/journal/event/5/",
        f"/admin/testruns/run/compare/?a={run.pk}&b={run.pk}",
        "/admin/",
        "/admin/testruns/run/request/",
        "/admin/journal/",
    ]


@pytest.mark.parametrize("sheet", STYLES, ids=lambda path: path.name)
def test_every_text_is_of_a_size_of_the_one_scale(sheet: Path) -> None:
    """On the screen; what is printed is measured in points."""
    on_screen = re.split(r"@media print", sheet.read_text(encoding="utf-8"))[0]

    sizes = [size.strip() for size in SIZE.findall(on_screen)]

    assert [size for size in sizes if not ON_THE_SCALE.search(size)] == []


def test_nothing_moves_for_who_asks_for_stillness(open_page: OpenPage, tester: Person) -> None:
    """Not even what a selector of every element does not reach, such as the filling of a progress bar."""
    run = make_running_run(person=tester)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/")
    page.emulate_media(reduced_motion="no-preference")
    moving = page.evaluate(MOTION)

    page.emulate_media(reduced_motion="reduce")

    assert {line.split(" ")[0] for line in moving} == {
        ".turning",
        "progress::-webkit-progress-value",
        "details.help",
    }
    assert page.evaluate(MOTION) == []
    assert page.evaluate("document.getAnimations().length") == 0


def test_every_copy_button_copies_what_stands_beside_it(
    open_page: OpenPage, tester: Person, addresses: list[str]
) -> None:
    """The whole of what is shown short, under a name that says what it is; without scripts no button is shown."""
    page = open_page(tester, addresses[0])
    still = open_page(tester, addresses[0], has_javascript=False)
    buttons = []
    for address in addresses[:5]:
        page.goto(page.url.split("/admin/")[0] + address)
        buttons += page.evaluate(COPIES)

    assert len(buttons) > 20
    for button in buttons:
        assert button["copied"].startswith(button["shown"])
        assert button["copied"] == button["title"]
        assert re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", button["copied"])
        assert re.fullmatch(r"Copy the whole \w+.*", button["label"])
    assert not any(button.is_visible() for button in still.locator("[data-copy]").all())


def test_a_browser_that_copies_nothing_shows_the_whole_value_and_says_which_keys_do(
    open_page: OpenPage, tester: Person
) -> None:
    """A refused press is not a dead one: the value is selected, and the keyboard copies it."""
    run = make_run(person=tester)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/", width=390)
    page.context.grant_permissions(["clipboard-read"])
    page.evaluate("""() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error("refused"));
      document.execCommand = () => false;
    }""")
    button = page.locator(f"[data-copy='{run.build.commit}']").first

    button.click()
    page.wait_for_selector("#announced:visible >> text=Ctrl+C")
    page.keyboard.press("Control+C")

    assert page.evaluate("getSelection().toString()") == run.build.commit
    assert page.evaluate("navigator.clipboard.readText()") == run.build.commit
    assert page.locator(".is-done").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_keyboard_goes_through_every_page_as_it_is_read_and_comes_out_again(
    open_page: OpenPage, tester: Person, addresses: list[str]
) -> None:
    """Wide and narrow, each on every page: every stop is marked and in sight; head, content and foot come in this
    order, and nothing holds the focus."""
    page = open_page(tester, addresses[0])
    wrong = []
    for width in (1400, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for address in addresses:
            page.goto(page.url.split("/admin/")[0] + address)
            wrong += [f"{address} at {width} px: {text}" for text in wrong_stops_of(page)]

    assert wrong == []


def wrong_stops_of(page: Any) -> list[str]:
    """What a person with a keyboard would stumble over on an open page."""
    stops = stops_of(page)
    wrong = [f"not marked: {stop['name']}" for stop in stops if not stop["isMarked"]]
    wrong += [f"out of sight: {stop['name']}" for stop in stops if not stop["isInSight"]]
    if sum(stop["name"].split(" ")[0] in PRESSED for stop in stops) != page.evaluate(PRESSABLE):
        wrong.append("some of what can be pressed is never reached")
    groups = [stop["group"] for stop in stops]
    if groups != sorted(groups, key=["head", "content", "foot"].index):
        wrong.append(f"in this order: {groups}")
    head = [stop for stop in stops if stop["group"] == "head"]
    wrong += [f"back up to: {after['name']}" for before, after in pairwise(head) if after["bottom"] <= before["top"]]
    return wrong


def stops_of(page: Any) -> list[dict[str, Any]]:
    """Every stop of the tab key on a page, from its start until the keyboard leaves it.

    The page itself notes where the keyboard is, and is asked only once in a while.
    """
    page.evaluate(f"() => addEventListener('keyup', () => (window.stops ||= []).push(({FOCUSED})()))")
    while True:
        for _ in range(ASKED_AFTER):
            page.keyboard.press("Tab")
        stops: list[dict[str, Any] | None] = page.evaluate("window.stops")
        reached: list[dict[str, Any]] = []
        for stop in stops:
            if stop is None or (reached and stop["number"] == 0):  # out of the page, or at its start again
                return reached
            reached.append(stop)
            stays = sum(other["number"] == stop["number"] for other in reached)
            assert stays <= stop["partCount"], f"held at {stop['name']}"


@pytest.mark.parametrize("place", ["li:nth-child(2) .title a", ".copy >> nth=0", "summary >> nth=1"])
def test_the_focus_stays_through_a_live_update_also_on_what_has_no_id(
    open_page: OpenPage, tester: Person, place: str
) -> None:
    """A link of a list, a copy button and a disclosure are the same after it."""
    run = make_running_run(person=tester)
    make_judged_run(person=tester)
    is_listed = place.startswith("li")
    page = open_page(tester, "/admin/testruns/run/" if is_listed else f"/admin/testruns/run/{run.pk}/")
    root = "#run-lines" if is_listed else "#run"
    focused = page.locator(f"{root} {place}")
    focused.focus()
    before = focused.evaluate("one => one.outerHTML")
    page.evaluate(f"document.querySelector('{root}').dataset.isOld = 'yes'")

    touch_run(run_id=run.pk)
    page.wait_for_selector(f"{root}:not([data-is-old])")

    assert page.evaluate("document.activeElement.outerHTML") == before
    assert page.problems == []


def test_where_the_focused_button_is_gone_the_keyboard_stays_on_the_content(
    open_page: OpenPage, tester: Person
) -> None:
    """A run that has ended cannot be cancelled any more; nobody is sent back to the top of the page for that."""
    run = make_running_run(person=tester)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/")
    page.focus("#act-stop")

    finish_run(run)
    page.wait_for_selector("text=Recommendation: INCOMPLETE")

    assert page.locator("#act-stop").count() == 0
    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("address", ["kernel/auditentry/", "testruns/run/", "journal/"])
def test_after_a_filter_the_keyboard_goes_on_where_it_was(
    open_page: OpenPage, tester: Person, ledger_with_events: Ledger, address: str
) -> None:
    """The button that was pressed has the focus on the new page; a page that is opened later begins at its top."""
    page = open_page(tester, f"/admin/{address}")
    button = page.locator("main form[role=search] button")
    with page.expect_navigation():
        button.press("Enter")

    focused = button.evaluate("one => one === document.activeElement")
    page.goto(page.url.split("?")[0])

    assert focused
    assert page.evaluate("document.activeElement === document.body")


def test_after_a_filter_of_rules_the_keyboard_goes_on_at_the_rules(open_page: OpenPage, tester: Person) -> None:
    """They are far down on the page of a run."""
    run = make_judged_run(person=tester)
    page = open_page(tester, f"/admin/testruns/run/{run.pk}/")
    with page.expect_navigation():
        page.locator("main form[role=search] button").press("Enter")

    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.id") == "verdict"
