"""`verify_audit`: every kind of tampering with the trail is found and named, whoever has the database or the files."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from console.actions import propose_role
from console.kernel import audit, governance_journal, row_binding, triggers
from console.kernel.audit_heads import head_line, heads_in
from console.kernel.authority import Role
from console.kernel.models import AuditEntry, Person
from console.kernel.verification import verify_audit
from console.tests.people import actor_with

pytestmark = pytest.mark.django_db
COUNT = 8
PREDICATE = json.dumps({"predicate": {"auditChain": {"index": 12, "head": "ab" * 32}}}).encode()


@pytest.fixture
def third(trail: Path) -> int:
    """A chain of some length, relayed; the index of its third entry of the test's own."""
    actor = actor_with(Role.TESTER)
    for number in range(COUNT):
        with transaction.atomic():
            audit.record(actor=actor, act="run.request", object=f"run:{number}", after={"seed": number})
    row_binding.bind_existing()
    with transaction.atomic():
        audit.record(actor=None, act="test.people", object="", rows=Person.objects.all())
        audit.record(
            actor=None, act="test.grants", object="", rows=[g for p in Person.objects.all() for g in p.grants.all()]
        )
    governance_journal.relay()
    return audit.head().index - COUNT


def execute(*statements: str) -> None:
    """Run SQL as someone would who has the database in their hands: the triggers dropped first."""
    triggers.drop()
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def rechain(first: int) -> None:
    """Forge thoroughly: recompute every hash and link from this entry on."""
    triggers.drop()
    previous = AuditEntry.objects.filter(index__lt=first).order_by("-index").first()
    last_hash = previous.hash if previous else audit.GENESIS
    for entry in AuditEntry.objects.filter(index__gte=first).order_by("index"):
        entry.previous_hash = last_hash
        last_hash = audit.hash_of(entry)
        AuditEntry.objects.filter(index=entry.index).update(
            previous_hash="x" * 60 + f"{entry.index:04}", hash=last_hash
        )
    for entry in AuditEntry.objects.filter(index__gte=first).order_by("index"):
        before = AuditEntry.objects.filter(index=entry.index - 1).values_list("hash", flat=True).first()
        AuditEntry.objects.filter(index=entry.index).update(previous_hash=before or audit.GENESIS)


def findings(*, heads: tuple[audit.Head, ...] = ()) -> list[tuple[str, int, str]]:
    """Where, at which entry, and the sentence."""
    return [(one.where, one.index, str(one)) for one in verify_audit(heads=heads).findings]


def test_an_untouched_trail_is_sound(third: int) -> None:
    """Chain, journal and bound rows agree."""
    verification = verify_audit(heads=(audit.head(),))

    assert verification.findings == ()
    assert verification.entries == audit.head().index
    assert verification.rows >= 2


@pytest.mark.parametrize(
    ("column", "value", "group"),
    [
        ("actor", "user:999", "who"),
        ("actor_name", "Somebody Else", "who"),
        ("via", "api", "who"),
        ("at", "2020-01-01 00:00:00", "when"),
        ("act", "release.revoke", "what"),
        ("object", "run:999", "what"),
        ("outcome", "refused", "what"),
        ("code", "not-allowed", "what"),
        ("before", "{}", "content"),
        ("after", "{}", "content"),
    ],
)
def test_an_edited_entry_is_named_with_the_group_of_fields(third: int, column: str, value: str, group: str) -> None:
    """Once by its own hash, once against the journal, which says what was edited."""
    execute(f"UPDATE kernel_auditentry SET {column} = '{value}' WHERE \"index\" = {third}")

    found = findings()

    assert ("database", third, "its content does not match its hash") in found
    assert f"entry {third} differs between database and governance journal in: {group}" in [one[2] for one in found]


