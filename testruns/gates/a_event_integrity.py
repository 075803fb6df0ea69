"""Gate A, event integrity: every effect is in the journal exactly once, and every event says what it is and why."""

from __future__ import annotations

from decimal import Decimal

from ledger import gettext_noop
from testruns.gates.registry import Gate, register
from testruns.gates.rule import Injection, Operator, Rule, Severity, from_scenarios
from testruns.gates.suite import SUITE
from testruns.units import COUNT


def _none(
    code: str,
    measurement: str,
    *,
    texts: tuple[str, str, str, str],
    scenarios: tuple[str, ...] = SUITE,
    needs: Injection | None = None,
) -> Rule:
    """A critical rule of this gate: the count of `measurement` is 0. Texts: question, help, impact, where."""
    question, help_text, impact, where = texts
    return Rule(
        code=code,
        question=question,
        help=help_text,
        impact=impact,
        where=where,
        sources=from_scenarios(measurement, *scenarios),
        operator=Operator.EQUAL,
        threshold=Decimal(0),
        unit=COUNT,
        severity=Severity.CRITICAL,
        needs=needs,
    )


EVENT_INTEGRITY = register(
    Gate(
        code="A",
        title=gettext_noop("Event integrity"),
        help=gettext_noop(
            "The journal is the truth of the ledger. This gate asks whether every command that was answered stands in "
            "it exactly once, complete, in an unbroken chain. Every rule is critical: a single exception blocks a "
            "release."
        ),
        rules=(
            _none(
                "A01",
                "double_charges",
                needs=Injection.RETRY,
                texts=(
                    gettext_noop("Was no command charged twice?"),
                    gettext_noop(
                        "A tenth of the commands is sent again with the same key, as a client does after a timeout. "
                        "The second must get the first one's answer and move nothing. Without retries this proves "
                        "nothing."
                    ),
                    gettext_noop("A client that repeats a command after a timeout pays twice."),
                    gettext_noop("Idempotency keys on the write path of the engine; the journal filtered by key."),
                ),
            ),
            _none(
                "A02",
                "lost_effects",
                texts=(
                    gettext_noop("Does every acknowledged command have its effect in the journal?"),
                    gettext_noop(
                        "Every answer the scenario received is looked up in the journal afterwards. An answer without "
                        "its event means the ledger promised something it did not keep."
                    ),
                    gettext_noop("Money that was confirmed to a caller is not in the books."),
                    gettext_noop("Group commit and its acknowledgement; recovery after a restart."),
                ),
            ),
            _none(
                "A03",
                "extra_effects",
                texts=(
                    gettext_noop("Is there no effect that nobody asked for?"),
                    gettext_noop(
                        "The reverse question: every event in the journal must belong to a command the scenario sent. "
                        "A refused command that moved money after all is counted here."
                    ),
                    gettext_noop("Balances change without a command that explains it."),
                    gettext_noop("Commands refused after they were decided; retries under a new key."),
                ),
            ),
            _none(
                "A04",
                "missing_schema",
                texts=(
                    gettext_noop("Does every event carry its schema version?"),
                    gettext_noop(
                        "The version says how to read an event. Without it the event becomes unreadable as soon as its "
                        "form changes, and a journal is kept for years."
                    ),
                    gettext_noop("Old events cannot be read with certainty after the next change of form."),
                    gettext_noop("The writing of new events in the credit commands; the codec of the journal."),
                ),
            ),
            _none(
                "A05",
                "missing_correlation",
                texts=(
                    gettext_noop("Does every event carry a correlation?"),
                    gettext_noop(
                        "The correlation ties together everything that one piece of work caused. Without it nobody can "
                        "answer afterwards why an amount moved."
                    ),
                    gettext_noop("The audit trail has gaps: some movements cannot be explained."),
                    gettext_noop(
                        "The correlation handed to the ledger by its callers; events the engine writes itself."
                    ),
                ),
            ),
            _none(
                "A06",
                "unresolved_causation",
                texts=(
                    gettext_noop("Does every named cause exist?"),
                    gettext_noop(
                        "An event may name the event that caused it. That event must exist and stand before it in the "
                        "journal, or the chain of causes leads nowhere."
                    ),
                    gettext_noop("Chains of cause and effect break off; an effect may stand before its cause."),
                    gettext_noop("Commands that write several events at once; imported events."),
                ),
            ),
            _none(
                "A07",
                "duplicate_keys",
                needs=Injection.RETRY,
                texts=(
                    gettext_noop("Is every idempotency key used for one command only?"),
                    gettext_noop(
                        "Read from the journal itself, independent of the answers: no key may stand over two commits. "
                        "Without retries no key is ever offered twice, so this proves nothing."
                    ),
                    gettext_noop("The protection against repeated commands does not hold."),
                    gettext_noop("The key tables of active and sealed segments; several processes on one journal."),
                ),
            ),
            _none(
                "A08",
                "chain_breaks",
                texts=(
                    gettext_noop("Is the chain of hashes unbroken?"),
                    gettext_noop(
                        "Every event contains the hash of the one before. A change, a gap or an exchange anywhere in "
                        "the journal shows as a break."
                    ),
                    gettext_noop("The journal was changed, or events are missing or out of order."),
                    gettext_noop("`ledger verify` on the scenario's journal names the first bad line."),
                ),
            ),
            _none(
                "A09",
                "acknowledged_events_lost",
                scenarios=("crash_replay",),
                texts=(
                    gettext_noop("Does every acknowledged event survive a kill?"),
                    gettext_noop(
                        "A writing process is killed at random moments while it acknowledges over a pipe. What was "
                        "acknowledged before the kill must be there after recovery."
                    ),
                    gettext_noop("A crash loses money that was already confirmed."),
                    gettext_noop("fsync before the acknowledgement; the cutting of a torn tail in recovery."),
                ),
            ),
        ),
    )
)
