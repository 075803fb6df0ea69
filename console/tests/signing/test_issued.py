"""Certificates of real decisions: issued with them, bundled, printed, checked on another machine, and outlived."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from console import dsse, signing_keys
from console.actions.certificates import bundle_of, export_bundle
from console.actions.deciding import revoke_release
from console.actions.keys import rotate_signing_key
from console.certificate.check import EXIT_GENUINE, check_certificate
from console.certificate.status import Standing
from console.certificates import (
    BundleIncomplete,
    CertificateDamaged,
    known_keys,
    printed,
    status_now,
    status_of,
    trusted_keys,
)
from console.kernel import audit, triggers
from console.kernel.authority import Role
from console.kernel.errors import NotFound
from console.kernel.models import AuditEntry
from console.models import Certificate, ReleaseRequest
from console.release_states import ClosingRule, ConditionKind, Seat, Word
from console.tests.people import actor_with
from console.tests.releases.conftest import storage
from console.tests.signing.certificates import sha256
from console.tests.signing.releases import close_and_go, release
from console.tests.test_environment import ROOT
from console.tests.waiting import PATIENT_SECONDS
from testruns.evidence import EvidenceDamaged, path_of
from testruns.models import RunEvidence

__all__ = ["storage"]
pytestmark = pytest.mark.django_db
KEY = ("--key", "key.pem")


def predicate_of(certificate: Certificate) -> dict[str, Any]:
    """What the certificate says."""
    predicate: dict[str, Any] = json.loads(dsse.read(certificate.envelope).body)["predicate"]
    return predicate


def verify(*arguments: str | Path) -> tuple[int, str]:
    """Run the command here; exit code and output."""
    out = io.StringIO()
    try:
        call_command("verify_certificate", *map(str, arguments), stdout=out, stderr=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def file_of(certificate: Certificate, directory: Path) -> Path:
    """The certificate as a file."""
    path = directory / f"{certificate.pk}.json"
    path.write_text(certificate.envelope)
    return path


def test_a_go_yields_a_certificate_that_names_everything() -> None:
    """Subject, people, gates, evidence and the head of the audit chain after the decision's own entry."""
    released = release()
    said = predicate_of(released.certificate)

    assert (said["decision"], said["phase"], said["manifestDigest"]) == (
        "GO",
        "urn:gatehouse:phase:5a",
        released.request.manifest_digest,
    )
    assert said["decisionDigest"] == released.decision.digest
    assert [(one["seat"], one["printedName"], one["zone"]) for one in said["signatures"]] == [
        ("ENGINEER", "Erin Engineer", "Europe/Berlin"),
        ("TESTER", "Tess Tester", "Europe/Berlin"),
        ("REVIEWER", "Rae Reviewer", "Europe/Berlin"),
        ("SUPERVISOR", "Sünje Supervisor", "Europe/Berlin"),
    ]
    assert {gate["id"]: gate["verdict"] for gate in said["gates"]} == dict.fromkeys("ABCDE", "PASS")
    assert all(len(gate["evidenceDigests"]) == 2 for gate in said["gates"])
    decided = AuditEntry.objects.get(act="request.decide", outcome="done")
    assert said["auditChain"]["head"] == AuditEntry.objects.get(pk=said["auditChain"]["index"]).hash
    assert said["auditChain"]["index"] >= decided.index
    assert released.certificate.digest == sha256(dsse.read(released.certificate.envelope).body)
    assert released.certificate.key_id in known_keys()
    assert audit.verify_chain().is_sound


def test_only_a_go_has_a_summary_and_a_no_go_has_no_certificate() -> None:
    """Who knows only summaries opens for GO alone."""
    conditional = release(Word.CONDITIONAL)
    assert (bool(conditional.certificate.vsa), predicate_of(conditional.certificate)["decision"]) == (
        False,
        "CONDITIONAL",
    )
    [condition] = predicate_of(conditional.certificate)["conditions"]
    assert (condition["id"], condition["owner"], "closingDigest" in condition) == ("C1", "Tess Tester", False)

    go = close_and_go(conditional)

    assert go.certificate.vsa
    [condition] = predicate_of(go.certificate)["conditions"]
    assert len(condition["closingDigest"]) == 64
    assert predicate_of(go.certificate)["number"] == 2


