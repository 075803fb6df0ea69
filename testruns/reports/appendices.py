"""Appendices A to C of a report: all figures and evidence, the invariants by scenario, and the errors as they were."""

from __future__ import annotations

import json
import unicodedata
from typing import Any, Final

from django.utils.translation import gettext as _

from console.kernel.errors import GatehouseError
from testruns.evidence import read
from testruns.models import Attempt
from testruns.reports.accounts import Account
from testruns.reports.blocks import BAD, Block, Cell, Code, Heading, Items, Paragraph, Section, code, number, table
from testruns.reports.report import Report, ReportExecution
from testruns.reports.words import count, error, figure, state, verdict

ERROR_CHARACTERS_MAX: Final = 16_000
INVARIANTS: Final = (
    "drift_micros_max",
    "accounts_sum_micros",
    "negative_balances",
    "duplicate_keys",
    "double_charges",
    "chain_breaks",
    "state_hashes_distinct",
)


def details(report: Report) -> Section:
    """Appendix A: every measurement of every scenario as JSON, and every piece of evidence by its digest."""
    blocks: list[Block] = []
    for execution in report.executions:
        text = json.dumps(metrics_of(execution), indent=2, ensure_ascii=False)
        blocks.append(Code(caption=name_of(execution), text=text))
    blocks.append(Heading(text=_("Evidence (SHA-256)")))
    headings = (_("Scenario"), _("Attempt"), _("Kind"), _("Size"), "SHA-256")
    rows = [
        (
            f"{bound.execution.scenario} ({bound.execution.concurrency})" if bound.execution else "–",
            number(count(bound.attempt.number)) if bound.attempt else "–",
            bound.role,
            number(figure(bound.evidence.size, "bytes")),
            code(bound.evidence.digest),
        )
        for bound in report.evidence
    ]
    blocks.append(table(headings=headings, rows=rows) if rows else Paragraph(text=_("None.")))
    return Section(key="A", title=_("Detailed metrics"), blocks=tuple(blocks))


def invariants(report: Report) -> Section:
    """Appendix B: drift, sums, idempotency and state hashes of each scenario, and the largest drift of all."""
    rows = []
    for execution in report.executions:
        cells: list[Cell | str] = [name_of(execution)]
        for name in INVARIANTS:
            measurement = execution.measurements.get(name)
            cells.append(number(figure(measurement.value, measurement.unit) if measurement else figure(None, "")))
        rows.append(tuple(cells))
    drifts = [drift for execution in report.executions if (drift := execution.value("drift_micros_max")) is not None]
    largest = figure(max(drifts, default=None), "micro-credits")
    heads = [(name_of(execution), _journal_head(execution)) for execution in report.executions]
    headings = (_("Scenario"), *INVARIANTS)
    return Section(
        key="B",
        title=_("Invariants"),
        blocks=(
            table(headings=headings, rows=rows),
            Paragraph(text=_("Largest drift of all accounts: %(drift)s.") % {"drift": largest}),
            table(headings=(_("Scenario"), _("Head of the journal")), rows=heads),
            Heading(text=_("Drift of each account")),
            *_drift_blocks(report),
        ),
    )


def errors(report: Report) -> Section:
    """Appendix C: what went wrong in each attempt, with the end of its error output from the evidence."""
    blocks: list[Block] = []
    for execution in report.executions:
        for attempt in execution.attempts:
            blocks += _attempt_blocks(execution, attempt)
    return Section(key="C", title=_("Error log"), blocks=tuple(blocks) or (Paragraph(text=_("None.")),))


def name_of(execution: ReportExecution) -> str:
    """The scenario with its level of concurrency, which a sweep tells apart."""
    return f"{execution.row.scenario} ({count(execution.row.concurrency)})"


def metrics_of(execution: ReportExecution) -> dict[str, Any]:
    """Every measurement of the latest attempt: exact digits and unit."""
    return {
        name: {"value": measurement.value, "unit": measurement.unit}
        for name, measurement in sorted(execution.measurements.items())
    }


def _drift_blocks(report: Report) -> list[Block]:
    """One table of all accounts, and a line for each scenario in which not every account can be listed."""
    rows: list[tuple[Cell | str, ...]] = []
    notes: list[str] = []
    for execution in report.executions:
        name = name_of(execution)
        rows += [_account_cells(name, account) for account in execution.accounts.told]
        notes += _note_of_accounts(name, execution)
    headings = (
        _("Scenario"),
        _("Account"),
        _("The ledger says (micro-credits)"),
        _("The journal adds up to (micro-credits)"),
        _("Drift"),
    )
    blocks: list[Block] = [table(headings=headings, rows=rows)] if rows else []
    return [*blocks, Items(lines=tuple(notes))] if notes else blocks


def _account_cells(scenario: str, account: Account) -> tuple[Cell | str, ...]:
    drift = Cell(text=count(account.drift_micros), is_number=True, tone=BAD if account.drift_micros else "")
    return (
        scenario,
        code(printable(account.name)),
        number(count(account.live_micros)),
        number(count(account.journal_micros)),
        drift,
    )


def _note_of_accounts(name: str, execution: ReportExecution) -> list[str]:
    """What the table does not show of this execution's accounts."""
    problem = execution.accounts.problem
    if problem is not None:
        return [f"{name}: {problem.said(_)}"]
    checked = execution.value("accounts_checked")
    if checked is None:
        return [_("%(scenario)s: no account was measured by itself") % {"scenario": name}]
    if not checked:
        return [_("%(scenario)s has no accounts") % {"scenario": name}]
    left = int(checked) - len(execution.accounts.told)
    more = _("%(scenario)s has %(count)s more accounts; the drift of none is larger than of those listed")
    return [more % {"scenario": name, "count": count(left)}] if left > 0 else []


def _journal_head(execution: ReportExecution) -> Cell:
    head = execution.row.journal_head
    return code(f"{head['seq']}: {head['hash']}") if head else verdict("")


def _attempt_blocks(execution: ReportExecution, attempt: Attempt) -> list[Block]:
    """Nothing for an attempt without an error and without error output."""
    if not attempt.error and attempt.stderr_id is None:
        return []
    row = execution.row
    title = _("%(scenario)s (%(level)s), attempt %(number)s: %(state)s") % {
        "scenario": row.scenario,
        "level": count(row.concurrency),
        "number": count(attempt.number),
        "state": state(attempt.state),
    }
    blocks: list[Block] = [Heading(text=title)]
    if attempt.error:
        blocks.append(Paragraph(text=printable(error(attempt))))
    if attempt.stderr_id is not None:
        caption = _("Error output, evidence %(digest)s") % {"digest": attempt.stderr_id}
        blocks.append(Code(caption=caption, text=_error_output(attempt.stderr_id)))
    return blocks


def _error_output(digest: str) -> str:
    """The end of the error output; when the evidence cannot be read, why."""
    try:
        text = read(digest).decode("utf-8", "replace")
    except GatehouseError as refusal:
        return _(refusal.message) % refusal.params
    cut = text[-ERROR_CHARACTERS_MAX:]
    if len(cut) == len(text):
        return printable(text)
    note = _("(only the last %(count)s of %(total)s characters)") % {
        "count": count(len(cut)),
        "total": count(len(text)),
    }
    return f"{note}\n{printable(cut)}"


def printable(text: str) -> str:
    """The text without control characters, which could change how a terminal or a browser shows what follows."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf")
        else "\N{REPLACEMENT CHARACTER}"
        for character in text.replace("\r\n", "\n")
    )
