"""The authority table at every address of the console: who may not is refused by the act itself and leaves one entry.

Every address stands here: one that is added without a line makes the first test fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from console.kernel.authority import Act, Role, may
from console.kernel.models import AuditEntry, Person
from console.models import ReleaseRequest
from console.tests.people import PASSWORD
from console.tests.releases.people import WHY, Team, signer
from ledger.actions import live_ledger
from ledger.conf import live_journal
from ledger.tests.approvals.conftest import request_approval
from ledger.verifying.starting import place_of
from testruns import actions as runs_actions
from testruns.models import PolicyDraft
from testruns.scenarios import SCENARIOS

pytestmark = pytest.mark.django_db
NOWHERE = 999_999  # the number of nothing: the authority is looked at before the thing is


@dataclass(frozen=True, kw_only=True)
class World:
    """What forms speak of: an open request, a policy draft that is edited, a credit approval that waits."""

    request: ReleaseRequest
    draft: PolicyDraft
    approval: str


@dataclass(frozen=True, kw_only=True)
class Door:
    """An address at which a POST does an act. args: of the address; sends: a form that would pass."""

    name: str
    act: Act
    args: Sequence[Any] = ()
    sends: Callable[[World], dict[str, Any]] = field(default=lambda _world: {"reason": WHY})

    def address(self, world: World) -> str:
        """Where it is; an argument that is a function asks the world."""
        return reverse(f"admin:{self.name}", args=[one(world) if callable(one) else one for one in self.args])


def _request(world: World) -> int:
    return world.request.pk


def _signature(world: World) -> dict[str, Any]:
    sent = {"manifest_digest": world.request.manifest_digest, "password": PASSWORD, "zone": "UTC"}
    rows = {"conditions-TOTAL_FORMS": "0", "conditions-INITIAL_FORMS": "0"}
    return sent | rows | {"meaning": "responsibility", "word": "NO_GO", "reason": WHY}


def _review(_world: World) -> dict[str, Any]:
    rows = [f"{name}-{count}_FORMS" for name in ("findings", "risks", "answers", "proposed") for count in _COUNTS]
    return dict.fromkeys(rows, "0") | {"scope": "everything"}


_COUNTS = ("TOTAL", "INITIAL")


def _waiver(world: World) -> dict[str, Any]:
    day = (timezone.now() + timedelta(days=2)).date().isoformat()
    return {"phase": "5a", "build": world.request.build_id, "rule_code": "E03", "expires": day, "reason": WHY}


def _definition(_world: World) -> dict[str, Any]:
    return {"number": 1, "title": "Another title", "description": "", "opened_by": ["7a"], "checks": ["journal"]}


def _run(_world: World) -> dict[str, Any]:
    return {"profile": "smoke", "scenarios": list(SCENARIOS), "concurrency": "50", "seed": "42"}


def _results(_world: World) -> dict[str, Any]:
    report = b'<testsuite name="all" tests="1"><testcase classname="a" name="b" time="1"/></testsuite>'
    return {"build": "elsewhere", "commit": "a" * 40, "junit": SimpleUploadedFile("junit.xml", report)}


def _policy(world: World) -> dict[str, Any]:
    page = _client(signer(Role.ENGINEER).person).get(reverse("admin:testruns_policy_draft_edit", args=[world.draft.pk]))
    form = page.context["form"]
    now = {name: "" if form[name].value() is None else str(form[name].value()) for name in form.fields}
    return now | {"E07-threshold": "50"}


def _person(_world: World) -> dict[str, Any]:
    return {"username": "newcomer", "printed_name": "Nina New", "email": ""}


def _token(world: World) -> dict[str, Any]:
    return {"name": "pipeline", "scopes": ["runs:read"], "days": "30", "person_id": world.request.opened_by_id}


DOORS = (
    Door(name="release_verify_journal", act=Act.VERIFY_JOURNAL, args=["5a"]),
    Door(name="release_preview", act=Act.OPEN_REQUEST, args=["5a"], sends=lambda w: {"build": w.request.build_id}),
    Door(name="release_phase_definition", act=Act.EDIT_PHASE, args=["8a"], sends=_definition),
    Door(name="release_activate_phase_edit", act=Act.ACTIVATE_PHASE, args=[NOWHERE]),
    Door(name="release_withdraw_phase_edit", act=Act.ACTIVATE_PHASE, args=[NOWHERE]),
    Door(name="release_capability", act=Act.SWITCH_CAPABILITY, args=["nothing"]),
    Door(name="release_comment", act=Act.COMMENT_REVIEW, args=[_request], sends=lambda _: {"text": WHY}),
    Door(name="release_withdraw", act=Act.WITHDRAW_REQUEST, args=[_request]),
    Door(name="release_sign", act=Act.ATTEST_IMPLEMENTATION, args=[_request, "engineer"], sends=_signature),
    Door(name="release_sign", act=Act.SIGN_AS_TESTER, args=[_request, "tester"], sends=_signature),
    Door(name="release_decide", act=Act.DECIDE_RELEASE, args=[_request], sends=_signature),
    Door(name="release_review_edit", act=Act.WRITE_REVIEW, args=[_request], sends=_review),
    Door(name="release_withdraw_sign_off", act=Act.WITHDRAW_SIGN_OFF, args=[NOWHERE]),
    Door(name="release_close_condition", act=Act.CLOSE_CONDITION, args=[NOWHERE], sends=lambda _: {"run": "1"}),
    Door(name="release_confirm_condition", act=Act.CONFIRM_CONDITION, args=[NOWHERE]),
    Door(name="release_revoke", act=Act.REVOKE_RELEASE, args=[NOWHERE]),
    Door(name="release_waivers", act=Act.REQUEST_WAIVER, sends=_waiver),
    Door(name="release_answer_waiver", act=Act.APPROVE_WAIVER, args=[NOWHERE]),
    Door(name="journal_leave_read_only", act=Act.LEAVE_READ_ONLY, sends=lambda _: {"reason": WHY}),
    Door(
        name="approval",
        act=Act.DECIDE_LEDGER_APPROVAL,
        sends=lambda w: {"request": w.approval, "decision": "approve", "justification": WHY},
    ),
    Door(name="testruns_policy_draft_begin", act=Act.EDIT_POLICY),
    Door(name="testruns_policy_draft_edit", act=Act.EDIT_POLICY, args=[lambda w: w.draft.pk], sends=_policy),
    Door(name="testruns_policy_draft_submit", act=Act.EDIT_POLICY, args=[NOWHERE]),
    Door(name="testruns_policy_draft_reopen", act=Act.EDIT_POLICY, args=[NOWHERE]),
    Door(name="testruns_policy_draft_withdraw", act=Act.EDIT_POLICY, args=[NOWHERE]),
    Door(name="testruns_policy_draft_activate", act=Act.ACTIVATE_POLICY, args=[NOWHERE]),
    Door(name="testruns_run_request", act=Act.REQUEST_RUN, sends=_run),
    Door(name="testruns_run_full", act=Act.REQUEST_RUN),
    Door(name="testruns_run_import", act=Act.IMPORT_RESULTS, sends=_results),
    Door(name="testruns_run_cancel", act=Act.CANCEL_RUN, args=[NOWHERE]),
    Door(name="testruns_run_again", act=Act.REQUEST_RUN, args=[NOWHERE]),
    Door(name="testruns_execution_again", act=Act.ATTEMPT_AGAIN, args=[NOWHERE]),
    Door(name="testruns_execution_cancel", act=Act.CANCEL_RUN, args=[NOWHERE]),
    Door(name="kernel_auditentry_export", act=Act.EXPORT_AUDIT, args=["jsonl"]),
    Door(name="kernel_person_create", act=Act.CREATE_PERSON, sends=_person),
    Door(name="kernel_person_propose_role", act=Act.PROPOSE_ROLE, args=[NOWHERE]),
    Door(name="kernel_person_confirm_role", act=Act.CONFIRM_ROLE, args=[NOWHERE]),
    Door(name="kernel_person_withdraw_role", act=Act.TAKE_ROLE, args=[NOWHERE]),
    Door(name="kernel_person_reset", act=Act.RESET_PASSWORD, args=[NOWHERE]),
    Door(name="kernel_person_confirm_reset", act=Act.CONFIRM_RESET, args=[NOWHERE]),
    Door(name="kernel_person_withdraw_reset", act=Act.RESET_PASSWORD, args=[NOWHERE]),
    Door(name="kernel_person_deactivate", act=Act.DEACTIVATE_PERSON, args=[NOWHERE]),
    Door(name="kernel_person_reactivate", act=Act.REACTIVATE_PERSON, args=[NOWHERE]),
    Door(name="own_email", act=Act.SET_OWN_EMAIL, sends=lambda _: {"email": "me@a.example", "password": PASSWORD}),
    Door(name="token_create", act=Act.CREATE_TOKEN, sends=_token),
    Door(name="token_create_for_service", act=Act.CREATE_SERVICE_TOKEN, sends=_token),
    Door(name="token_rotate", act=Act.ROTATE_TOKEN, args=[NOWHERE]),
    Door(name="token_revoke", act=Act.REVOKE_TOKEN, args=[NOWHERE]),
)
READ = {
    "index": (),
    "home_runs": (),
    "releases": (),
    "release_builds": (),
    "release_build": ("4f1d2c9ab07e6655d3a1f09b8c7e6d5c4b3a2918",),
    "release_phase": ("5a",),
    "release_request": (_request,),
    "release_manifest": (_request,),
    "release_review": (NOWHERE,),
    "release_attachment": (NOWHERE,),
    "release_condition": (NOWHERE,),
    "release_closing_file": (NOWHERE,),
    "release_certificate": (NOWHERE,),
    "release_certificate_file": (NOWHERE,),
    "release_bundle": (NOWHERE,),
    "release_waiver": (NOWHERE,),
    "journal_events": (),
    "journal_event": (1,),
    "journal_streams": (),
    "journal_accounts": (),
    "journal_account": (),
    "journal_verification": (),
    "approvals": (),
    "tokens": (),
    "testruns_policy_draft": (lambda world: world.draft.pk,),
    "testruns_run_compare": (),
    "testruns_run_change": (NOWHERE,),
    "testruns_run_live": (NOWHERE,),
    "testruns_run_report": (NOWHERE, "html"),
    "testruns_run_manifest": (NOWHERE,),
    "testruns_run_print": (NOWHERE,),
    "testruns_run_print_style": (NOWHERE,),
    "testruns_run_evidence": (NOWHERE, NOWHERE),
    "autocomplete": (),
    "jsi18n": (),
    "view_on_site": (1, 1),
    "app_list": ("testruns",),
    **{
        f"{model}_{page}": () if page in ("changelist", "add") else (NOWHERE,)
        for model in ("testruns_gatepolicy", "kernel_auditentry", "kernel_person")
        for page in ("changelist", "add", "history", "delete", "change")
    },
    "testruns_run_changelist": (),
}
"""Addresses at which a POST does nothing: name and arguments."""

OWN = {"login", "logout", "password_change", "password_change_done", "own_time_zone"}
"""What everybody does for themselves; test_sign_in and test_time_zones look at it."""

OWN |= {"own_notifications", "own_notifications_read", "own_notification_read", "own_notification_choice"}
"""And their notifications, at which tests/notifications looks."""


def _names(patterns: Sequence[URLPattern | URLResolver]) -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from _names(one.url_patterns)
        elif one.name:
            yield one.name


def _client(person: Person) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def world(request_5a: ReleaseRequest, team: Team) -> Iterator[World]:
    """One of each, and a verification that runs, so that nobody's press starts another process."""
    draft = runs_actions.draft_policy(actor=team.engineer)
    running = place_of(live_journal()).begin(at=timezone.now().isoformat(), by="Ada", records_for=None)
    assert running is not None
    yield World(request=request_5a, draft=draft, approval=request_approval(live_ledger(), "r-1"))
    os.close(running)