def test_an_edit_with_every_hash_recomputed_is_found_against_the_journal(third: int) -> None:
    """The chain in the database is sound in itself then; the journal still holds what was."""
    execute(f"UPDATE kernel_auditentry SET actor_name = 'Somebody Else' WHERE \"index\" = {third}")
    rechain(third)

    assert audit.verify_chain().is_sound
    found = findings()
    assert ("database", third, f"entry {third} differs between database and governance journal in: who, links") in found
    assert {one[1] for one in found if one[0] == "database"} == set(range(third, audit.head().index + 1))


def test_a_deleted_entry_is_named_with_what_it_said(third: int) -> None:
    """The journal tells the act, the person and the time of what is gone."""
    actor_name = AuditEntry.objects.get(index=third).actor_name
    execute(f'DELETE FROM kernel_auditentry WHERE "index" = {third}')

    found = findings()

    assert ("database", third + 1, "the entries before it are missing") in found
    gone = next(text for where, index, text in found if where == "database" and index == third)
    assert f"lacks entry {third}" in gone
    assert f"run.request by {actor_name}" in gone


def test_a_cut_tail_is_named_entry_by_entry(third: int) -> None:
    """A shorter chain is sound in itself; the journal is longer."""
    last = audit.head().index
    execute(f'DELETE FROM kernel_auditentry WHERE "index" > {last - 2}')

    assert audit.verify_chain().is_sound
    assert [one[1] for one in findings() if "lacks entry" in one[2]] == [last - 1, last]


def test_a_cut_tail_that_grew_again_is_found(third: int) -> None:
    """New entries in the place of removed ones are not what the journal holds, and are never relayed over them."""
    last = audit.head().index
    execute(f'DELETE FROM kernel_auditentry WHERE "index" = {last}')
    with transaction.atomic():
        audit.record(actor=None, act="run.reap", object="run:1")
    governance_journal.relay()

    assert "another one in the database" in str(governance_journal.state().failure)
    assert any(index == last and "differs" in text for _, index, text in findings())


def test_an_inserted_entry_is_named(third: int) -> None:
    """Squeezed in between two, with every later index moved up and every hash recomputed."""
    execute(
        f'UPDATE kernel_auditentry SET "index" = "index" + 1000 WHERE "index" > {third}',
        f'UPDATE kernel_auditentry SET "index" = "index" - 999 WHERE "index" > {third}',
        f"INSERT INTO kernel_auditentry SELECT \"index\" + 1, at, actor, actor_name, via, act, 'run:forged', outcome, "
        f"code, before, after, 'x', hash FROM kernel_auditentry WHERE \"index\" = {third}",
    )
    rechain(third)

    found = findings()

    assert audit.verify_chain().is_sound
    assert min(index for where, index, _ in found if where == "database") == third + 1


def test_two_entries_that_changed_places_are_named(third: int) -> None:
    """Reordered, with every hash recomputed."""
    execute(
        f'UPDATE kernel_auditentry SET "index" = 9999 WHERE "index" = {third}',
        f'UPDATE kernel_auditentry SET "index" = {third} WHERE "index" = {third + 1}',
        f'UPDATE kernel_auditentry SET "index" = {third + 1} WHERE "index" = 9999',
    )
    rechain(third)

    named = {index for _, index, text in findings() if "differs" in text}

    assert audit.verify_chain().is_sound
    assert {third, third + 1} <= named


def segment(directory: Path) -> Path:
    """The journal's active segment, the journal closed."""
    governance_journal.close()
    return sorted((directory / "segments").glob("*.jsonl"))[-1]


def edit_record(directory: Path, _index: int) -> None:
    """Change one letter inside a record."""
    path = segment(directory)
    path.write_bytes(path.read_bytes().replace(b'"run:3"', b'"run:4"', 1))


def cut_records(directory: Path, _index: int) -> None:
    """Take the last records away."""
    path = segment(directory)
    lines = path.read_bytes().rstrip(b"\n\0").split(b"\n")
    path.write_bytes(b"\n".join(lines[:-3]) + b"\n")


