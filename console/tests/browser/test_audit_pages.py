"""The pages of the audit trail: sentences, filters, exports that no spreadsheet calculates with, the relay."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import translation
from django.utils.html import escape

from console.admin.audit_export import plain_cell
from console.admin.audit_links import linked_sentence, object_url
from console.admin.audit_sentences import sentence_of
from console.kernel import audit, governance_journal
from console.kernel.acts import Actor
from console.kernel.audit_heads import heads_in
from console.kernel.models import AuditEntry, Person
from console.kernel.verification import verify_audit
from console.tests.browser.rows import make_judged_run

pytestmark = pytest.mark.django_db
AUDIT = "/admin/kernel/auditentry/"
Browse = Callable[[str], Client]


def record(*, act: str = "run.cancel", name: str = "run:7", **after: Any) -> AuditEntry:
    """An entry of the console itself."""
    with transaction.atomic():
        return audit.record(actor=None, act=act, object=name, after=after)


def words_of(response: Any) -> str:
    """What a page says, without its links."""
    return re.sub(r"<[^>]+>", "", response.content.decode())


def exported(client: Client, form: str, query: str = "") -> str:
    """What the file holds."""
    response = client.post(f"{AUDIT}export/{form}/{query}")
    assert response.status_code == 200
    assert "attachment" in response.headers["Content-Disposition"]
    return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # a file is streamed


def test_the_list_and_the_page_of_an_entry_say_what_happened(browse: Browse) -> None:
    """In a sentence, with the act's own name beside it."""
    entry = record(act="run.cancel")
    client = browse("auditor")

    assert "Gatehouse cancelled run 7." in words_of(client.get(AUDIT))
    assert "Gatehouse cancelled run 7." in words_of(client.get(f"{AUDIT}{entry.pk}/change/"))


@pytest.mark.parametrize(
    ("language", "title", "through"),
    [("en", "Audit entries · Gatehouse", "by itself"), ("de", "Audit-Einträge · Gatehouse", "von selbst")],
)
def test_list_and_page_say_the_door_and_their_title_in_the_readers_words(
    browse: Browse, language: str, title: str, through: str
) -> None:
    """Neither a stored word nor Django's "select an entry to view"."""
    entry, client = record(), browse("auditor")
    headers = {"accept-language": language}

    listed = client.get(f"{AUDIT}?via=system", headers=headers).content.decode()
    shown = client.get(f"{AUDIT}{entry.pk}/change/", headers=headers).content.decode()

    assert f"<title>{title}</title>" in listed
    assert f'class="field-shown_via">{through}</td>' in listed
    assert f"<dd>{through}</dd>" in shown


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("run:7", "/admin/testruns/run/7/"),
        ("phase:5a", "/admin/releases/phase/5a/"),
        ("request:3", "/admin/releases/request/3/"),
        ("journal:credits", "/admin/journal/"),
        ("approval:r/1 &", "/admin/approvals/one/?request=r%2F1+%26"),
        ("request:<b>", ""),
        ("backup:7", ""),
        ("run:", ""),
        ("", ""),
    ],
)
def test_what_an_entry_speaks_of_leads_to_its_page(browse: Browse, name: str, address: str) -> None:
    """In the list and on the page of the entry; what has no page has no link, and nothing in a name is markup."""
    entry = record(act="run.cancel", name=name)
    client = browse("auditor")

    assert object_url(name) == address
    for page in (client.get(AUDIT), client.get(f"{AUDIT}{entry.pk}/change/")):
        shown = page.content.decode().partition('id="content"')[2]
        assert (f'<a href="{escape(address)}">' in shown) is bool(address)
        assert "<b>" not in shown


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_linked_sentence_says_what_the_sentence_says(browse: Browse, language: str) -> None:
    """Word for word, in both languages."""
    entry = record(act="run.judge", recommendation="GO")
    with translation.override(language):
        linked, said = linked_sentence(entry), sentence_of(entry)

    assert re.sub(r"<[^>]+>", "", linked) == escape(said)
    assert linked.count("<a ") == 1


def test_the_page_of_an_entry_leads_along_the_chain_and_copies_its_digests(browse: Browse) -> None:
    """Each digest in it once, with the names that lead to it."""
    one, other = "a" * 64, "b" * 40
    first, entry = record(), record(head=one, list=[{"commit": other}, {"again": one}], short="abc")
    page = browse("auditor").get(f"{AUDIT}{entry.pk}/change/").content.decode()

    assert f'href="{AUDIT}{first.pk}/change/"' in page
    assert [page.count(f'data-copy="{value}"') for value in (one, other)] == [1, 1]
    assert "<code>head</code>" in page
    assert "<code>list.commit</code>" in page


def test_what_was_done_alone_is_marked_on_both_pages(browse: Browse) -> None:
    """Until there are two administrators nobody looks over the shoulder of one."""
    entry = record(act="people.deactivate", name="person:3", username="rita", reason="has left us", alone=True)
    client = browse("auditor")

    assert "done alone" in client.get(AUDIT).content.decode()
    assert "done alone" in client.get(f"{AUDIT}{entry.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("query", "is_shown"),
    [
        ("area=runs", True),
        ("area=people", False),
        ("who=system", True),
        ("days=7", True),
        ("outcome__exact=done", True),
        ("outcome__exact=refused", False),
        ("q=run:7", True),
        ("q=run:8", False),
    ],
)
def test_the_list_is_filtered_by_area_person_period_outcome_and_words(
    browse: Browse, query: str, is_shown: bool
) -> None:
    """Each filter alone."""
    record()

    page = words_of(browse("auditor").get(f"{AUDIT}?{query}"))

    assert ("cancelled run 7." in page) is is_shown


