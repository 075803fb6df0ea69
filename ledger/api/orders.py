"""Orders to the live ledger: each POST is one command under the caller's Idempotency-Key.

The journal remembers keys for ever, so a repetition gets the first answer again, from any server process and after any
restart. Who acts is the person behind the token; the journal says `token:<id>:user:<id>`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api.idempotency import REPLAYED, key_of
from console.kernel.api.parsing import StrictSerializer
from console.kernel.scopes import Scope
from ledger import Answer, commands
from ledger.actions import Movement, move_credits
from ledger.api import bodies, fields
from ledger.api.refusals import LedgerView

_REASON = "review of build 7"


def answered(answer: Answer, body: dict[str, Any], *, status: int = 200, location: str = "") -> Response:
    """The answer to an order, marked when it is the first one again."""
    headers = {"Cache-Control": "no-store"}
    if answer.is_repeated:
        headers[REPLAYED] = "true"
    if location:
        headers["Location"] = location
    return Response(body, status=status, headers=headers)


class OrderView(LedgerView):
    """A POST that becomes one command of the ledger.

    `body` is made once: reading with it changes nothing in it, and making one takes as long as the rest of the view.
    """

    scope = Scope.CREDITS_WRITE
    body: ClassVar[StrictSerializer]
    status: ClassVar[int] = HTTPStatus.OK

    def order(self, read: dict[str, Any]) -> Movement:
        """The command that this body asks for."""
        raise NotImplementedError

    def told(self, answer: Answer) -> dict[str, Any]:
        """What the client is told of it."""
        return bodies.moved(answer)

    def post(self, request: Request) -> Response:
        """Carry it out, durably, before answering."""
        order = self.order(self.body.run_validation(request.data))
        answer = move_credits(actor=self.actor(request), order=order, key=key_of(request))
        return answered(answer, self.told(answer), status=self.status)

    post.is_idempotent = True  # type: ignore[attr-defined]  # read by the OpenAPI schema


def _documented(
    body: type[StrictSerializer], answer: Any, summary: str, example: dict[str, Any], status: int = 200
) -> Any:
    """What the OpenAPI document says of an order."""
    shown = OpenApiExample(summary, value=example, request_only=True)
    return extend_schema_view(
        post=extend_schema(request=body, responses={status: answer}, summary=summary, examples=[shown])
    )


@_documented(
    fields.AgentBody,
    bodies.AgentAnswer,
    "Create an agent with the credits that its skill gives",
    {"agent_id": "a-17", "skill_level": "0.8"},
    status=201,
)
class AgentsView(OrderView):
    """New agents."""

    body, status = fields.AgentBody(), HTTPStatus.CREATED

    def order(self, read: dict[str, Any]) -> Movement:
        """An agent with 100 x (0.8 + 0.7 x skill) credits; skill 0.5 unless it is said."""
        skill = {"skill_ppm": read["skill_level"]} if "skill_level" in read else {}
        return commands.CreateAgent(agent=read["agent_id"], **skill)

    def told(self, answer: Answer) -> dict[str, Any]:
        """The agent and its first balance."""
        return bodies.agent_created(answer)


@_documented(
    fields.MissionMovementBody,
    bodies.MovementAnswer,
    "Spend an agent's credits",
    {"agent_id": "a-17", "amount": "12.5", "reason": _REASON, "mission_id": "m-9"},
)
class ConsumeView(OrderView):
    """Credits spent."""

    body = fields.MissionMovementBody()

    def order(self, read: dict[str, Any]) -> Movement:
        """From the agent to consumption; refused when there is too little."""
        return commands.Consume(**_movement(read), mission=read.get("mission_id"))


@_documented(
    fields.MissionMovementBody,
    bodies.MovementAnswer,
    "Give back what an agent consumed",
    {"agent_id": "a-17", "amount": "2.5", "reason": _REASON, "mission_id": "m-9"},
)
class RefundView(OrderView):
    """Credits given back."""

    body = fields.MissionMovementBody()

    def order(self, read: dict[str, Any]) -> Movement:
        """From consumption to the agent."""
        return commands.Refund(**_movement(read), mission=read.get("mission_id"))


@_documented(
    fields.MovementBody,
    bodies.MovementAnswer,
    "Give an agent new credits",
    {"agent_id": "a-17", "amount": "100", "reason": _REASON},
)
class AddView(OrderView):
    """Credits added."""

    body = fields.MovementBody()

    def order(self, read: dict[str, Any]) -> Movement:
        """From issuance to the agent."""
        return commands.AddCredits(**_movement(read))


@_documented(
    fields.WithdrawalBody,
    bodies.MovementAnswer,
    "Take credits from an agent: an amount, or the share of a severity",
    {"agent_id": "a-17", "severity": "low", "reason": "limits were ignored twice"},
)
class WithdrawView(OrderView):
    """Credits withdrawn."""

    body = fields.WithdrawalBody()

    def order(self, read: dict[str, Any]) -> Movement:
        """Exactly one of amount and severity (low 10 %, medium 25 %, high 50 %, critical 75 % of the balance)."""
        return commands.Withdraw(
            agent=read["agent_id"],
            reason=read["reason"],
            severity=read.get("severity"),
            amount_micros=read.get("amount"),
        )


@_documented(
    fields.TransferBody,
    bodies.TransferAnswer,
    "Move credits from one agent to another",
    {"payer_id": "a-17", "payee_id": "a-18", "amount": "3", "reason": _REASON},
)
class TransfersView(OrderView):
    """Credits moved between agents."""

    body = fields.TransferBody()

    def order(self, read: dict[str, Any]) -> Movement:
        """One event with both balances."""
        return commands.Transfer(
            payer=read["payer_id"], payee=read["payee_id"], amount_micros=read["amount"], reason=read["reason"]
        )

    def told(self, answer: Answer) -> dict[str, Any]:
        """Both balances."""
        return bodies.transferred(answer)


def _movement(read: dict[str, Any]) -> dict[str, Any]:
    return {"agent": read["agent_id"], "amount_micros": read["amount"], "reason": read["reason"]}
