"""The independent bookkeeping of a check: sums from the movements alone, compared with what the events say."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import Any

from ledger.credits.accounts import AGENT_PREFIX, SYSTEM_ACCOUNTS
from ledger.credits.amounts import decimal_of
from ledger.credits.invariant_lines import Findings, Said
from ledger.credits.invariant_scan import Place
from ledger.credits.policy import SYNERGY_CAP_MICROS
from ledger.credits.schemas import CREDIT_SCHEMAS, UnknownSchema
from ledger.credits.state import CreditState
from ledger.engine.event import Event
from ledger.engine.messages import gettext_noop

_FINAL = {"approval.rejected", "approval.expired", "approval.cancelled"}
_BUCKETS = 256


class Fold:
    """Takes the events in order. `is_from_start`: the first one is event 1, so sums and requests are all known."""

    def __init__(self, findings: Findings, *, is_from_start: bool) -> None:
        self._findings = findings
        self._is_from_start = is_from_start
        self._sums: dict[str, int] = dict.fromkeys(SYSTEM_ACCOUNTS, 0)
        self._recorded: dict[str, int] = {}
        self._rewarded: dict[str, int] = {}
        self._created: set[str] = set()
        self._requests: dict[bytes, bool] = {}
        self._keys = [array("Q") for _ in range(_BUCKETS)]
        self._state: CreditState | None = CreditState() if is_from_start else None
        self._is_given_up = False
        self.agent_count = 0

    def take(self, place: Place, event: Event) -> None:
        """Check one event against everything before it."""
        where = place.said
        self._envelope(where, event)
        if event.key is not None:
            fold = key_fold(event.key)
            self._keys[fold % _BUCKETS].append(fold)
        if not self._is_given_up:
            self._meaning(where, event)

    def _meaning(self, where: Said, event: Event) -> None:
        try:
            event = CREDIT_SCHEMAS.current(event)
        except UnknownSchema as unknown:
            if _is_schema(event.schema):
                self._findings.add("schema", where, unknown.message, **unknown.params)
            self._is_given_up = True
            return
        if event.type.startswith(("credit.", "synergy.rewarded")):
            self._movement(where, event)
        elif event.type == "agent.created":
            if event.stream in self._created:
                what = gettext_noop("%(account)s is created again")
                self._findings.add("created", where, what, account=event.stream)
            self._created.add(event.stream)
            self._sums[event.stream] = self._sums.get(event.stream, 0)
        elif event.type.startswith("approval."):
            self._approval(where, event)
        self._replay(where, event)

    def repeated_keys(self) -> set[int]:
        """The folds of keys that may occur twice; a second reading tells."""
        repeated: set[int] = set()
        for bucket in self._keys:
            last = -1
            for fold in sorted(bucket):
                if fold == last:
                    repeated.add(fold)
                last = fold
        return repeated

    def finish(self) -> None:
        """What only the whole shows: the sum over all accounts, and replayed balances."""
        self.agent_count = len(self._created)
        if not self._is_from_start or self._is_given_up:
            detail = gettext_noop("one later segment does not show the whole")
            if self._is_given_up:
                detail = gettext_noop("nothing behind an event of an unknown schema is judged")
            for code in ("zero_sum", "reward_cap", "created", "read_models"):
                self._findings.note(code, detail, is_held=None)
            return
        total = sum(self._recorded.values()) + sum(self._sums[name] for name in SYSTEM_ACCOUNTS)
        if total:
            whole, what = Said(gettext_noop("all accounts")), gettext_noop("the sum is %(sum)s")
            self._findings.add("zero_sum", whole, what, sum=str(decimal_of(total)))
        if self._state is None:
            return
        for name, account in self._state.accounts.items():
            if account.balance_micros != self._sums.get(name, 0):
                self._findings.add("read_models", name, gettext_noop("replay and sums differ"))

    def _envelope(self, where: Said, event: Event) -> None:
        if not _is_schema(event.schema):
            self._findings.add("schema", where, gettext_noop("schema %(schema)s"), schema=str(event.schema))
        if not isinstance(event.correlation, str) or not event.correlation.strip():
            self._findings.add("correlation", where, gettext_noop("no correlation"))
        cause = event.causation
        if cause is not None and not (isinstance(cause, int) and 0 < cause < event.seq):
            what = gettext_noop("event %(seq)s names %(cause)s as its cause")
            self._findings.add("causation", where, what, seq=event.seq, cause=str(cause))

    def _movement(self, where: Said, event: Event) -> None:
        data = event.data
        amount, payer, payee = data.get("amount_micros"), data.get("from_account"), data.get("to_account")
        if isinstance(amount, bool) or not isinstance(amount, int):
            self._findings.add("finite", where, gettext_noop("the amount is %(amount)s"), amount=str(amount))
            return
        if not isinstance(payer, str) or not isinstance(payee, str):
            self._findings.add("balance", where, gettext_noop("the movement does not name its two accounts"))
            return
        if amount <= 0:
            self._findings.add(
                "positive", where, gettext_noop("the amount is %(amount)s"), amount=str(decimal_of(amount))
            )
        for account, change in ((payer, -amount), (payee, amount)):
            self._move(where, event, account, change)
        if event.type == "synergy.rewarded":
            self._rewarded[payee] = self._rewarded.get(payee, 0) + amount
            if self._rewarded[payee] > SYNERGY_CAP_MICROS:
                has = str(decimal_of(self._rewarded[payee]))
                self._findings.add("reward_cap", where, gettext_noop("%(account)s has %(sum)s"), account=payee, sum=has)

    def _move(self, where: Said, event: Event, account: str, change: int) -> None:
        if account in SYSTEM_ACCOUNTS:
            self._sums[account] += change
            return
        recorded = recorded_balance(event, account)
        known = self._sums.get(account)
        if known is None:
            if self._is_from_start:
                what = gettext_noop("%(account)s moves credits before it is created")
                self._findings.add("created", where, what, account=account)
            known = recorded - change if isinstance(recorded, int) and not self._is_from_start else 0
        balance = known + change
        if isinstance(recorded, bool) or not isinstance(recorded, int):
            self._findings.add("finite", where, gettext_noop("the balance is %(balance)s"), balance=str(recorded))
        elif recorded != balance:
            what = gettext_noop("%(account)s has %(sum)s by its movements, the event says %(recorded)s")
            moved, said = str(decimal_of(balance)), str(decimal_of(recorded))
            self._findings.add("balance", where, what, account=account, sum=moved, recorded=said)
            balance = recorded
        if balance < 0:
            what = gettext_noop("%(account)s is at %(balance)s")
            self._findings.add("negative", where, what, account=account, balance=str(decimal_of(balance)))
        self._sums[account] = balance
        self._recorded[account] = balance

    def _approval(self, where: Said, event: Event) -> None:
        request = str(event.data.get("request"))
        fold = blake2b(request.encode(), digest_size=16).digest()
        is_decided = self._requests.get(fold)
        if event.type == "approval.requested":
            if is_decided is not None:
                what = gettext_noop("%(request)s is requested again")
                self._findings.add("approvals", where, what, request=request)
            self._requests.setdefault(fold, False)
            return
        if is_decided is None and self._is_from_start:
            what = gettext_noop("%(request)s is decided without a request")
            self._findings.add("approvals", where, what, request=request)
        if is_decided:
            self._findings.add("approvals", where, gettext_noop("%(request)s is decided again"), request=request)
        if event.type in _FINAL or event.data.get("state") == "approved":
            self._requests[fold] = True

    def _replay(self, where: Said, event: Event) -> None:
        """Fold the event into the state the ledger uses, and compare with each state a seal recorded."""
        if self._state is None:
            return
        try:
            self._state.apply(event)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._state = None
            what, why = gettext_noop("a replay stops here (%(reason)s)"), f"{type(error).__name__} {error}"
            self._findings.add("read_models", where, what, reason=why)
            return
        recorded = event.data.get("state") if event.type == "segment.sealed" else None
        if recorded is not None and recorded != self._state.digest():
            self._findings.add("read_models", where, gettext_noop("the sealed state is not the replayed one"))


def _is_schema(value: object) -> bool:
    return isinstance(value, int) and value >= 1


def key_fold(key: str) -> int:
    """64 bits of an idempotency key."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def recorded_balance(event: Event, account: str) -> Any:
    """What the event says an agent's account has afterwards."""
    if account == event.stream:
        return event.data.get("balance_micros")
    if account.startswith(AGENT_PREFIX) and event.type == "credit.transferred":
        return event.data.get("payee_balance_micros")
    return None
