"""Checking a certificate offline: genuine ones pass, and every way of cheating is refused with its reason."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from console import dsse
from console.attestations import DecisionFacts, decision_statement
from console.certificate.bundle import BundleFile, envelope_lines
from console.certificate.check import EXIT_GENUINE, EXIT_NOT_IN_FORCE, EXIT_WRONG, Checked, Result, check_certificate
from console.certificate.status import (
    CLOCK_SKEW_MAX,
    PAYLOAD_TYPE,
    Standing,
    Status,
    StatusFromTheFuture,
    StatusMalformed,
    StatusTooOld,
    read_status,
)
from console.tests.signing.certificates import (
    CONDITION,
    CONDITIONAL_FACTS,
    DECIDED,
    FACTS,
    KEY,
    KEYS,
    MANIFEST,
    NOW,
    OTHER_KEY,
    OUTPUT,
    bundle,
    decision_envelope,
    sha256,
    status,
    status_file,
    summary_envelope,
)
from ledger import canonical_bytes


def check(
    content: str | bytes, *, now: datetime = NOW, status: Status | None = None, is_status_required: bool = False
) -> Checked:
    """Check with the trusted key, a day after the decision."""
    content = content.encode() if isinstance(content, str) else content
    return check_certificate(content=content, keys=KEYS, now=now, status=status, is_status_required=is_status_required)


def lines_of(checked: Checked) -> list[str]:
    """The whole answer in English, the last line included."""
    return [one.said(str) for one in (*checked.checks, checked.last)]


def refusal_of(checked: Checked) -> str:
    """The first thing that failed."""
    return next(one.said(str) for one in checked.checks if one.result is Result.FAILED)


def signed(statement: object) -> str:
    """Any statement, signed by our key."""
    return dsse.sign(payload_type=dsse.IN_TOTO, body=canonical_bytes(statement), key=KEY).as_text()


def altered(facts: DecisionFacts = FACTS, **members: Any) -> str:
    """A decision with other members, signed by our key all the same; None takes a member away."""
    statement = json.loads(decision_statement(facts))
    for name, value in members.items():
        statement["predicate"][name] = value
        if value is None:
            del statement["predicate"][name]
    return signed(statement)


def test_a_genuine_certificate_passes_and_says_what_was_not_checked() -> None:
    """Signature, signers and dates are listed; the last line says that nobody was asked about revocation."""
    checked = check(decision_envelope())

    assert checked.exit_code == EXIT_GENUINE
    assert checked.digest == sha256(decision_statement(FACTS))
    assert lines_of(checked) == [
        f"The decision is signed by key {next(iter(KEYS))}.",
        f"It releases urn:gatehouse:phase:5a by the decision GO of 2026-01-15T12:00:00.000000Z, over manifest "
        f"{FACTS.manifest_digest}.",
        "Signed by Erin Engineer (engineer, approval); Tess Tester (tester, approval); Rae Reviewer (reviewer, "
        "approval); Sünje Supervisor (supervisor, approval).",
        "It is valid from 2026-01-15T12:00:00.000000Z to 2026-02-14T12:00:00.000000Z.",
        "Revocation and conditions were NOT checked: hand over a status file at most 24 hours old.",
    ]


def test_all_forms_of_the_file_are_read() -> None:
    """One envelope, laid out or not; envelopes in lines in any order; the whole bundle."""
    envelope = decision_envelope()
    forms: list[str | bytes] = [
        envelope,
        json.dumps(json.loads(envelope), indent=2),
        envelope_lines(envelope, summary_envelope()),
        envelope_lines(summary_envelope(), envelope),
        bundle(),
        bundle(BundleFile(name="evidence/", content=b"")),  # unpacked, and packed anew with its folders
    ]

    assert [check(form).exit_code for form in forms] == [EXIT_GENUINE] * len(forms)
    assert "Manifest and evidence are complete and unchanged: 3 files." in lines_of(check(bundle()))
    assert "The verification summary belongs to this decision." in lines_of(check(bundle()))


def test_a_changed_certificate_is_refused() -> None:
    """NO_GO written over GO in the payload: the signature no longer fits."""
    content = json.loads(decision_envelope())
    body = decision_statement(FACTS).replace(b'"decision":"GO"', b'"decision":"CONDITIONAL"')
    content["payload"] = base64.b64encode(body).decode()

    checked = check(json.dumps(content))

    assert checked.exit_code == EXIT_WRONG
    assert "changed or swapped after signing" in refusal_of(checked)
    assert checked.decision is None


def test_the_payload_of_another_release_under_this_signature_is_refused() -> None:
    """Two genuine certificates do not make a third."""
    content = json.loads(decision_envelope())
    content["payload"] = json.loads(decision_envelope(replace(FACTS, phase="6a")))["payload"]

    checked = check(json.dumps(content))

    assert (checked.exit_code, "swapped" in refusal_of(checked)) == (EXIT_WRONG, True)


def test_a_certificate_signed_anew_by_another_key_is_refused() -> None:
    """Whoever lacks our key can copy the words and nothing else, whatever key id they write."""
    forged = json.loads(decision_envelope(key=OTHER_KEY))
    assert "signed by another key" in refusal_of(check(json.dumps(forged)))
    forged["signatures"][0]["keyid"] = next(iter(KEYS))

    checked = check(json.dumps(forged))

    assert (checked.exit_code, checked.decision) == (EXIT_WRONG, None)


def test_every_cut_of_the_file_is_refused() -> None:
    """Wherever it ends: an envelope, lines of envelopes, a bundle."""
    for whole in (decision_envelope().encode(), envelope_lines(decision_envelope(), summary_envelope()), bundle()):
        for length in range(0, len(whole) - 1, 97):
            if whole[:length].rstrip() != decision_envelope().encode():  # cut between the lines it is a whole one
                assert check(whole[:length]).exit_code == EXIT_WRONG
    assert "cut" in refusal_of(check(decision_envelope()[:-40]))
    assert "cut" in refusal_of(check(bundle()[:-40]))


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"hello", b"{}", b"PK", b"PK\x03\x04 no zip", b"[]", b"\n\n"])
def test_what_is_no_certificate_at_all_is_refused(content: bytes) -> None:
    """Any file may be handed in."""
    checked = check(content)

    assert checked.exit_code == EXIT_WRONG
    assert lines_of(checked)[-1].startswith("Revocation and conditions were NOT checked")


def test_a_summary_alone_releases_nothing() -> None:
    """The file must hold the decision, and only one."""
    assert "holds no release decision" in refusal_of(check(summary_envelope()))
    two = envelope_lines(decision_envelope(), decision_envelope(replace(FACTS, phase="6a")))
    assert "2 release decisions" in refusal_of(check(two))


def test_a_summary_beside_a_decision_that_is_not_go_is_refused() -> None:
    """Otherwise a reader who knows only summaries would take the conditional release for a whole one."""
    conditional = envelope_lines(decision_envelope(CONDITIONAL_FACTS), summary_envelope(FACTS))

    assert "decision differs" in refusal_of(check(conditional))


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (replace(FACTS, manifest_digest="0" * 64), "subject"),
        (replace(FACTS, phase="6a"), "resourceUri"),
        (replace(FACTS, policy=replace(FACTS.policy, digest="0" * 64)), "policy"),
        (replace(FACTS, reason="another decision"), "inputAttestations"),
    ],
)
def test_the_summary_of_another_decision_is_refused(other: DecisionFacts, field: str) -> None:
    """It must speak of the same manifest, phase, policy and envelope."""
    checked = check(envelope_lines(decision_envelope(), summary_envelope(other)))

    assert checked.exit_code == EXIT_WRONG
    assert f"{field} differs" in refusal_of(checked)


def test_a_stranger_beside_the_decision_is_refused() -> None:
    """Another signed statement in the file belongs there no more than an unsigned one."""
    stranger = signed({"_type": "https://in-toto.io/Statement/v1", "predicateType": "x", "predicate": {}})

    assert "predicateType" in refusal_of(check(envelope_lines(decision_envelope(), stranger)))
    assert check(envelope_lines(decision_envelope(), summary_envelope(key=OTHER_KEY))).exit_code == EXIT_WRONG


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"manifestDigest": "0" * 64}, "subject"),
        ({"decision": "NO_GO"}, "decision"),
        ({"decision": None}, "decision"),
        ({"phase": 5}, "phase"),
        ({"policy": {"uri": "x"}}, "policy"),
        ({"evidence": "all"}, "evidence"),
        ({"validUntil": "soon"}, "soon"),
        ({"validUntil": "2026-02-14T12:00:00"}, "validUntil"),
        ({"validFrom": 5}, "fromisoformat"),
        ({"conditions": [{"id": "C1"}]}, "due"),
        ({"conditions": [{"id": 1, "text": "", "kind": "", "due": "2026-01-01"}]}, "conditions"),
        ({"signatures": []}, "signatures"),
        ({"signatures": [{"seat": "ENGINEER"}]}, "person"),
        ({"signatures": None}, "signatures"),
    ],
)
def test_signed_but_malformed_is_refused_by_the_member(members: dict[str, Any], field: str) -> None:
    """Our signature on something else than a release decision proves nothing."""
    checked = check(altered(**members))

    assert checked.exit_code == EXIT_WRONG
    assert field in refusal_of(checked)


def test_statements_of_no_known_form_are_refused() -> None:
    """A text, a list, a statement without type or predicate."""
    kind = json.loads(decision_statement(FACTS))["predicateType"]
    wrong: list[object] = ["text", [], {"_type": "x"}]
    for statement in [*wrong, {"_type": "https://in-toto.io/Statement/v1", "predicateType": kind}]:
        assert check(signed(statement)).exit_code == EXIT_WRONG
    broken = dsse.sign(payload_type=dsse.IN_TOTO, body=b"{", key=KEY).as_text()
    assert "JSON" in refusal_of(check(broken))


def test_one_person_in_two_seats_is_refused() -> None:
    """What the console never issues is not accepted either."""
    twice = replace(FACTS.signatures[1], person=FACTS.signatures[0].person)

    checked = check(decision_envelope(replace(FACTS, signatures=(FACTS.signatures[0], twice, *FACTS.signatures[2:]))))

    assert (checked.exit_code, "signatures" in refusal_of(checked)) == (EXIT_WRONG, True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bundle(without=OUTPUT), "1 files that the decision lists are missing"),
        (bundle(without=MANIFEST), "1 files that the decision lists are missing"),
        (bundle(evidence=b"something else"), "was changed"),
        (bundle(manifest=b"{}"), "was changed"),
        (bundle(BundleFile(name=f"evidence/{sha256(b'x')}.json", content=b"x")), "does not list it"),
        (bundle(BundleFile(name="READ ME FIRST.txt", content=b"x")), "was changed"),
    ],
)
def test_a_bundle_is_exactly_what_the_decision_lists(content: bytes, reason: str) -> None:
    """Missing, changed and added files are told apart."""
    checked = check(content)

    assert checked.exit_code == EXIT_WRONG
    assert reason in refusal_of(checked)


def test_bundles_that_lie_about_themselves_are_refused() -> None:
    """A name twice, a claim of a terabyte, a flipped byte, a bundle without envelopes."""
    whole = bundle()
    flipped = bytearray(whole)
    flipped[whole.index(OUTPUT)] ^= 1
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    huge = whole.replace(len(OUTPUT).to_bytes(4, "little") * 2, (2**31).to_bytes(4, "little") * 2)
    twice = bundle(BundleFile(name=f"evidence/{sha256(OUTPUT)}.jsox", content=OUTPUT)).replace(b".jsox", b".json")

    for content in (bytes(flipped), empty.getvalue(), twice):
        assert "cut or damaged" in refusal_of(check(content))
    assert "more than a certificate can" in refusal_of(check(huge))


def test_the_same_certificate_always_makes_the_same_bundle() -> None:
    """Byte for byte, whenever it is downloaded."""
    assert bundle() == bundle()
    assert sha256(bundle()) == "865505d9a5d3fe0e64e07674b5807bd99c966c3973d7f456a6615af3a18e2a95"


@pytest.mark.parametrize(
    ("after", "exit_code"),
    [
        (timedelta(0), EXIT_GENUINE),
        (timedelta(days=30) - timedelta(microseconds=1), EXIT_GENUINE),
        (timedelta(days=30), EXIT_NOT_IN_FORCE),
        (timedelta(days=300), EXIT_NOT_IN_FORCE),
        (-timedelta(microseconds=1), EXIT_NOT_IN_FORCE),
    ],
)
def test_a_certificate_holds_within_its_own_dates(after: timedelta, exit_code: int) -> None:
    """Genuine and over is told apart from wrong, even where a status says that it stands."""
    now = DECIDED + after

    assert check(decision_envelope(), now=now).exit_code == exit_code
    assert check(decision_envelope(), now=now, status=status(at=now)).exit_code == exit_code


def test_an_overdue_condition_lapses_what_nobody_vouches_for() -> None:
    """A status may say that it was closed; without one it counts as open."""
    due = DECIDED + timedelta(days=8)
    before = DECIDED + timedelta(days=7)
    late = check(decision_envelope(CONDITIONAL_FACTS), now=due)

    assert check(decision_envelope(CONDITIONAL_FACTS), now=before).exit_code == EXIT_GENUINE
    assert late.exit_code == EXIT_NOT_IN_FORCE
    assert refusal_of(late).startswith("Condition C1 was due on 2026-01-22")
    closed = status(CONDITIONAL_FACTS, at=due)
    assert check(decision_envelope(CONDITIONAL_FACTS), now=due, status=closed).exit_code == EXIT_GENUINE


def test_a_condition_that_was_closed_before_the_go_is_never_overdue() -> None:
    """The second decision carries its conditions with what closed them."""
    go = replace(FACTS, number=2, conditions=(replace(CONDITION, closing_digest="8" * 64),))

    assert check(decision_envelope(go), now=DECIDED + timedelta(days=20)).exit_code == EXIT_GENUINE


@pytest.mark.parametrize(
    ("standing", "exit_code", "word"),
    [
        (Standing.STANDS, EXIT_GENUINE, "stands"),
        (Standing.LAPSED, EXIT_NOT_IN_FORCE, "LAPSED"),
        (Standing.REVOKED, EXIT_NOT_IN_FORCE, "REVOKED"),
        (Standing.SUPERSEDED, EXIT_NOT_IN_FORCE, "SUPERSEDED"),
    ],
)
def test_the_last_line_says_how_the_release_stands(standing: Standing, exit_code: int, word: str) -> None:
    """From a signed status file: asked, when, and the answer."""
    signed_status = read_status(
        status_file(status(standing=standing, reason="The build was wrong.")), keys=KEYS, now=NOW
    )

    checked = check(decision_envelope(), status=signed_status, is_status_required=True)

    assert checked.exit_code == exit_code
    assert word in lines_of(checked)[-1]
    assert "2026-01-16T12:00:00.000000Z" in lines_of(checked)[-1]
    assert "The reason given: The build was wrong." in lines_of(checked)


def test_open_conditions_are_listed_from_the_status() -> None:
    """Their words come from the certificate, that they are open from the status."""
    known = status(CONDITIONAL_FACTS, open_conditions=("C1", "C9"))

    lines = lines_of(check(decision_envelope(CONDITIONAL_FACTS), status=known))

    assert "Condition C1 must be met by 2026-01-22 while in use; it is open: Re-test within 7 days" in lines
    assert "Condition C9 must be met by ? while in use; it is open: ?" in lines


def test_who_requires_a_status_is_not_content_without() -> None:
    """Unknown is not in force; a certificate that the status does not list is neither."""
    assert check(decision_envelope(), is_status_required=True).exit_code == EXIT_NOT_IN_FORCE
    of_another = status(replace(FACTS, phase="6a"))

    checked = check(decision_envelope(), status=of_another)

    assert checked.exit_code == EXIT_NOT_IN_FORCE
    assert "not listed" in lines_of(checked)[-1]


def test_a_status_counts_for_a_day() -> None:
    """Older ones and those from the future are refused."""
    content = status_file(status())
    read_status(content, keys=KEYS, now=NOW + timedelta(hours=24))
    read_status(content, keys=KEYS, now=NOW - CLOCK_SKEW_MAX)

    with pytest.raises(StatusTooOld):
        read_status(content, keys=KEYS, now=NOW + timedelta(hours=24, microseconds=1))
    with pytest.raises(StatusFromTheFuture):
        read_status(content, keys=KEYS, now=NOW - CLOCK_SKEW_MAX - timedelta(microseconds=1))


def test_a_status_is_as_hard_to_forge_as_a_certificate() -> None:
    """Signed by another key, a certificate in its place, of another form: refused."""
    with pytest.raises(dsse.OtherKey):
        read_status(status_file(status(), key=OTHER_KEY), keys=KEYS, now=NOW)
    with pytest.raises(dsse.OtherPayload):
        read_status(decision_envelope().encode(), keys=KEYS, now=NOW)
    with pytest.raises(dsse.OtherPayload):
        dsse.verify(dsse.read(status_file(status())), keys=KEYS)
    for body in (b"{}", b"[]", b"{", b'{"format":2}', b'{"format":1,"at":"never"}'):
        text = dsse.sign(payload_type=PAYLOAD_TYPE, body=body, key=KEY).as_text()
        with pytest.raises(StatusMalformed):
            read_status(text.encode(), keys=KEYS, now=NOW)


BEFORE_USE = replace(CONDITION, kind="BEFORE_USE")


def test_offline_every_open_condition_of_a_conditional_is_named() -> None:
    """Whoever checks without a status learns what must be met before use, and by when."""
    closed = replace(CONDITION, id="C3", closing_digest="a" * 64)
    facts = replace(CONDITIONAL_FACTS, conditions=(BEFORE_USE, replace(CONDITION, id="C2"), closed))

    checked = check(decision_envelope(facts))

    lines = lines_of(checked)
    assert checked.exit_code == EXIT_GENUINE
    assert (
        "NOT TO BE USED before condition C1 is met (due 2026-01-22); it was open when this was signed: "
        "Re-test within 7 days"
    ) in lines
    assert (
        "Condition C2 must be met by 2026-01-22 while in use; it was open when this was signed: Re-test within 7 days"
    ) in lines
    assert not any("C3" in line for line in lines)


def test_a_status_says_which_conditions_stand_before_use() -> None:
    """As it is now, not as it was when the certificate was signed."""
    facts = replace(CONDITIONAL_FACTS, conditions=(BEFORE_USE,))

    lines = lines_of(check(decision_envelope(facts), status=status(facts, open_conditions=("C1",))))

    said = "NOT TO BE USED before condition C1 is met (due 2026-01-22); it is open: Re-test within 7 days"
    assert [line for line in lines if "C1" in line] == [said]


def test_each_signature_of_a_go_says_what_it_is_under() -> None:
    """The decision and its summary are two statements; anything else is named by its type."""
    key = next(iter(KEYS))

    lines = lines_of(check(envelope_lines(decision_envelope(), summary_envelope())))

    assert lines[:2] == [f"The decision is signed by key {key}.", f"The verification summary is signed by key {key}."]
    other = signed({"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:other"})
    assert any("A statement of type urn:other is signed by key" in one.said(str) for one in check(other).checks)
