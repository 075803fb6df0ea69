"""The pages of policies as people use them: read, draft, edit, compare, activate, and every refusal in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.tests.people import actor_with
from testruns.actions import active_policy, draft_policy, edit_draft, open_draft, rules_of_draft, submit_draft
from testruns.models import GatePolicy, PolicyDraft
from testruns.policy_editing import PolicyEditing
from testruns.tests.imports.bringing import brought
from testruns.tests.imports.reports import UNIT

pytestmark = pytest.mark.django_db

LIST = "/admin/testruns/gatepolicy/"
LONGER = PolicyEditing(values={"release_validity_days": 60})


def signed_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(draft: PolicyDraft, act: str = "") -> str:
    return f"{LIST}draft/{draft.pk}/{act}/" if act else f"{LIST}draft/{draft.pk}/"


def entries_of(client: Client, draft: PolicyDraft) -> dict[str, Any]:
    """What the browser would send back if nobody typed anything."""
    form = client.get(address(draft, "edit")).context["form"]
    return {field.html_name: field.value() if field.value() is not None else "" for field in form}


def page_of(client: Client, path: str) -> str:
    return str(client.get(path).content.decode())


def waiting_draft(editor: Actor) -> PolicyDraft:
    draft = draft_policy(actor=editor)
    edit_draft(actor=editor, draft_id=draft.pk, version=1, editing=LONGER)
    return submit_draft(actor=editor, draft_id=draft.pk)


def test_two_people_change_a_policy_in_the_browser(engineer: Actor, supervisor: Actor) -> None:
    """Draft, change one threshold and one value, read the difference in words, submit; the other one activates."""
    hers, his = signed_in(engineer), signed_in(supervisor)

    begun = hers.post(f"{LIST}draft/begin/")
    draft = PolicyDraft.objects.get()
    saved = hers.post(
        address(draft, "edit"), entries_of(hers, draft) | {"E03-threshold": "400", "confidence_ppm": "97.5"}
    )
    comparison = page_of(hers, address(draft))
    hers.post(address(draft, "submit"))
    digest = PolicyDraft.objects.get().digest
    activated = his.post(address(draft, "activate"), {"digest": digest}, follow=True)

    assert begun.headers["Location"] == address(draft, "edit")
    assert saved.headers["Location"] == address(draft)
    assert "Expected is &lt; 400 ms instead of &lt; 500 ms." in comparison
    assert "97.5 % instead of 95 %." in comparison
    assert "Policy 2 is active." in activated.content.decode()
    assert active_policy().digest == digest
    assert "What it changed about policy 1" in activated.content.decode()


def test_two_people_change_what_imported_results_are_judged_by(
    engineer: Actor, supervisor: Actor, tmp_path: Path, settings: Any
) -> None:
    """Beside a draft for live runs. Pass rate and coverage have fields; errors, and values of live runs, have none."""
    settings.STORAGE = tmp_path
    hers, his = signed_in(engineer), signed_in(supervisor)
    live = waiting_draft(engineer)
    before = brought(actor_with(Role.TESTER), junit=UNIT)

    hers.post(f"{LIST}draft/begin/?of=imports")
    draft = PolicyDraft.objects.get(code="imports")
    entries = entries_of(hers, draft)
    hers.post(address(draft, "edit"), entries | {"I03-threshold": "98", "I04-severity": "warning"})
    hers.post(address(draft, "submit"))
    submitted = page_of(hers, address(draft))
    digest = PolicyDraft.objects.get(pk=draft.pk).digest
    activated = his.post(address(draft, "activate"), {"digest": digest}, follow=True).content.decode()
    after = brought(actor_with(Role.TESTER), junit=UNIT)

    assert set(entries) == {"version", "I03-threshold", "I03-severity", "I04-threshold", "I04-severity"}
    assert "Expected is ≥ 98 % instead of ≥ 90 %." in submitted
    assert "Policy 2 for imported results is active." in activated
    assert [run.rule_results.get(code="I03").verdict for run in (before, after)] == ["PASS", "FAIL"]
    assert (after.policy.digest, active_policy().number, open_draft()) == (digest, 1, live)


def test_a_form_that_is_sent_back_as_it_came_changes_nothing(engineer: Actor) -> None:
    """Every figure survives the way into the form and back, to the last digit."""
    client = signed_in(engineer)
    draft = draft_policy(actor=engineer)

    answer = client.post(address(draft, "edit"), entries_of(client, draft), follow=True)

    assert "Nothing was changed" in answer.content.decode()
    assert PolicyDraft.objects.get().digest == draft.digest


@pytest.mark.parametrize(
    ("entry", "field", "sentence"),
    [
        ({"E03-threshold": "0"}, "E03-threshold", "E03: 0 is refused. Enter a number above 0"),
        ({"E03-threshold": "soon"}, "E03-threshold", "enter a number, such as 500 or 0.1"),
        ({"E03-threshold": ""}, "E03-threshold", "Threshold of E03: enter a number."),
        ({"E03-blocking": "100"}, "E03-blocking", "E03 would block from 100 on, before it fails at 500"),
        ({"E03-severity": "warning"}, "E03-blocking", "E03 cannot block from a value on"),
        ({"soak_seconds": "0"}, "soak_seconds", "Soak of a full run: 0 is refused."),
        ({"soak_seconds": "1.5"}, "soak_seconds", "Soak of a full run: 1.5 is refused."),
        ({"warmup_seconds": "1800"}, "warmup_seconds", "leaves nothing of a soak of 1800 s"),
        ({"deciding_runs": "1"}, "deciding_runs", "Full runs in a row that decide: 1 is refused."),
    ],
)
def test_an_entry_that_cannot_be_stands_in_words_beside_its_field(
    engineer: Actor, entry: dict[str, str], field: str, sentence: str
) -> None:
    """What was typed stays in the form, the field is marked, and nothing is saved."""
    client = signed_in(engineer)
    draft = draft_policy(actor=engineer)

    answer = client.post(address(draft, "edit"), entries_of(client, draft) | entry)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert f'id="errors-{field}"' in page
    assert PolicyDraft.objects.get().version == 1


def test_critical_rules_have_no_field_and_a_forged_one_changes_nothing(engineer: Actor) -> None:
    """What the form does not offer it does not take either."""
    client = signed_in(engineer)
    draft = draft_policy(actor=engineer)
    forged = {"A01-threshold": "5", "A01-severity": "warning", "E05-threshold": "3", "E02-threshold": "1"}

    client.post(address(draft, "edit"), entries_of(client, draft) | forged)

    assert 'name="A01-' not in page_of(client, address(draft, "edit"))
    assert PolicyDraft.objects.get().digest == draft.digest


def test_a_form_that_rests_on_an_older_draft_is_refused(engineer: Actor) -> None:
    """The second to save overwrites nothing of the first, and keeps what they typed (test_policy_editor)."""
    client = signed_in(engineer)
    draft = draft_policy(actor=engineer)
    stale = entries_of(client, draft) | {"run_age_days": "3"}
    edit_draft(actor=actor_with(Role.ENGINEER), draft_id=draft.pk, version=1, editing=LONGER)

    answer = client.post(address(draft, "edit"), stale, follow=True)

    assert "was changed meanwhile" in answer.content.decode()
    assert answer.context["form"]["run_age_days"].value() == "3"
    assert rules_of_draft(PolicyDraft.objects.get()).values.release_validity_days == 60


@pytest.mark.parametrize("role", Role)
def test_whoever_may_not_act_reads_why_beside_the_disabled_button(engineer: Actor, role: Role) -> None:
    """Everybody reads the draft; what they cannot do says which roles can."""
    draft = waiting_draft(engineer)
    client = signed_in(actor_with(role))

    page = page_of(client, address(draft))

    may_activate = role in (Role.ENGINEER, Role.SUPERVISOR)
    assert ('id="why-activate"' not in page) is may_activate
    assert ('id="why-withdraw"' not in page) is (role is Role.ENGINEER)
    if not may_activate:
        assert "This takes one of these roles: engineer, supervisor." in page


def test_the_editor_reads_that_another_person_must_activate_and_is_refused_all_the_same(engineer: Actor) -> None:
    """The button is disabled with the reason; a hand-made request gets the refusal in words."""
    draft = waiting_draft(engineer)
    client = signed_in(engineer)

    page = page_of(client, address(draft))
    answer = client.post(address(draft, "activate"), {"digest": draft.digest}, follow=True)

    assert "You drafted or edited this policy. Another person must activate it." in page
    assert "Another person must activate it." in answer.content.decode()
    assert active_policy().number == 1


def test_activating_what_was_not_seen_is_refused(engineer: Actor, supervisor: Actor) -> None:
    """The page posts the digest it showed; a draft taken back and changed meanwhile has another one."""
    draft = waiting_draft(engineer)

    answer = signed_in(supervisor).post(address(draft, "activate"), {"digest": "0" * 64}, follow=True)

    assert "What you saw has changed" in answer.content.decode()
    assert active_policy().number == 1


def test_a_draft_is_withdrawn_with_a_reason_that_stays_readable(engineer: Actor, supervisor: Actor) -> None:
    """Too short a reason is said in words; afterwards the list shows who withdrew it and why."""
    draft = waiting_draft(engineer)
    client = signed_in(engineer)

    short = client.post(address(draft, "withdraw"), {"reason": "no", "_from": address(draft)}, follow=True)
    done = client.post(address(draft, "withdraw"), {"reason": "it measured <b>the wrong</b> thing"}, follow=True)

    assert "at least 10 characters; this one has 2." in short.content.decode()
    assert "it measured &lt;b&gt;the wrong&lt;/b&gt; thing" in done.content.decode()
    assert open_draft() is None


def test_acts_are_no_links_and_foreign_drafts_are_not_found(engineer: Actor) -> None:
    """GET changes nothing; an address nobody made is a 404."""
    draft = waiting_draft(engineer)
    client = signed_in(engineer)

    answers = [client.get(address(draft, act)).status_code for act in ("submit", "reopen", "withdraw", "activate")] + [
        client.get(f"{LIST}draft/begin/").status_code
    ]

    assert set(answers) == {405}
    assert client.get(f"{LIST}draft/404/").status_code == 404
    assert client.get(address(draft, "edit")).headers["Location"] == address(draft)


def test_the_list_and_a_policy_say_who_edited_and_who_activated(engineer: Actor, supervisor: Actor) -> None:
    """The shipped one came with the installation."""
    draft = waiting_draft(engineer)
    client = signed_in(supervisor)
    client.post(address(draft, "activate"), {"digest": draft.digest})

    listing = page_of(client, LIST)
    first = GatePolicy.objects.get(code="shipped", number=1)
    old = page_of(client, f"{LIST}{first.pk}/change/")

    assert f"{supervisor.person}, edited by {engineer.person}" in listing
    assert "the installation" in listing
    assert "not active" in old


def test_every_page_of_policies_speaks_german(engineer: Actor, supervisor: Actor) -> None:
    """Headings, differences and reasons come in the reader's language; names of rules and digests do not change."""
    engineer.person.language = "de"
    engineer.person.save()
    draft = waiting_draft(engineer)
    client = signed_in(engineer)

    pages = [page_of(client, path) for path in (LIST, address(draft), f"{LIST}1/change/")]

    assert all('lang="de"' in page for page in pages)
    assert not re.search(r"TEMPLATE|%\(|None", "".join(pages))
