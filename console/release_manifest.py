"""The release manifest: one canonical list of everything a release request rests on, and how two of them differ.

Its bytes are `ledger.canonical_bytes`; its digest is what people sign. It lists every run of the build since the last
decision, red and cancelled ones too; gates and rules are those of the deciding runs with the waivers laid over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from ledger import gettext_noop

FORMAT: Final = 1

READ_MAX: Final = 8
"""Manifests that are kept read: one of a thousand runs takes a megabyte and a half."""

RUNS_SAID_MAX: Final = 20
"""More new runs than these are said in one sentence; the manifest and the page list every one."""

Manifest = Mapping[str, Any]
Text = dict[str, Any]
"""A text as `testruns.wording` reads it: {"template", "params"}."""

_BUILD: Final = gettext_noop("another build: %(old)s before, %(new)s now")
_DEFINITION: Final = gettext_noop("another definition of the phase: %(old)s before, %(new)s now")
_POLICY: Final = gettext_noop("another gate policy: %(old)s before, %(new)s now")
_RECOMMENDATION: Final = gettext_noop("the recommendation: %(old)s before, %(new)s now")
_GATE: Final = gettext_noop("gate %(gate)s: %(old)s before, %(new)s now")
_RULE: Final = gettext_noop("rule %(code)s: %(old)s before, %(new)s now (%(old_actual)s, then %(new_actual)s)")
_MARGIN: Final = gettext_noop("rule %(code)s: margin %(old)s %% before, %(new)s %% now (%(verdict)s)")
_RUN_NEW: Final = gettext_noop("run %(run)s is new: %(state)s, recommendation %(recommendation)s")
_RUNS_NEW: Final = gettext_noop("%(count)s runs are new, %(first)s to %(last)s")
_RUN_GONE: Final = gettext_noop("run %(run)s is no longer listed")
_DECIDING: Final = gettext_noop("deciding runs: %(old)s before, %(new)s now")
_WAIVER_NEW: Final = gettext_noop("waiver W-%(waiver)s for rule %(rule)s is new, valid until %(until)s")
_WAIVER_GONE: Final = gettext_noop("waiver W-%(waiver)s for rule %(rule)s no longer counts")
_ENVIRONMENT: Final = gettext_noop("environment, %(what)s: %(old)s before, %(new)s now")
_JOURNAL: Final = gettext_noop("the live journal: event %(old)s before, event %(new)s now")
_PREDECESSOR: Final = gettext_noop("phase %(phase)s: %(old)s before, %(new)s now")
_NOTHING: Final = gettext_noop("none")


def compose(
    *,
    phase: str,
    definition: Manifest,
    build: Manifest,
    policy: Manifest,
    runs: Sequence[Manifest],
    selection: Manifest,
    gates: Mapping[str, str],
    rules: Mapping[str, Manifest],
    waivers: Sequence[Manifest],
    recommendation: str,
    environment: Manifest,
    live: Manifest,
    predecessors: Sequence[Manifest],
) -> dict[str, Any]:
    """The manifest as plain values, ready for `ledger.digest_of`.

    definition: number, digest, checks, edited_by. build: name, commit, tree_digest, is_clean. policy: code, number,
    digest. runs: run, manifest, state, recommendation, profile, seed, policy, requested_by, is_full, is_deciding,
    needs_answer. selection: full, green (how many full runs there are, how many recommend GO), missing (texts: why
    the deciding runs are too few). rules, by code: verdict, severity, operator, expected, actual, margin, unit.
    waivers: id, rule, requested_by, approved_by, expires_at, reason. live: seq and hash of the live journal's last
    event. predecessors: phase, decision, state.
    """
    return {
        "format": FORMAT,
        "phase": phase,
        "definition": dict(definition),
        "build": dict(build),
        "policy": dict(policy),
        "runs": [dict(run) for run in sorted(runs, key=lambda run: int(run["run"]))],
        "selection": dict(selection),
        "gates": dict(gates),
        "rules": {code: dict(rule) for code, rule in rules.items()},
        "waivers": [dict(waiver) for waiver in sorted(waivers, key=lambda waiver: int(waiver["id"]))],
        "recommendation": recommendation,
        "environment": dict(environment),
        "live": dict(live),
        "predecessors": [dict(one) for one in sorted(predecessors, key=lambda one: str(one["phase"]))],
    }


@lru_cache(maxsize=READ_MAX)
def read_manifest(text: str) -> Manifest:
    """The manifest a request holds. Read once per content, which a page asks for many times: nobody changes it."""
    manifest: Manifest = json.loads(text)
    return manifest


def difference(old: Manifest, new: Manifest) -> tuple[Text, ...]:
    """What is not the same in two manifests, as texts: the most telling first. Empty when nothing is."""
    return (
        *_changed(_BUILD, _named(old["build"]), _named(new["build"])),
        *_changed(_DEFINITION, _definition(old), _definition(new)),
        *_changed(_POLICY, _policy(old["policy"]), _policy(new["policy"])),
        *_changed(_RECOMMENDATION, old["recommendation"], new["recommendation"]),
        *_gates(old["gates"], new["gates"]),
        *_rules(old["rules"], new["rules"]),
        *_runs(old["runs"], new["runs"]),
        *_waivers(old["waivers"], new["waivers"]),
        *_predecessors(old["predecessors"], new["predecessors"]),
        *_environment(old["environment"], new["environment"]),
        *_changed(_JOURNAL, old["live"].get("seq"), new["live"].get("seq")),
    )


def _gates(old: Manifest, new: Manifest) -> Iterator[Text]:
    for gate in sorted({*old, *new}):
        yield from _changed(_GATE, old.get(gate), new.get(gate), gate=gate)


def _rules(old: Manifest, new: Manifest) -> Iterator[Text]:
    for code in sorted({*old, *new}):
        before, after = old.get(code, {}), new.get(code, {})
        if before.get("verdict") != after.get("verdict"):
            actual = {"old_actual": _measured(before), "new_actual": _measured(after)}
            yield from _changed(_RULE, before.get("verdict"), after.get("verdict"), code=code, **actual)
        elif before.get("margin") != after.get("margin"):
            margins = (_percent(before.get("margin")), _percent(after.get("margin")))
            yield from _changed(_MARGIN, *margins, code=code, verdict=after["verdict"])


def _runs(old: Sequence[Manifest], new: Sequence[Manifest]) -> Iterator[Text]:
    before, after = {run["run"]: run for run in old}, {run["run"]: run for run in new}
    added = sorted(after.keys() - before.keys())
    if len(added) > RUNS_SAID_MAX:
        yield _text(_RUNS_NEW, count=len(added), first=f"#{added[0]}", last=f"#{added[-1]}")
    for number in added if len(added) <= RUNS_SAID_MAX else ():
        run = after[number]
        yield _text(_RUN_NEW, run=f"#{number}", state=run["state"], recommendation=run["recommendation"] or _nothing())
    for number in sorted(before.keys() - after.keys()):
        yield _text(_RUN_GONE, run=f"#{number}")
    yield from _changed(_DECIDING, _deciding(old), _deciding(new))


def _waivers(old: Sequence[Manifest], new: Sequence[Manifest]) -> Iterator[Text]:
    before, after = {one["id"]: one for one in old}, {one["id"]: one for one in new}
    for number in sorted(after.keys() - before.keys()):
        one = after[number]
        yield _text(_WAIVER_NEW, waiver=str(number), rule=one["rule"], until={"moment": one["expires_at"]})
    for number in sorted(before.keys() - after.keys()):
        yield _text(_WAIVER_GONE, waiver=str(number), rule=before[number]["rule"])


def _predecessors(old: Sequence[Manifest], new: Sequence[Manifest]) -> Iterator[Text]:
    before, after = {one["phase"]: one["state"] for one in old}, {one["phase"]: one["state"] for one in new}
    for phase in sorted({*before, *after}):
        yield from _changed(_PREDECESSOR, before.get(phase), after.get(phase), phase=phase)


def _environment(old: Manifest, new: Manifest) -> Iterator[Text]:
    before, after = dict(_leaves("", old)), dict(_leaves("", new))
    for name in sorted({*before, *after}):
        yield from _changed(_ENVIRONMENT, before.get(name), after.get(name), what=name)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every value of nested mappings by its path, so that a difference names exactly what differs."""
    if isinstance(value, Mapping):
        for name in sorted(value):
            yield from _leaves(f"{path}.{name}" if path else str(name), value[name])
    else:
        yield path, str(value)


