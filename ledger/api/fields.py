"""What bodies of orders are read with: texts as they are, amounts as decimals that nothing rounded."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from console.kernel.api.parsing import StrictSerializer
from ledger import PPM, LedgerError, micros_of
from ledger.credits.amounts import shown
from ledger.credits.errors import InvalidSkill

_AMOUNT = {
    "oneOf": [{"type": "string", "pattern": r"^[0-9]{1,16}(\.[0-9]{1,6})?$"}, {"type": "integer", "minimum": 1}],
    "description": "Credits, above zero, at most six decimals. A JSON number with a fraction is refused: not exact.",
    "examples": ["12.5"],
}
_SKILL = {
    "oneOf": [{"type": "string", "pattern": r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$"}, {"type": "integer", "enum": [0, 1]}],
    "description": "0 to 1, at most six decimals. A JSON number with a fraction is refused: not exact.",
    "examples": ["0.8"],
}


@extend_schema_field({"type": "string"})
class TextField(serializers.Field[str, Any, str, Any]):
    """A text, untouched; what may stand in it is the ledger's to say."""

    def to_internal_value(self, data: Any) -> str:
        """The text. Raises ValidationError for anything else."""
        if not isinstance(data, str):
            raise serializers.ValidationError(_("It must be a text."))
        return data


@extend_schema_field(_AMOUNT)
class AmountField(serializers.Field[int, Any, str, Any]):
    """An amount of credits as text or whole number, in micro-credits."""

    def to_internal_value(self, data: Any) -> int:
        """Micro-credits. Raises InvalidAmount and AmountTooLarge, also for a binary fraction."""
        return micros_of(data)


@extend_schema_field(_SKILL)
class SkillField(serializers.Field[int, Any, str, Any]):
    """A skill from 0 to 1 as text or whole number, in millionths."""

    def to_internal_value(self, data: Any) -> int:
        """Millionths. Raises InvalidSkill; ValidationError for a binary fraction."""
        if isinstance(data, float):
            raise serializers.ValidationError(_("Write it as text, such as “0.8”: a binary fraction is not exact."))
        try:
            ppm = micros_of(data, is_zero_allowed=True)
        except LedgerError as refusal:
            raise InvalidSkill(skill=shown(data)) from refusal
        if ppm > PPM:
            raise InvalidSkill(skill=shown(data))
        return ppm


class OrderBody(StrictSerializer):
    """The body of an order. Who acts is never in it."""

    def to_internal_value(self, data: Any) -> Any:
        """What was sent, by field. Raises ValidationError."""
        if isinstance(data, dict) and "actor_id" in data:
            why = _("The actor is the person behind the token. Leave this out.")
            raise serializers.ValidationError({"actor_id": [why]})
        return super().to_internal_value(data)


class AgentBody(OrderBody):
    """A new agent."""

    agent_id = TextField()
    skill_level = SkillField(required=False)


class MovementBody(OrderBody):
    """An amount for an agent, with a reason."""

    agent_id = TextField()
    amount = AmountField()
    reason = TextField()


class MissionMovementBody(MovementBody):
    """The same for a mission."""

    mission_id = TextField(required=False)


class WithdrawalBody(OrderBody):
    """An amount, or the share that a severity takes."""

    agent_id = TextField()
    reason = TextField()
    amount = AmountField(required=False)
    severity = TextField(required=False)


class TransferBody(OrderBody):
    """An amount from one agent to another."""

    payer_id = TextField()
    payee_id = TextField()
    amount = AmountField()
    reason = TextField()


class ApprovalBody(OrderBody):
    """A request that people decide in the console."""

    request = TextField()
    action_type = TextField()
    risk_level = TextField()
    context = TextField()  # type: ignore[assignment]  # a field; the metaclass takes it away
    amount = AmountField(required=False)