def swap_records(directory: Path, _index: int) -> None:
    """Let two records change places."""
    path = segment(directory)
    lines = path.read_bytes().split(b"\n")
    at = next(number for number, line in enumerate(lines) if b'"run:3"' in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    path.write_bytes(b"\n".join(lines))


def delete_directory(directory: Path, _index: int) -> None:
    """Take the whole journal away."""
    governance_journal.close()
    shutil.rmtree(directory)


def exchange_directory(directory: Path, _index: int) -> None:
    """Put an empty journal in its place."""
    delete_directory(directory, _index)
    governance_journal._open()
    governance_journal.close()


@pytest.mark.parametrize(
    ("tamper", "what"),
    [
        (edit_record, "the governance journal is damaged (chain)"),
        (cut_records, "the governance journal is damaged (end)"),
        (swap_records, "the governance journal is damaged (chain)"),
        (delete_directory, "the governance journal is gone, with the entries 1 to"),
        (exchange_directory, "the governance journal is another one than the chain says was begun"),
    ],
)
def test_tampering_with_the_journal_is_named(
    third: int, trail: Path, tamper: Callable[[Path, int], None], what: str
) -> None:
    """The chain in the database stays sound; the journal's own chain and its durable mark tell."""
    tamper(trail, third)

    assert audit.verify_chain().is_sound
    assert any(where == "journal" and what in text for where, _, text in findings())


def test_an_older_copy_of_the_journal_is_named(third: int, trail: Path, tmp_path: Path) -> None:
    """Sound in itself, but it lacks what the chain has had for a while."""
    governance_journal.close()
    shutil.copytree(trail, tmp_path / "older")
    with transaction.atomic():
        audit.record(actor=None, act="run.reap", object="run:1")
    governance_journal.relay()
    last = audit.head().index
    governance_journal.close()
    shutil.rmtree(trail)
    (tmp_path / "older").rename(trail)
    execute(f"UPDATE kernel_auditentry SET at = '2020-01-01 00:00:00' WHERE \"index\" = {last}")

    assert any(f"lacks the entries {last} to {last}" in text for _, _, text in findings())


def test_an_entry_on_its_way_into_the_journal_is_no_finding(third: int, trail: Path) -> None:
    """The console may be at work while somebody verifies."""
    aside = trail.with_name("aside")
    governance_journal.close()
    shutil.copytree(trail, aside)
    with transaction.atomic():
        audit.record(actor=None, act="run.reap", object="run:1")
    governance_journal.relay()
    governance_journal.close()
    shutil.rmtree(trail)
    aside.rename(trail)

    assert findings() == []


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE kernel_person SET is_superuser = TRUE", "kernel_person:{key} was altered"),
        ("UPDATE kernel_person SET password = 'known'", "kernel_person:{key} was altered"),
        ("UPDATE kernel_person SET password_is_own = TRUE", "kernel_person:{key} was altered"),
        ("UPDATE kernel_rolegrant SET role = 'reviewer'", "kernel_rolegrant:{grant} was altered"),
        ("DELETE FROM kernel_rolegrant", "kernel_rolegrant:{grant} was removed"),
    ],
)
def test_a_row_edited_past_the_trail_is_named(third: int, statement: str, what: str) -> None:
    """A role or a password put there with SQL has no entry that wrote it."""
    person = Person.objects.get()
    expected = what.format(key=person.pk, grant=person.grants.get().pk)
    execute(statement)

    assert any(where == "row" and expected in text for where, _, text in findings())


def test_a_role_inserted_past_the_trail_is_named(third: int) -> None:
    """Nobody proposed it, nobody confirmed it."""
    person = Person.objects.get()
    now = timezone.now()
    grant = person.grants.create(role="reviewer", proposed_at=now, confirmed_at=now)

    assert ("row", 0, f"kernel_rolegrant:{grant.pk} was added past the audit trail") in findings()