def _arguments(world: World, name: str) -> list[Any]:
    return [one(world) if callable(one) else one for one in READ[name]]


def post(client: Client, address: str, sent: dict[str, Any]) -> tuple[Any, list[tuple[str, str, str]]]:
    """Post, look at what is on record for it, and undo it."""
    before, cookies = AuditEntry.objects.latest("index").index, copy(client.cookies)
    point = transaction.savepoint()
    response: Any = client.post(address, sent)
    if response.streaming:
        b"".join(response.streaming_content)
    entries = AuditEntry.objects.filter(index__gt=before).exclude(act="signing_page.viewed").order_by("index")
    found = list(entries.values_list("act", "outcome", "code"))
    transaction.savepoint_rollback(point)
    client.cookies = cookies
    return response, found


def test_every_address_stands_in_the_table() -> None:
    """A page that is added without saying who may do what there is found here."""
    admin = next(one for one in get_resolver().url_patterns if str(one.pattern) == "admin/")
    assert isinstance(admin, URLResolver)

    assert set(_names(admin.url_patterns)) == {door.name for door in DOORS} | READ.keys() | OWN


def test_every_role_may_do_at_every_address_exactly_what_the_table_says(world: World) -> None:
    """Who may not: refused by the act, one entry, nothing else. Who may: whatever is wrong, it is not the role."""
    clients = {role: _client(signer(role, is_superuser=role is Role.ADMINISTRATOR).person) for role in Role}
    wrong = []
    for door in DOORS:
        address = door.address(world)
        for role, client in clients.items():
            response, entries = post(client, address, door.sends(world))
            refusal = (door.act.value, "refused", "not-allowed")
            is_allowed = may(act=door.act, roles={role})
            is_right = bool(entries) and refusal not in entries if is_allowed else entries == [refusal]
            if not is_right or response.status_code >= 500:
                wrong.append((door.name, role.value, response.status_code, entries))

    assert wrong == []


