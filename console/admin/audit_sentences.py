"""Audit entries as sentences: who did what to what, in the reader's language.

An act that nobody listed here, of an older or a newer version, is still said, by its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from console.admin.refusal_words import refusal_said
from console.admin.words import word_of
from console.kernel.authority import ROLE_LABELS, Role
from console.kernel.models import AuditEntry
from ledger import gettext_noop


class Said(NamedTuple):
    """An act in the infinitive, for filters and refusals, and the sentence of one that was done."""

    label: str
    done: str


OBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "run": gettext_noop("run %(key)s"),
        "execution": gettext_noop("execution %(key)s"),
        "person": gettext_noop("person %(key)s"),
        "phase": gettext_noop("phase %(key)s"),
        "phase-edit": gettext_noop("edit %(key)s of a phase"),
        "request": gettext_noop("release request %(key)s"),
        "review": gettext_noop("review %(key)s"),
        "sign_off": gettext_noop("sign-off %(key)s"),
        "decision": gettext_noop("decision %(key)s"),
        "condition": gettext_noop("condition %(key)s"),
        "waiver": gettext_noop("waiver %(key)s"),
        "rule": gettext_noop("rule %(key)s"),
        "policy": gettext_noop("policy %(key)s"),
        "policy-draft": gettext_noop("policy draft %(key)s"),
        "capability": gettext_noop("capability %(key)s"),
        "certificate": gettext_noop("certificate %(key)s"),
        "journal": gettext_noop("journal %(key)s"),
        "subscription": gettext_noop("subscription %(key)s"),
        "approval": gettext_noop("credit approval %(key)s"),
        "grant": gettext_noop("role %(key)s"),
        "reset": gettext_noop("password reset %(key)s"),
        "token": gettext_noop("token %(key)s"),
        "backup": gettext_noop("backup %(key)s"),
        "console": gettext_noop("console"),
        "key": gettext_noop("key %(key)s"),
    }
)

_RUNS: Mapping[str, Said] = MappingProxyType(
    {
        "run.request": Said(
            gettext_noop("request a run"), gettext_noop("%(who)s requested %(object)s (profile %(profile)s).")
        ),
        "run.cancel": Said(gettext_noop("cancel a run"), gettext_noop("%(who)s cancelled %(object)s.")),
        "run.judge": Said(gettext_noop("judge a run"), gettext_noop("%(object)s was judged: %(recommendation)s.")),
        "run.freeze": Said(gettext_noop("freeze a run"), gettext_noop("%(object)s was frozen.")),
        "run.abandon": Said(
            gettext_noop("abandon a run"), gettext_noop("%(object)s lost its worker and was abandoned.")
        ),
        "run.interrupt": Said(gettext_noop("interrupt a run"), gettext_noop("%(object)s was interrupted.")),
        "results.import": Said(gettext_noop("import results"), gettext_noop("%(who)s imported results as %(object)s.")),
        "execution.start": Said(
            gettext_noop("start a scenario"), gettext_noop("%(object)s started, attempt %(attempt)s.")
        ),
        "execution.end": Said(gettext_noop("end a scenario"), gettext_noop("%(object)s ended: %(state)s.")),
        "execution.attempt_again": Said(
            gettext_noop("attempt a scenario again"), gettext_noop("%(who)s attempted %(object)s again.")
        ),
        "policy.ship": Said(gettext_noop("ship a policy"), gettext_noop("%(object)s came with the installation.")),
        "policy.draft": Said(
            gettext_noop("draft a policy"), gettext_noop("%(who)s began the draft of policy %(number)s.")
        ),
        "policy.edit": Said(
            gettext_noop("edit a policy"), gettext_noop("%(who)s edited the draft of policy %(number)s.")
        ),
        "policy.submit": Said(
            gettext_noop("submit a policy"), gettext_noop("%(who)s submitted policy %(number)s for activation.")
        ),
        "policy.reopen": Said(
            gettext_noop("reopen a policy draft"), gettext_noop("%(who)s took policy %(number)s back to its editor.")
        ),
        "policy.withdraw": Said(
            gettext_noop("withdraw a policy draft"), gettext_noop("%(who)s withdrew the draft of policy %(number)s.")
        ),
        "policy.activate": Said(
            gettext_noop("activate a policy"), gettext_noop("%(who)s activated policy %(number)s.")
        ),
    }
)

_RELEASES: Mapping[str, Said] = MappingProxyType(
    {
        "request.open": Said(
            gettext_noop("open a release request"), gettext_noop("%(who)s opened %(object)s for phase %(phase)s.")
        ),
        "request.withdraw": Said(
            gettext_noop("withdraw a release request"), gettext_noop("%(who)s withdrew %(object)s: %(reason)s")
        ),
        "request.expire": Said(
            gettext_noop("expire a release request"), gettext_noop("%(object)s passed its deadline.")
        ),
        "request.attest": Said(
            gettext_noop("attest the implementation"), gettext_noop("%(who)s signed %(object)s as test engineer.")
        ),
        "request.sign_as_tester": Said(
            gettext_noop("sign as tester"), gettext_noop("%(who)s signed %(object)s as tester.")
        ),
        "request.sign_as_reviewer": Said(
            gettext_noop("sign as reviewer"), gettext_noop("%(who)s signed %(object)s as reviewer.")
        ),
        "request.decide": Said(
            gettext_noop("decide on a release"), gettext_noop("%(who)s decided %(word)s on %(object)s.")
        ),
        "release.lapse": Said(gettext_noop("lapse a release"), gettext_noop("The release of %(object)s lapsed.")),
        "release.revoke": Said(
            gettext_noop("revoke a release"), gettext_noop("%(who)s revoked the release of %(object)s: %(reason)s")
        ),
        "sign_off.withdraw": Said(
            gettext_noop("withdraw a sign-off"), gettext_noop("%(who)s withdrew %(object)s: %(reason)s")
        ),
        "signing_page.viewed": Said(
            gettext_noop("view a signing page"), gettext_noop("%(who)s was shown what to sign of %(object)s.")
        ),
        "review.write": Said(
            gettext_noop("write a review"), gettext_noop("%(who)s worked on the review of %(object)s.")
        ),
        "review.comment": Said(gettext_noop("comment on a review"), gettext_noop("%(who)s commented on %(object)s.")),
        "condition.close": Said(
            gettext_noop("close a condition"), gettext_noop("%(who)s handed in what closes %(object)s.")
        ),
        "condition.confirm": Said(
            gettext_noop("confirm a closed condition"), gettext_noop("%(who)s confirmed that %(object)s is met.")
        ),
        "waiver.request": Said(
            gettext_noop("ask for a waiver"), gettext_noop("%(who)s asked for %(object)s of rule %(rule)s: %(reason)s")
        ),
        "waiver.approve": Said(
            gettext_noop("answer a waiver"), gettext_noop("%(who)s answered %(object)s of rule %(rule)s: %(reason)s")
        ),
        "capability.switch": Said(
            gettext_noop("switch a capability"), gettext_noop("%(who)s switched %(object)s: %(reason)s")
        ),
        "certificate.issue": Said(gettext_noop("issue a certificate"), gettext_noop("%(object)s was issued.")),
        "certificate.export": Said(
            gettext_noop("export a certificate"), gettext_noop("%(who)s took %(object)s out of the console.")
        ),
        "phase.ship": Said(gettext_noop("ship phases"), gettext_noop("The phases came with the installation.")),
        "phase.edit": Said(
            gettext_noop("edit a phase"), gettext_noop("%(who)s proposed definition %(number)s of %(object)s.")
        ),
        "phase.activate": Said(
            gettext_noop("activate a phase's definition"),
            gettext_noop("%(who)s put definition %(number)s of %(object)s in force."),
        ),
        "phase.withdraw_edit": Said(
            gettext_noop("withdraw an edit of a phase"),
            gettext_noop("%(who)s withdrew definition %(number)s of %(object)s: %(reason)s"),
        ),
        "keys.rotate": Said(
            gettext_noop("rotate the signing key"), gettext_noop("%(who)s put a new signing key in place.")
        ),
    }
)

_PEOPLE: Mapping[str, Said] = MappingProxyType(
    {
        "person.sign_in": Said(gettext_noop("sign in"), gettext_noop("%(who)s signed in.")),
        "person.signed_in": Said(gettext_noop("sign in"), gettext_noop("%(who)s signed in.")),
        "person.signed_out": Said(gettext_noop("sign out"), gettext_noop("%(who)s signed out.")),
        "people.manage": Said(gettext_noop("set up people"), gettext_noop("%(subject)s was set up at installation.")),
        "people.create": Said(gettext_noop("create a person"), gettext_noop("%(who)s created the login %(subject)s.")),
        "people.propose_role": Said(
            gettext_noop("propose a role"), gettext_noop("%(who)s proposed the role %(role)s for %(subject)s.")
        ),
        "people.confirm_role": Said(
            gettext_noop("confirm a role"), gettext_noop("%(who)s confirmed the role %(role)s of %(subject)s.")
        ),
        "people.take_role": Said(
            gettext_noop("take a role"), gettext_noop("%(who)s took the role %(role)s from %(subject)s: %(reason)s")
        ),
        "people.reset_password": Said(
            gettext_noop("reset a password"), gettext_noop("%(who)s proposed a first password for %(subject)s.")
        ),
        "people.confirm_reset": Said(
            gettext_noop("confirm a first password"),
            gettext_noop("%(who)s confirmed the first password of %(subject)s."),
        ),
        "people.withdraw_reset": Said(
            gettext_noop("withdraw a password reset"),
            gettext_noop("%(who)s withdrew the password reset of %(subject)s."),
        ),
        "people.deactivate": Said(
            gettext_noop("deactivate a person"), gettext_noop("%(who)s deactivated %(subject)s: %(reason)s")
        ),
        "people.reactivate": Said(
            gettext_noop("reactivate a person"), gettext_noop("%(who)s reactivated %(subject)s: %(reason)s")
        ),
        "people.set_own_password": Said(
            gettext_noop("set an own password"), gettext_noop("%(who)s set a password of their own.")
        ),
        "people.set_own_email": Said(
            gettext_noop("set an own e-mail address"), gettext_noop("%(who)s set an e-mail address of their own.")
        ),
        "token.create": Said(
            gettext_noop("make a token"), gettext_noop("%(who)s made the token %(prefix)s (%(scopes)s).")
        ),
        "token.create_for_service": Said(
            gettext_noop("make a token for a service"),
            gettext_noop("%(who)s made the token %(prefix)s (%(scopes)s) for a service; it acts for %(username)s."),
        ),
        "token.rotate": Said(
            gettext_noop("rotate a token"), gettext_noop("%(who)s replaced the token %(replaced)s by %(prefix)s.")
        ),
        "token.revoke": Said(gettext_noop("revoke a token"), gettext_noop("%(who)s revoked the token %(prefix)s.")),
        "token.authenticate": Said(
            gettext_noop("use the API with a token"), gettext_noop("%(who)s used the API with a token.")
        ),
    }
)

_TRAIL: Mapping[str, Said] = MappingProxyType(
    {
        "read": Said(gettext_noop("read"), gettext_noop("%(who)s read %(object)s.")),
        "credits.move": Said(gettext_noop("move credits"), gettext_noop("%(who)s moved credits.")),
        "ledger_approval.request": Said(
            gettext_noop("ask for a credit approval"), gettext_noop("%(who)s asked for %(object)s.")
        ),
        "ledger_approval.decide": Said(
            gettext_noop("decide on a credit approval"), gettext_noop("%(who)s decided on %(object)s.")
        ),
        "journal.import": Said(gettext_noop("import a journal"), gettext_noop("%(who)s imported %(object)s.")),
        "journal.seal": Said(
            gettext_noop("seal a journal"), gettext_noop("%(who)s sealed %(object)s up to event %(seq)s (%(by)s).")
        ),
        "journal.repair": Said(gettext_noop("repair a journal"), gettext_noop("%(who)s repaired %(object)s.")),
        "journal.leave_read_only": Said(
            gettext_noop("let a journal be written again"),
            gettext_noop("%(who)s let %(object)s be written again: %(reason)s"),
        ),
        "subscription.steer": Said(
            gettext_noop("set the place of a subscription"), gettext_noop("%(who)s set the place of %(object)s.")
        ),
        "journal.ask_verification": Said(
            gettext_noop("have the live journal verified"), gettext_noop("%(who)s had %(object)s verified.")
        ),
        "journal.verify": Said(
            gettext_noop("verify the live journal"),
            gettext_noop("%(who)s verified %(object)s: %(events)s events, %(problems)s problems."),
        ),
        "console.close": Said(
            gettext_noop("close the console for maintenance"),
            gettext_noop("%(by)s closed the console for maintenance: %(reason)s"),
        ),
        "console.open": Said(gettext_noop("open the console again"), gettext_noop("%(by)s opened the console again.")),
        "audit.export": Said(
            gettext_noop("export the audit trail"), gettext_noop("%(who)s exported %(count)s audit entries.")
        ),
        "rows.bound": Said(
            gettext_noop("bind rows to the trail"),
            gettext_noop("The rows of %(count)s tables were bound to the audit trail."),
        ),
        "governance_journal.begun": Said(
            gettext_noop("begin the governance journal"), gettext_noop("A governance journal was begun.")
        ),
        "keys.kept": Said(gettext_noop("keep a public key"), gettext_noop("The public half of %(object)s was kept.")),
        "backup.made": Said(gettext_noop("back up the storage"), gettext_noop("%(who)s made a backup.")),
        "backup.restored": Said(gettext_noop("restore the storage"), gettext_noop("%(who)s restored a backup.")),
    }
)

AREAS: Mapping[str, tuple[str, Mapping[str, Said]]] = MappingProxyType(
    {
        "runs": (gettext_noop("runs and rules"), _RUNS),
        "releases": (gettext_noop("releases"), _RELEASES),
        "people": (gettext_noop("people and sign-ins"), _PEOPLE),
        "trail": (gettext_noop("journals and the trail itself"), _TRAIL),
    }
)
ACTS: Mapping[str, Said] = MappingProxyType({**_RUNS, **_RELEASES, **_PEOPLE, **_TRAIL})
_WORDS = {"word": "decision", "recommendation": "recommendation", "state": "execution"}


class _Fields(dict[str, Any]):
    """The fields of a sentence; one that an entry lacks is a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def sentence_of(entry: AuditEntry) -> str:
    """What happened, or what was refused and why."""
    said = ACTS.get(entry.act)
    fields = _fields(entry)
    if entry.outcome == AuditEntry.Outcome.REFUSED:
        fields["attempt"] = _(said.label) if said else entry.act
        fields["why"] = refusal_said(code=entry.code, recorded=str(fields.get("message", ""))) or entry.code
        return _("%(who)s was refused: %(attempt)s. %(why)s") % fields
    if said is None:
        return _("%(who)s: %(act)s, %(object)s") % {**fields, "act": entry.act}
    text = _(said.done) % fields
    return text if said.done.startswith("%(who)s") else text[:1].upper() + text[1:]