def test_an_act_keeps_its_rows_sound(third: int) -> None:
    """What goes through an action is on record with its digest."""
    administrator = actor_with(Role.ADMINISTRATOR)
    with transaction.atomic():
        audit.record(
            actor=None, act="test.people", object="", rows=[administrator.person, *administrator.person.grants.all()]
        )
    other = Person.objects.exclude(pk=administrator.person.pk).get()

    propose_role(actor=administrator, person_id=other.pk, role="reviewer", verified_how="passport seen at the desk")
    governance_journal.relay()

    assert findings() == []


def test_a_head_that_left_the_machine_finds_the_cut(third: int) -> None:
    """Database and journal cut alike, or both forged: the report in somebody's hands still knows."""
    known = audit.head()
    last = AuditEntry.objects.get(index=third)
    execute(f'DELETE FROM kernel_auditentry WHERE "index" = {known.index}')

    found = findings(heads=(known, audit.Head(index=third, hash=last.hash), audit.Head(index=third, hash="ab" * 32)))

    assert [(where, index) for where, index, _ in found if where == "head"] == [("head", third), ("head", known.index)]
    assert "the chain was cut" in next(text for where, index, text in found if where == "head" and index == known.index)


def run_command(*arguments: str) -> tuple[int, str]:
    """`manage.py verify_audit`: exit code and output."""
    out = StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def test_the_command_says_what_it_checked(third: int, tmp_path: Path) -> None:
    """Exit code 0, the counts and the head, which may itself be kept as a file for `--since`."""
    code, output = run_command()

    assert code == 0
    assert head_line(audit.head()) in output
    assert output.endswith("Sound: nothing differs.\n")
    kept = tmp_path / "kept.txt"
    kept.write_text(output)
    assert run_command("--since", str(kept))[0] == 0


def test_the_command_names_what_is_wrong(third: int) -> None:
    """Exit code 1."""
    execute(f"UPDATE kernel_auditentry SET actor = 'user:9' WHERE \"index\" = {third}")

    code, output = run_command()

    assert code == 1
    assert f"WRONG, database, entry {third}: its content does not match its hash" in output


def test_a_file_without_a_head_is_a_mistake_of_the_caller(third: int, tmp_path: Path) -> None:
    """Exit code 2, as for one that is not there."""
    (tmp_path / "empty.txt").write_text("nothing here")

    assert run_command("--since", str(tmp_path / "empty.txt"))[0] == 2
    assert run_command("--since", str(tmp_path / "missing.txt"))[0] == 2


def test_a_trail_that_cannot_be_read_is_an_error(third: int, trail: Path) -> None:
    """Exit code 4: neither sound nor tampered with."""
    governance_journal.close()
    path = segment(trail)
    path.unlink()
    path.mkdir()

    assert run_command()[0] == 4


def test_a_journal_that_was_never_begun_is_no_proof(tmp_path: Path, settings: Any) -> None:
    """Without a second chain an edit with recomputed hashes would pass."""
    settings.STORAGE = tmp_path
    with transaction.atomic():
        audit.record(actor=None, act="run.reap", object="run:1")

    assert run_command()[0] == 1


@pytest.mark.parametrize(
    "content",
    [
        head_line(audit.Head(index=12, hash="ab" * 32)),
        "| Audit chain | entry 12, `" + "ab" * 32 + "` |",
        json.dumps({"run": 1, "audit_chain": {"index": 12, "head": "ab" * 32}}),
        PREDICATE.decode(),
        json.dumps({"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(PREDICATE).decode()}),
        '{"index": 12, "previous_hash": "x", "hash": "' + "ab" * 32 + '"}\n',
    ],
)
def test_a_head_is_found_in_whatever_left(content: str) -> None:
    """Reports, certificates and exports name it in their own way."""
    assert heads_in(content.encode()) == (audit.Head(index=12, hash="ab" * 32),)


@pytest.mark.parametrize(
    "content", ["", "[]", "nothing", '{"payloadType": "x", "payload": "!"}', '{"index": 3}', '{"previous_hash": 1}']
)
def test_no_head_is_found_where_there_is_none(content: str) -> None:
    """Whatever somebody hands in."""
    assert heads_in(content.encode()) == ()