def test_nothing_happens_where_there_is_only_something_to_read(world: World) -> None:
    """A POST to a page is answered in some way, and nobody has done anything by it, not even a superuser."""
    client = _client(signer(*Role, is_superuser=True).person)
    wrong = []
    for name in READ:
        address = reverse(f"admin:{name}", args=_arguments(world, name))
        response, entries = post(client, address, {"action": "delete_selected", "_save": "1"})
        if entries or response.status_code >= 500:
            wrong.append((name, response.status_code, entries))

    assert wrong == []


def test_runs_results_journal_and_lists_answer_no_order_at_all(world: World) -> None:
    """Whoever tries to delete or edit them by hand is refused; an answer of 200 would look like a success."""
    client = _client(signer(*Role, is_superuser=True).person)
    posted = [name for name in READ if name.startswith(("testruns_run", "journal_")) or name.endswith("_changelist")]
    posted.remove("journal_verification")
    orders = [("POST", name) for name in posted] + [(method, name) for name in READ for method in ("PUT", "DELETE")]

    answers = {
        (method, name): client.generic(method, reverse(f"admin:{name}", args=_arguments(world, name))).status_code
        for method, name in orders
    }

    assert len(posted) == 17
    assert {order: status for order, status in answers.items() if status != 405} == {}


def test_nobody_without_a_role_or_a_sign_in_gets_anywhere(world: World) -> None:
    """Every door leads to the sign-in page, before anything is looked at."""
    nobody = _client(signer().person)
    for door in DOORS:
        for client in (nobody, Client()):
            response, entries = post(client, door.address(world), {})

            assert response.status_code == 302
            assert response.headers["Location"].startswith("/admin/login/")
            assert entries == []