def label_of(act: str) -> str:
    """The act in the infinitive."""
    said = ACTS.get(act)
    return _(said.label) if said else act


def was_done_alone(entry: AuditEntry) -> bool:
    """Whether nobody could have looked over the shoulder of who did it."""
    return entry.outcome == AuditEntry.Outcome.DONE and _content(entry.after).get("alone") is True


def _fields(entry: AuditEntry) -> _Fields:
    fields = _Fields(_content(entry.after))
    for name, kind in _WORDS.items():
        if name in fields:
            fields[name] = word_of(kind=kind, value=str(fields[name])).text
    if fields.get("role") in set(Role):
        fields["role"] = _(ROLE_LABELS[Role(fields["role"])])
    shown = object_words(entry.object)
    fields |= {"who": entry.actor_name, "object": shown, "subject": fields.get("username") or shown}
    return fields


def object_words(stored: str) -> str:
    """What an entry speaks of, in words; a stored name of a kind that nobody knows as it is."""
    kind, _colon, key = stored.partition(":")
    template = OBJECTS.get(kind)
    return (
        _(template) % {"key": key[:12] if kind in ("certificate", "backup") else key}
        if template and key
        else stored or "–"
    )


def _content(stored: str) -> dict[str, Any]:
    """What an entry holds; nothing where somebody has tampered with it."""
    try:
        content = json.loads(stored) if stored else {}
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