@pytest.mark.parametrize("rule", ClosingRule)
def test_what_closed_the_conditions_is_in_the_bundle(rule: ClosingRule) -> None:
    """The closing itself and its proof, a file or the manifest of a run; the earlier certificate keeps its own list."""
    conditional = release(Word.CONDITIONAL, closing_rule=rule)
    go = close_and_go(conditional)

    for certificate, has_closings in ((conditional.certificate, False), (go.certificate, True)):
        with bundle_of(certificate) as bundle:
            content = bundle.read()
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        assert any(name.startswith("closings/") for name in names) is has_closings
        assert check_certificate(content=content, keys=trusted_keys(), now=timezone.now()).exit_code == EXIT_GENUINE


def test_a_decision_that_cannot_be_certified_is_not_taken() -> None:
    """With a signing key that others can read there is no release: decision, signature and state roll back together."""
    key = signing_keys_directory().with_name("signing.pem")
    key.chmod(0o644)
    try:
        with pytest.raises(signing_keys.SigningKeyExposed):
            release()
    finally:
        key.chmod(0o600)

    assert not Certificate.objects.exists()
    assert ReleaseRequest.objects.get().state == "OPEN"
    assert AuditEntry.objects.filter(act="request.decide", code="signing-key-exposed").count() == 1


def test_the_bundle_verifies_and_is_the_same_every_time(tmp_path: Path) -> None:
    """Envelopes, manifest and every listed file, byte for byte the same at each download; each export on record."""
    released = release()
    auditor = actor_with(Role.AUDITOR)
    with export_bundle(actor=auditor, certificate_id=released.certificate.pk) as bundle:
        first = bundle.read()
    with export_bundle(actor=auditor, certificate_id=released.certificate.pk) as bundle:
        assert bundle.read() == first

    names = zipfile.ZipFile(io.BytesIO(first)).namelist()
    assert names[0] == "certificate.intoto.jsonl"
    kinds = {name.partition("/")[0] for name in names[1:]}
    assert kinds >= {"manifest", "policy", "decisions", "run-manifests", "sign-offs", "reviews", "evidence"}
    assert len(names) - 2 == len(predicate_of(released.certificate)["evidence"])
    checked = check_certificate(content=first, keys=trusted_keys(), now=timezone.now())
    assert checked.exit_code == EXIT_GENUINE
    assert AuditEntry.objects.filter(act="certificate.export").count() == 2
    with pytest.raises(NotFound):
        export_bundle(actor=auditor, certificate_id=0)


def test_a_bundle_is_only_made_of_what_was_signed() -> None:
    """Evidence changed on disk, or a row changed past the triggers: no bundle instead of a false one."""
    released = release()
    digest = RunEvidence.objects.filter(run__bound_in__request=released.request).values_list("evidence_id", flat=True)[
        0
    ]
    path = path_of(digest)
    kept = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(b"something else")
    with pytest.raises(EvidenceDamaged):
        bundle_of(released.certificate)
    with pytest.raises(CommandError, match="was changed"):
        call_command("certificate_bundle", released.certificate.digest, str(path.with_name("bundle.zip")))
    path.write_bytes(kept)

    triggers.drop()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE console_signoff SET content = '{}' WHERE seat = 'TESTER'")
    with pytest.raises(BundleIncomplete):
        bundle_of(released.certificate)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE console_decision SET digest = %s", ["0" * 64])
    with pytest.raises(BundleIncomplete):
        bundle_of(Certificate.objects.get())


def test_another_machine_needs_only_the_public_key(tmp_path: Path) -> None:
    """The command with --key on an empty storage and no database: the bundle verifies, a flipped byte does not."""
    released = release()
    call_command("certificate_bundle", released.certificate.digest[:12], str(tmp_path / "b.zip"), stdout=io.StringIO())
    call_command("certificate_status", str(tmp_path / "status.json"))
    key = tmp_path / "key.pem"
    key.write_bytes((signing_keys_directory() / f"{released.certificate.key_id}.pem").read_bytes())

    good = elsewhere(tmp_path, "b.zip", *KEY)
    known = elsewhere(tmp_path, "b.zip", *KEY, "--status", "status.json", "--require-status")
    unknown = elsewhere(tmp_path, "b.zip", *KEY, "--require-status")
    keyless = elsewhere(tmp_path, "b.zip")
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "b.zip").write_bytes(content)
    bad = elsewhere(tmp_path, "b.zip", *KEY)

    assert good.returncode == 0, good.stderr
    assert good.stdout.splitlines()[-2] == "GENUINE, and within its own dates."
    assert "were NOT checked" in good.stdout.splitlines()[-1]
    assert known.returncode == 0
    assert known.stdout.splitlines()[-1].endswith("the release stands.")
    assert unknown.returncode == 3
    assert bad.returncode == 1
    assert (keyless.returncode, "name --key FILE" in keyless.stderr) == (4, True)