def _changed(template: str, old: Any, new: Any, **params: Any) -> Iterator[Text]:
    if old != new:
        yield _text(template, old=_said(old), new=_said(new), **params)


def _said(value: Any) -> Any:
    return _nothing() if value in (None, "") else str(value)


def _nothing() -> Text:
    return _text(_NOTHING)


def _text(template: str, /, **params: Any) -> Text:
    return {"template": template, "params": params}


def _named(build: Manifest) -> str:
    return f"{build['name']} {(build['commit'] or build['tree_digest'])[:12]}"


def _definition(manifest: Manifest) -> str:
    """Number and digest; the first requests of an installation were opened before phases had definitions."""
    definition = manifest.get("definition")
    return f"{definition['number']} ({definition['digest'][:12]})" if definition else ""


def _policy(policy: Manifest) -> str:
    """Its number and digest: who made it is not in the manifest, and a code says nothing about that."""
    return f"{policy['number']} ({policy['digest'][:12]})"


def _deciding(runs: Sequence[Manifest]) -> str:
    return ", ".join(f"#{run['run']}" for run in runs if run["is_deciding"])


def _measured(rule: Manifest) -> Any:
    return {"value": rule["actual"], "unit": rule["unit"]} if rule.get("actual") else None


def _percent(margin: str | None) -> str:
    """A margin (a share of the threshold, as decimal text) in percent, exactly."""
    return format((Decimal(margin) * 100).normalize(), "f") if margin else ""
