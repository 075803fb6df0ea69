"""The answer to a command, read from its stored events only: so a repeated key gets the same one, years later too."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.engine.event import Event, Receipt


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a command did.

    `is_repeated`: the key was known and nothing happened again; everything else is as it was the first time.
    `balance_micros` is the agent's balance right after the command (payer of a transfer), None where no credits of
    a single agent moved. `anomaly_detected`: the amount was marked; it went through all the same. `is_capped`: the
    life-long synergy cap cut a reward. `approval_state`: state of the request after this command.
    """

    events: tuple[Event, ...]
    is_repeated: bool
    balance_micros: int | None = None
    anomaly_detected: bool = False
    is_capped: bool = False
    rewarded_micros: int = 0
    approval_state: str | None = None
    multiplier_ppm: int | None = None
    is_karma_fallback: bool = False


def answer_of(receipt: Receipt) -> Answer:
    """Read the answer out of the events of one command."""
    balance: int | None = None
    approval: str | None = None
    multiplier: int | None = None
    rewarded = 0
    marks = set()
    for event in receipt.events:
        kind, data = event.type, event.data
        marks.add(kind)
        if kind == "synergy.rewarded":
            rewarded += data["amount_micros"]
        if kind.startswith("credit."):
            balance = data["balance_micros"]
        elif kind.startswith("approval."):
            approval = data.get("state", "pending")
        elif kind.startswith("eoc."):
            multiplier = data["multiplier_ppm"]
    return Answer(
        events=receipt.events,
        is_repeated=receipt.is_repeated,
        balance_micros=balance,
        anomaly_detected="anomaly.detected" in marks,
        is_capped="synergy.reward_capped" in marks,
        rewarded_micros=rewarded,
        approval_state=approval,
        multiplier_ppm=multiplier,
        is_karma_fallback="karma.fallback_used" in marks,
    )
