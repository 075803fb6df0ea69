"""What a verification reads: every record, hash, seal and checkpoint, then every invariant, and what it comes to.

What is wrong is also said as `ledger doctor` says it: what happened, what is safe, and what can be done.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ledger.credits.invariant_lines import InvariantLine, Said
from ledger.credits.invariants import check
from ledger.doctor.examination import examine as examine_damage
from ledger.doctor.kinds import Repair
from ledger.engine.errors import LedgerError
from ledger.engine.layout import Layout
from ledger.engine.messages import gettext_noop
from ledger.proof.checkpoints import KeptCheckpoints
from ledger.proof.errors import CheckpointRefused
from ledger.proof.history import kept_checkpoints, verify_history
from ledger.proof.verification import Finding, VerifyReport
from ledger.translation import sentence_of

STEPS = 2
PROBLEMS_MAX = 20
ENGINE_STREAM = "system:journal"
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR})

_PARTS = {
    "chain": gettext_noop("The chain"),
    "end": gettext_noop("The end"),
    "segment": gettext_noop("The place"),
    "manifest": gettext_noop("The line in the manifest"),
    "mark": gettext_noop("The durable mark"),
}

Text = dict[str, Any]
"""A sentence as plain JSON: `template`, and `params`, whose values may be such sentences."""

Progress = Callable[[int, int, int], None]
"""Told which of the `STEPS` it is (from 1), the bytes read in it, and the bytes to read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What was found in the journal as it was from `began_at` (ISO 8601) on, up to the event `head_seq`.

    `events` counts those of the ledger, not the engine's own. `problems`: at most `PROBLEMS_MAX`; empty when sound.
    `is_damaged`: bytes that were durable are not what was written, or cannot be read; broken invariants and a damaged
    checkpoint are none of that. `happened`: what the doctor says of them, and of files that a sound journal can do
    without. Events up to `safe` are verified; `possible` are the repairs, each with its `kind`, what it `does` and
    `loses`.
    """

    began_at: str
    events: int = 0
    head_seq: int = 0
    head_hash: str = ""
    segments: int = 0
    problems: tuple[Text, ...] = ()
    is_damaged: bool = False
    lines: tuple[InvariantLine, ...] = ()
    happened: tuple[Text, ...] = ()
    safe: int = 0
    possible: tuple[Text, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> Outcome:
        """The outcome that `as_json` made these of; TypeError, KeyError and the like when they are none."""
        lines = tuple(map(_line_of, values["lines"]))
        texts = {name: tuple(values.get(name, ())) for name in ("problems", "happened", "possible")}
        return cls(**{**values, **texts, "lines": lines})


def examine(path: Path, *, began_at: str, progress: Progress) -> Outcome:
    """Read the journal in `path` twice. A journal that is missing or cannot be read is a problem, never an error.

    A machine without memory or descriptors says nothing about the journal: MemoryError, OSError.
    """
    streams: Counter[bool] = Counter()
    try:
        report, differences = verify_history(
            path=path,
            progress=lambda done, total: progress(1, done, total),
            take=lambda event: streams.update([event.stream == ENGINE_STREAM]),
        )
    except Exception as error:  # noqa: BLE001  # a journal of another version, or one planted, may raise anything
        _raise_if_passing(error)
        return Outcome(began_at=began_at, problems=(_unreadable(error),), is_damaged=True, **_told(path, None))
    problems = [*map(_problem, report.problems), *map(_unreadable, differences)]
    is_damaged = not report.is_sound or any(not isinstance(one, CheckpointRefused) for one in differences)
    lines: tuple[InvariantLine, ...] = ()
    try:
        lines = check(path, progress=lambda done, total: progress(2, done, total)).lines
        problems += [_broken(line) for line in lines if line.is_held is False]
    except Exception as error:  # noqa: BLE001  # as above
        _raise_if_passing(error)
        problems.append(_unreadable(error))
        is_damaged = True
    return Outcome(
        began_at=began_at,
        events=streams[False],
        head_seq=report.head.seq,
        head_hash=report.head.hash,
        segments=report.segments,
        problems=tuple(problems[:PROBLEMS_MAX]),
        is_damaged=is_damaged,
        lines=lines,
        **_told(path, report),
    )


def _raise_if_passing(error: Exception) -> None:
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(error, MemoryError) or (isinstance(cause, OSError) and cause.errno in _PASSING):
        raise error


def _told(path: Path, report: VerifyReport | None) -> dict[str, Any]:
    """What the doctor says; nothing where not even that can be said."""
    try:
        checkpoints, _ = kept_checkpoints(KeptCheckpoints(path), keys=None)
        diagnosis = examine_damage(Layout(path.absolute()), checkpoints=checkpoints, report=report)
    except Exception:  # noqa: BLE001  # as above
        return {}
    return {
        "happened": tuple(_text(one.text, one.params) for one in diagnosis.damages),
        "safe": diagnosis.safe,
        "possible": tuple(map(_possible, diagnosis.repairs)),
    }


def _possible(repair: Repair) -> Text:
    does, loses = _text(repair.does, repair.params), _text(repair.loses, repair.params)
    return {"kind": repair.kind.value, "does": does, "loses": loses}


def _text(template: str, params: dict[str, Any]) -> Text:
    values = {name: sentence_of(value) if isinstance(value, str) else value for name, value in params.items()}
    return {"template": template, "params": values}


def _problem(finding: Finding) -> Text:
    what = {"template": _PARTS[finding.what], "params": {}}
    place = {"what": what, "segment": finding.segment, "line": finding.line}
    return {"template": gettext_noop("%(what)s of %(segment)s is wrong at line %(line)s"), "params": place}


def _line_of(values: dict[str, Any]) -> InvariantLine:
    detail = _said_of(values["detail"]) if values["detail"] else None
    return InvariantLine(**{**values, "detail": detail, "where": tuple(map(_said_of, values["where"]))})


def _said_of(kept: dict[str, Any] | str) -> Said:
    """A sentence as it was kept; earlier versions kept it as English text."""
    return Said(**kept) if isinstance(kept, dict) else Said.of("%(text)s", text=kept)


def _broken(line: InvariantLine) -> Text:
    params = {"question": {"template": line.question, "params": {}}, "where": [asdict(one) for one in line.where]}
    return {"template": gettext_noop("%(question)s No: %(where)s"), "params": params}


def _unreadable(error: Exception) -> Text:
    if isinstance(error, LedgerError):
        return {"template": error.message, "params": {name: str(value) for name, value in error.params.items()}}
    return {"template": gettext_noop("The journal cannot be read: %(reason)s"), "params": {"reason": repr(error)}}