def signing_keys_directory() -> Path:
    """Where the public halves are."""
    return Path(settings.STORAGE) / "keys" / "public"


def elsewhere(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as another machine would run it: no database, no keys of its own."""
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", "verify_certificate", *arguments],
        cwd=directory,
        env=os.environ | {"GATEHOUSE_STORAGE": str(directory / "empty"), "DJANGO_SETTINGS_MODULE": "console.settings"},
        capture_output=True,
        text=True,
        timeout=PATIENT_SECONDS,
    )


def test_the_installation_itself_knows_how_the_release_stands(tmp_path: Path) -> None:
    """Without --key the command asks the rows: stands, then revoked with the reason."""
    released = release()
    path = file_of(released.certificate, tmp_path)
    assert verify(path)[0] == 0

    revoke_release(
        actor=released.people[Seat.SUPERVISOR], decision_id=released.decision.pk, reason="The wrong build was tested."
    )

    exit_code, said = verify(path)
    assert exit_code == 3
    assert "The wrong build was tested." in said
    assert said.splitlines()[-1].endswith("the release was REVOKED.")
    assert "GENUINE, but NOT IN FORCE." in said


def test_a_signed_status_carries_a_revocation_to_other_machines(tmp_path: Path) -> None:
    """Yesterday's file still says that it stands; the next one does not."""
    released = release()
    path, key = file_of(released.certificate, tmp_path), tmp_path / "keys.json"
    key.write_text(json.dumps(signing_keys.published(directory=signing_keys_directory().parent)))
    call_command("certificate_status", str(tmp_path / "before.json"))
    revoke_release(
        actor=released.people[Seat.SUPERVISOR], decision_id=released.decision.pk, reason="The wrong build was tested."
    )
    call_command("certificate_status", str(tmp_path / "after.json"))

    assert verify(path, "--key", key, "--status", tmp_path / "before.json")[0] == 0
    assert verify(path, "--key", key, "--status", tmp_path / "after.json")[0] == 3
    assert verify(path, "--key", key, "--status", path)[0] == 1
    out = io.StringIO()
    call_command("certificate_status", stdout=out)
    assert dsse.read(out.getvalue()).payload_type == "application/vnd.gatehouse.certificate-status+json"


def test_a_release_that_was_replaced_is_superseded() -> None:
    """By the GO that follows its conditions, and by the next release of the phase."""
    conditional = release(Word.CONDITIONAL)
    assert status_of(conditional.certificate, now=timezone.now()).standing is Standing.STANDS
    assert status_of(conditional.certificate, now=timezone.now()).open_conditions == ("C1",)
    go = close_and_go(conditional)
    now = timezone.now()
    assert status_of(Certificate.objects.get(pk=conditional.certificate.pk), now=now).standing is Standing.SUPERSEDED
    assert status_of(go.certificate, now=now).standing is Standing.STANDS

    release(Word.GO)

    statuses = status_now(now=timezone.now()).certificates
    assert [one.standing.value for one in statuses.values()].count("SUPERSEDED") == 2
    assert statuses[go.certificate.digest].standing is Standing.SUPERSEDED


def test_an_overdue_condition_lapses_the_certificate_by_itself() -> None:
    """Nobody writes anything: the day after the due date is enough."""
    released = release(Word.CONDITIONAL, kind=ConditionKind.BEFORE_USE)
    later = timezone.now() + timedelta(days=9)

    assert status_of(released.certificate, now=later).standing is Standing.LAPSED
    assert status_of(released.certificate, now=timezone.now() + timedelta(days=31)).standing is Standing.LAPSED


def test_certificates_outlive_the_key_that_signed_them(tmp_path: Path) -> None:
    """After a rotation the old certificate is genuine and the next one is signed by the new key."""
    first = release()
    rotation = rotate_signing_key(actor=actor_with(Role.ADMINISTRATOR))
    second = release(phase="5a")

    assert first.certificate.key_id == rotation.before
    assert second.certificate.key_id == rotation.after
    assert verify(file_of(first.certificate, tmp_path))[0] == 3  # superseded, and genuine
    assert verify(file_of(second.certificate, tmp_path))[0] == 0


def test_a_key_that_is_not_on_record_is_not_trusted_here(tmp_path: Path) -> None:
    """Somebody puts a public half into the directory and a certificate signed by it into a mail."""
    released = release()
    theirs = tmp_path / "theirs"
    key_id = signing_keys.create_first(directory=theirs)
    place = signing_keys_directory() / f"{key_id}.pem"
    place.write_bytes((theirs / "public" / f"{key_id}.pem").read_bytes())
    body = dsse.read(released.certificate.envelope).body
    forged = dsse.sign(payload_type=dsse.IN_TOTO, body=body, key=signing_keys.signing_key(directory=theirs))
    (tmp_path / "forged.json").write_text(forged.as_text())
    try:
        exit_code, said = verify(tmp_path / "forged.json")
    finally:
        place.unlink()

    assert exit_code == 1
    assert "another key" in said


def test_the_printed_certificate_shows_what_was_signed() -> None:
    """Names, roles, meanings, both times, digests, conditions and the head of the audit chain."""
    released = release(Word.CONDITIONAL)

    paper = printed(released.certificate, now=timezone.now())

    assert (paper.phase, paper.word, paper.number) == ("5a", "CONDITIONAL", 1)
    assert paper.reason == "One warning is left to look at."
    assert [(one.printed_name, one.role, one.meaning) for one in paper.signatures] == [
        ("Erin Engineer", "engineer", "authorship"),
        ("Tess Tester", "tester", "execution"),
        ("Rae Reviewer", "reviewer", "review"),
        ("Sünje Supervisor", "supervisor", "conditional-approval"),
    ]
    signed = paper.signatures[0].signed
    assert signed.utc == signed.local
    assert (signed.zone, signed.local.tzinfo) == ("Europe/Berlin", ZoneInfo("Europe/Berlin"))
    assert paper.valid_until.utc - paper.decided.utc == timedelta(days=30)
    assert [(one.id, one.owner, one.is_open) for one in paper.conditions] == [("C1", "Tess Tester", True)]
    assert paper.audit_head == AuditEntry.objects.get(pk=paper.audit_index).hash
    assert (paper.standing, paper.has_summary, paper.digest) == (Standing.STANDS, False, released.certificate.digest)


def test_a_certificate_altered_in_the_database_is_not_printed() -> None:
    """Somebody with SQL access writes another name into the payload."""
    released = release()
    triggers.drop()
    body = dsse.read(released.certificate.envelope).body.replace(b"Erin Engineer", b"Eric Engineer")
    content = json.loads(released.certificate.envelope)
    content["payload"] = json.loads(dsse.Envelope(payload_type="", body=body, signatures=()).as_text())["payload"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE console_certificate SET envelope = %s", [json.dumps(content)])
    altered = Certificate.objects.get()

    with pytest.raises(CertificateDamaged, match="changed or swapped"):
        printed(altered, now=timezone.now())
    with pytest.raises(CertificateDamaged):
        bundle_of(altered)


def test_files_that_cannot_be_read_end_in_code_four(tmp_path: Path) -> None:
    """Not to be mistaken for a verdict."""
    wrong_key = tmp_path / "key.pem"
    wrong_key.write_text("nothing")
    released = release()
    path = file_of(released.certificate, tmp_path)

    assert verify(tmp_path / "missing.json")[0] == 4
    assert verify(path, "--key", wrong_key)[0] == 4
    assert verify(path, "--status", tmp_path / "missing.json")[0] == 4
    with pytest.raises(CommandError):
        call_command("verify_certificate")
    with pytest.raises(CommandError, match="exactly one"):
        call_command("certificate_bundle", "00ff", str(tmp_path / "b.zip"))
    for command in (["certificate_bundle", released.certificate.digest], ["certificate_status"]):
        with pytest.raises(SystemExit) as end:
            call_command(*command, str(tmp_path), stderr=io.StringIO())
        assert end.value.code == 4
