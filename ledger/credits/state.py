"""The state of the credit ledger, folded from events: accounts, approvals, controller, breakers.

`apply` trusts what is recorded and decides nothing, so a replay needs no clock, no formula and no float. Memory grows
with agents and open requests; a decided request costs about 100 bytes, an event nothing.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from ledger.credits import eoc
from ledger.credits.accounts import SYSTEM_ACCOUNTS, Account
from ledger.credits.anomaly import AmountWindow
from ledger.credits.approvals import ApprovalState, DecidedApprovals, PendingApproval, pending_from
from ledger.credits.schemas import CREDIT_SCHEMAS, Schemas
from ledger.engine.event import Event


class CreditState:
    """What the rules look at. Only `apply`, `reset` and `restore` change it.

    `schema` counts the meanings of `rows`: raise it when what they hold, or what `apply` makes of an event, changes.
    """

    schema = 2

    def __init__(self, *, schemas: Schemas = CREDIT_SCHEMAS) -> None:
        """`schemas` says what an event of an older schema means now, and which are unknown."""
        self._schemas = schemas
        handlers: dict[str, Callable[[Event], None]] = {
            "agent.created": self._agent_created,
            "credit.allocated": self._moved,
            "credit.consumed": self._spent,
            "credit.refunded": self._moved,
            "credit.withdrawn": self._moved,
            "credit.regenerated": self._moved,
            "credit.transferred": self._spent,
            "approval.requested": self._approval_requested,
            "approval.approved": self._approval_approved,
            "approval.rejected": self._approval_rejected,
            "approval.expired": self._approval_expired,
            "approval.cancelled": self._approval_cancelled,
            "synergy.rewarded": self._rewarded,
            "eoc.sampled": self._eoc_sampled,
            "breaker.opened": self._breaker_opened,
            "breaker.closed": self._breaker_closed,
        }
        self._restorers: dict[str, Callable[[list[Any]], None]] = {
            "account": self._restore_account,
            "pending": self._restore_pending,
            "decided": self._restore_decided,
            "eoc": self._restore_eoc,
            "breaker": self._restore_breaker,
        }
        self._takes = {name: (newest, handlers.get(name, _pass_over)) for name, newest in schemas.newest.items()}
        self._takes_of = self._takes.get
        self.reset()

    def reset(self) -> None:
        """Back to the empty ledger."""
        self.accounts: dict[str, Account] = {name: Account() for name in SYSTEM_ACCOUNTS}
        self.pending: dict[str, PendingApproval] = {}
        self.decided = DecidedApprovals()
        self.eoc = eoc.NO_READING
        self.depths: deque[int] = deque(maxlen=eoc.SAMPLES_KEPT)
        self.open_breakers: dict[str, str] = {}

    def apply(self, event: Event) -> None:
        """Take one event in, as it is meant today; types without an effect on the state are passed over.

        Raises UnknownSchema for what a newer version wrote, and has then changed nothing.
        """
        newest, take = self._takes_of(event[4], _NOT_OURS)
        take(event if event[5] == newest else self._schemas.current(event))

    def current(self, event: Event) -> Event:
        """A recorded event in the newest schema of its type. Raises UnknownSchema."""
        return self._schemas.current(event)

    def digest(self) -> str:
        """SHA-256 (hex) of the whole state in a fixed order; a replay that reaches it reached the same state."""
        digest = hashlib.sha256()
        for name, account in sorted(self.accounts.items()):
            spent = account.spent.amounts() if account.spent else []
            row = [name, account.balance_micros, account.skill_ppm, account.rewarded_micros, spent]
            digest.update(orjson.dumps(row) + b"\n")
        for request in sorted(self.pending):
            digest.update(orjson.dumps([*self.pending[request]]) + b"\n")
        for fold, code in self.decided.rows():
            digest.update(b"%x %d\n" % (fold, code))
        digest.update(orjson.dumps([*self.depths]) + b"\n")
        reading = self.eoc
        digest.update(orjson.dumps([reading.ci_ppm, reading.multiplier_ppm, reading.state, reading.outside_count]))
        digest.update(orjson.dumps(self.open_breakers, option=orjson.OPT_SORT_KEYS))
        return digest.hexdigest()

    def rows(self) -> Iterator[list[Any]]:
        """The whole state as rows of JSON, in the order in which it grew: what a snapshot holds."""
        for name, account in self.accounts.items():
            spent = account.spent.amounts() if account.spent else None
            yield ["account", name, account.balance_micros, account.skill_ppm, account.rewarded_micros, spent]
        for pending in self.pending.values():
            yield ["pending", *pending]
        for row in self.decided.snapshot_rows():
            yield ["decided", *row]
        reading = self.eoc
        yield ["eoc", reading.ci_ppm, reading.multiplier_ppm, reading.state, reading.outside_count, *self.depths]
        for endpoint, reason in self.open_breakers.items():
            yield ["breaker", endpoint, reason]

    def restore(self, rows: Iterable[list[Any]]) -> None:
        """Become the state that these rows were made of; ValueError and the like when they are none."""
        self.reset()
        for kind, *values in rows:
            self._restorers[kind](values)

    def approval_state_of(self, request: str) -> ApprovalState | None:
        """The state of a request; None when nobody requested it."""
        return ApprovalState.PENDING if request in self.pending else self.decided.state_of(request)

    def _agent_created(self, event: Event) -> None:
        self.accounts[event.stream] = Account(skill_ppm=event.data["skill_ppm"])

    def _moved(self, event: Event) -> None:
        data = event.data
        accounts = self.accounts
        amount = data["amount_micros"]
        accounts[data["from_account"]].balance_micros -= amount
        accounts[data["to_account"]].balance_micros += amount

    def _spent(self, event: Event) -> None:
        data = event.data
        accounts = self.accounts
        amount = data["amount_micros"]
        payer = accounts[data["from_account"]]
        payer.balance_micros -= amount
        accounts[data["to_account"]].balance_micros += amount
        window = payer.spent
        if window is None:
            window = payer.spent = AmountWindow()
        window.add(amount)

    def _rewarded(self, event: Event) -> None:
        self._moved(event)
        self.accounts[event.data["to_account"]].rewarded_micros += event.data["amount_micros"]

    def _approval_requested(self, event: Event) -> None:
        self.pending[event.data["request"]] = pending_from(event.data, seq=event.seq, requested_at=event.time)

    def _approval_approved(self, event: Event) -> None:
        data = event.data
        if data["state"] == ApprovalState.APPROVED:
            self._decided(data["request"], ApprovalState.APPROVED)
            return
        pending = self.pending[data["request"]]
        self.pending[data["request"]] = pending._replace(approvers=(*pending.approvers, data["approver"]))

    def _approval_rejected(self, event: Event) -> None:
        self._decided(event.data["request"], ApprovalState.REJECTED)

    def _approval_expired(self, event: Event) -> None:
        self._decided(event.data["request"], ApprovalState.EXPIRED)

    def _approval_cancelled(self, event: Event) -> None:
        self._decided(event.data["request"], ApprovalState.CANCELLED)

    def _decided(self, request: str, state: ApprovalState) -> None:
        del self.pending[request]
        self.decided.add(request=request, state=state)

    def _eoc_sampled(self, event: Event) -> None:
        data = event.data
        self.depths.append(data["queue_depth"])
        self.eoc = eoc.EocReading(
            ci_ppm=data.get("ci_ppm"),
            multiplier_ppm=data["multiplier_ppm"],
            state=eoc.EocState(data["state"]),
            sample_count=len(self.depths),
            outside_count=data["outside_count"],
        )

    def _breaker_opened(self, event: Event) -> None:
        self.open_breakers[event.data["endpoint"]] = event.data["reason"]

    def _breaker_closed(self, event: Event) -> None:
        self.open_breakers.pop(event.data["endpoint"], None)

    def _restore_account(self, values: list[Any]) -> None:
        name, balance, skill, rewarded, spent = values
        account = self.accounts[name] = Account(skill_ppm=skill)
        account.balance_micros, account.rewarded_micros = balance, rewarded
        if spent is not None:
            account.spent = AmountWindow(spent)

    def _restore_pending(self, values: list[Any]) -> None:
        *facts, approvers = values
        pending = PendingApproval._make([*facts, tuple(approvers)])
        self.pending[pending.request] = pending

    def _restore_decided(self, values: list[Any]) -> None:
        self.decided.restore_row(*values)

    def _restore_eoc(self, values: list[Any]) -> None:
        ci_ppm, multiplier_ppm, state, outside_count, *depths = values
        self.depths.extend(depths)
        self.eoc = eoc.EocReading(
            ci_ppm=ci_ppm,
            multiplier_ppm=multiplier_ppm,
            state=eoc.EocState(state),
            sample_count=len(depths),
            outside_count=outside_count,
        )

    def _restore_breaker(self, values: list[Any]) -> None:
        endpoint, reason = values
        self.open_breakers[endpoint] = reason


def _pass_over(event: Event) -> None:
    """For events that tell something and change nothing here."""


_NOT_OURS = (0, _pass_over)


def depths_with(depths: deque[int], newest: int) -> list[int]:
    """The last 64 depths once `newest` has come in."""
    return [*depths, newest][-eoc.SAMPLES_KEPT :]