@pytest.mark.parametrize("query", ["area=planets", "who=user:99999", "days=8"])
def test_a_choice_that_does_not_exist_is_said(browse: Browse, query: str) -> None:
    """Nobody takes the full list for a filtered one."""
    page = browse("auditor").get(f"{AUDIT}?{query}", follow=True).content.decode()

    assert "is not a choice of this filter; all is shown." in page


def test_an_export_holds_the_filtered_entries_in_order_and_is_itself_on_record(browse: Browse) -> None:
    """With the filters and the head of the chain at that moment."""
    first, _other, second = record(), record(act="people.create", name="person:3", username="x"), record()

    client = browse("auditor")
    lines = [json.loads(line) for line in exported(client, "jsonl", "?area=runs&q=run:7").splitlines()]

    entry = AuditEntry.objects.latest("index")
    assert [line["index"] for line in lines] == [first.index, second.index]
    assert lines[0] == governance_journal.content_of(first)
    assert (entry.act, entry.object, entry.outcome) == ("audit.export", "audit:jsonl", "done")
    after = json.loads(entry.after)
    assert (after["count"], after["filters"]) == (2, {"area": "runs", "q": "run:7"})
    assert after["head"]["index"] == entry.index - 1


def test_exported_lines_are_heads_to_verify_against(browse: Browse, tmp_path: Path) -> None:
    """Whoever keeps the file finds a later edit of any entry in it."""
    record()

    heads = heads_in(exported(browse("auditor"), "jsonl").encode())

    assert len(heads) >= 2
    assert [one for one in verify_audit(heads=heads).findings if one.where == "head"] == []


def test_a_spreadsheet_gets_readable_rows_that_it_does_not_calculate(browse: Browse) -> None:
    """A name that is a formula arrives as text; commas, quotes, line ends and umlauts arrive whole."""
    actor = Person.objects.create_user(username="mallory", printed_name='=HYPERLINK("x";"Grüße, \'x\'")\nzwei')
    with transaction.atomic():
        audit.record(actor=Actor(person=actor, via="console"), act="run.cancel", object="@SUM(A1)")

    rows = list(csv.DictReader(io.StringIO(exported(browse("auditor"), "csv").removeprefix("\ufeff"))))

    row = next(row for row in rows if row["act"] == "run.cancel")
    assert row["actor_name"] == '\'=HYPERLINK("x";"Grüße, \'x\'")\nzwei'
    assert row["object"] == "'@SUM(A1)"
    assert "cancelled" in row["sentence"]
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1"])
def test_what_could_be_a_formula_is_made_text(text: str) -> None:
    """Also behind blanks, and in the full width that some spreadsheets read."""
    assert plain_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "run:7", "1-1", "{}", "'=1"])
def test_what_is_none_stays_as_it_is(text: str) -> None:
    """Nothing else is touched."""
    assert plain_cell(text) == text


def test_an_export_is_posted_by_somebody_who_may_read(browse: Browse) -> None:
    """By GET, in an unknown form, or without a role nothing leaves."""
    client = browse("auditor")
    before = AuditEntry.objects.filter(act="audit.export").count()

    assert client.get(f"{AUDIT}export/csv/").status_code == 405
    assert client.post(f"{AUDIT}export/xlsx/").status_code == 404
    assert browse("superuser").post(f"{AUDIT}export/csv/").status_code == 302
    assert AuditEntry.objects.filter(act="audit.export").count() == before


@pytest.fixture
def relayed(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A governance journal that was begun."""
    settings.STORAGE = tmp_path
    governance_journal.begin()
    yield governance_journal.directory()
    governance_journal.close()


@pytest.mark.parametrize("address", ["/admin/", AUDIT])
def test_a_relay_that_fails_shows_on_home_and_here(
    browse: Browse, relayed: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing while it follows, or is about to; the count once it takes too long, the reason once it cannot."""
    client = browse("auditor")
    governance_journal.relay()
    assert "does not follow" not in client.get(address).content.decode()

    record()
    assert "does not follow" not in client.get(address).content.decode()
    monkeypatch.setattr(governance_journal, "RELAY_TAKES", timedelta(0))
    assert "1 entry is in the database alone." in client.get(address).content.decode()

    governance_journal.close()
    shutil.rmtree(relayed)
    page = client.get(address).content.decode()
    assert "the journal is gone" in page
    assert not relayed.exists()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("form", ["html", "md", "json"])
def test_the_head_is_found_in_every_report_that_left(
    browse: Browse, make_person: Callable[[str], Person], relayed: Path, form: str, language: str
) -> None:
    """Whatever form and language the report has that somebody kept."""
    run = make_judged_run(person=make_person("tester"))
    client = browse("auditor")
    known = audit.head()

    report = client.get(f"/admin/testruns/run/{run.pk}/report.{form}?language={language}").getvalue()

    assert heads_in(report) == (known,)
