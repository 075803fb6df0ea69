"""Commands: what can be asked of the credit ledger. Frozen, checked when made, money in micro-credits.

Making a command with a wrong value raises the refusal (errors.py) before anything reaches the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any, ClassVar

import orjson

from ledger.credits.amounts import PPM, require_amount
from ledger.credits.errors import InvalidSkill, SameAccount, SelfDealing
from ledger.credits.karma_reading import KarmaReading
from ledger.credits.policy import (
    COLLABORATION_AGENTS_MAX,
    REGENERATION_HOURS_MAX,
    SKILL_PPM_DEFAULT,
    RiskLevel,
    Severity,
)
from ledger.credits.texts import (
    require_choice,
    require_count,
    require_flag,
    require_identifier,
    require_ppm,
    require_reason,
    require_text,
)
from ledger.engine.canonical import canonical_bytes

ARTIFACT_TYPES = ("code", "knowledge", "solution")
FINGERPRINT_LENGTH = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditCommand:
    """Base of the commands. `name` stands in the fingerprint and is never reused."""

    name: ClassVar[str]

    @property
    def once_stream(self) -> str | None:
        """The stream that must not exist yet, for facts that are recorded once."""
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateAgent(CreditCommand):
    """A new agent with `initial_micros`, or with what the policy gives for its skill."""

    name: ClassVar[str] = "create_agent"
    agent: str
    skill_ppm: int = SKILL_PPM_DEFAULT
    initial_micros: int | None = None

    def __post_init__(self) -> None:
        require_identifier(self.agent, field="agent")
        if isinstance(self.skill_ppm, bool) or not isinstance(self.skill_ppm, int) or not 0 <= self.skill_ppm <= PPM:
            raise InvalidSkill(skill=str(self.skill_ppm)[:40])
        if self.initial_micros is not None:
            require_amount(self.initial_micros)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Movement(CreditCommand):
    """Base of the commands that name an agent, an amount and a reason."""

    agent: str
    amount_micros: int
    reason: str

    def __post_init__(self) -> None:
        require_identifier(self.agent, field="agent")
        require_amount(self.amount_micros)
        require_text(self.reason, field="reason")


@dataclass(frozen=True, kw_only=True, slots=True)
class Consume(_Movement):
    """An agent spends credits, for a mission or not.

    `karma` is what KARMA said beforehand. It is an observation, no argument: a retry may see another one and is
    still the same command, so it stands outside the fingerprint.
    """

    name: ClassVar[str] = "consume"
    mission: str | None = None
    karma: KarmaReading | None = field(default=None, metadata={"is_observed": True})

    def __post_init__(self) -> None:
        _Movement.__post_init__(self)
        if self.mission is not None:
            require_identifier(self.mission, field="mission")


@dataclass(frozen=True, kw_only=True, slots=True)
class Refund(_Movement):
    """Credits an agent consumed come back."""

    name: ClassVar[str] = "refund"
    mission: str | None = None

    def __post_init__(self) -> None:
        _Movement.__post_init__(self)
        if self.mission is not None:
            require_identifier(self.mission, field="mission")


@dataclass(frozen=True, kw_only=True, slots=True)
class AddCredits(_Movement):
    """New credits for an agent."""

    name: ClassVar[str] = "add_credits"


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdraw(CreditCommand):
    """Credits taken from an agent: an exact amount, or the share a severity takes. Needs a reason of ten characters."""

    name: ClassVar[str] = "withdraw"
    agent: str
    reason: str
    severity: str | None = None
    amount_micros: int | None = None

    def __post_init__(self) -> None:
        require_identifier(self.agent, field="agent")
        require_reason(self.reason, field="reason")
        if self.amount_micros is not None and self.severity is None:
            require_amount(self.amount_micros)
        else:
            both = self.amount_micros is not None
            require_choice("both" if both else self.severity, field="severity", choices=Severity)


@dataclass(frozen=True, kw_only=True, slots=True)
class Regenerate(CreditCommand):
    """Credits that grew back over `hours_ppm` millionths of an hour, times the controller's multiplier."""

    name: ClassVar[str] = "regenerate"
    agent: str
    hours_ppm: int = PPM

    def __post_init__(self) -> None:
        require_identifier(self.agent, field="agent")
        require_count(self.hours_ppm, field="hours_ppm", low=1, high=REGENERATION_HOURS_MAX * PPM)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer(CreditCommand):
    """Credits from one agent to another, as one event."""

    name: ClassVar[str] = "transfer"
    payer: str
    payee: str
    amount_micros: int
    reason: str

    def __post_init__(self) -> None:
        require_identifier(self.payer, field="payer")
        require_identifier(self.payee, field="payee")
        require_amount(self.amount_micros)
        require_text(self.reason, field="reason")
        if self.payer == self.payee:
            raise SameAccount(agent=self.payer)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestApproval(CreditCommand):
    """Ask people to allow something; the risk level says how many and until when. LOW is approved at once."""

    name: ClassVar[str] = "request_approval"
    request: str
    action_type: str
    risk_level: str
    context: str
    requester: str
    amount_micros: int | None = None

    def __post_init__(self) -> None:
        require_identifier(self.request, field="request")
        require_identifier(self.action_type, field="action_type")
        require_identifier(self.requester, field="requester")
        require_choice(self.risk_level, field="risk_level", choices=RiskLevel)
        require_text(self.context, field="context")
        if self.amount_micros is not None:
            require_amount(self.amount_micros)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecideApproval(CreditCommand):
    """Approve or reject. A rejection, and an approval of HIGH or CRITICAL, needs ten characters of justification."""

    name: ClassVar[str] = "decide_approval"
    request: str
    approver: str
    is_approval: bool
    justification: str = ""

    def __post_init__(self) -> None:
        require_identifier(self.request, field="request")
        require_identifier(self.approver, field="approver")
        require_flag(self.is_approval, field="is_approval")
        if self.justification:
            require_text(self.justification, field="justification")
        if not self.is_approval:
            require_reason(self.justification, field="justification")


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelApproval(CreditCommand):
    """The requester takes the own request back."""

    name: ClassVar[str] = "cancel_approval"
    request: str
    by: str
    reason: str

    def __post_init__(self) -> None:
        require_identifier(self.request, field="request")
        require_identifier(self.by, field="by")
        require_text(self.reason, field="reason")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpireApproval(CreditCommand):
    """End a request whose deadline has passed."""

    name: ClassVar[str] = "expire_approval"
    request: str

    def __post_init__(self) -> None:
        require_identifier(self.request, field="request")


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordCollaboration(CreditCommand):
    """Agents worked together; each is rewarded, at most up to the cap of its life.

    `contributions_ppm` stands in the order of `agents`. With `reward_micros` that total is shared by contribution;
    without it every agent gets 2 x (0.5 + 0.5 x contribution) credits.
    """

    name: ClassVar[str] = "record_collaboration"
    collaboration: str
    agents: tuple[str, ...]
    mission: str
    contributions_ppm: tuple[int, ...]
    reward_micros: int | None = None

    def __post_init__(self) -> None:
        require_identifier(self.collaboration, field="collaboration")
        require_identifier(self.mission, field="mission")
        require_count(len(self.agents), field="agents", low=2, high=COLLABORATION_AGENTS_MAX)
        count = len(self.agents)
        require_count(len(self.contributions_ppm), field="contributions_ppm", low=count, high=count)
        for agent in self.agents:
            require_identifier(agent, field="agents")
        for share in self.contributions_ppm:
            require_ppm(share, field="contributions_ppm")
        if len(set(self.agents)) < len(self.agents):
            raise SelfDealing(agent=next(agent for agent in self.agents if self.agents.count(agent) > 1))
        if self.reward_micros is not None:
            require_amount(self.reward_micros)
            require_count(sum(self.contributions_ppm), field="contributions_ppm", low=1, high=count * PPM)

    @property
    def once_stream(self) -> str:
        """The collaboration's own stream: it is recorded once."""
        return f"collaboration:{self.collaboration}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordReuse(CreditCommand):
    """An agent reused another's work; it gets back the reusable share of what the work was allocated for real."""

    name: ClassVar[str] = "record_reuse"
    reuse: str
    source_agent: str
    reusing_agent: str
    artifact: str
    artifact_type: str
    similarity_ppm: int
    original_allocation_micros: int

    def __post_init__(self) -> None:
        require_identifier(self.reuse, field="reuse")
        require_identifier(self.source_agent, field="source_agent")
        require_identifier(self.reusing_agent, field="reusing_agent")
        require_identifier(self.artifact, field="artifact")
        require_choice(self.artifact_type, field="artifact_type", choices=ARTIFACT_TYPES)
        require_ppm(self.similarity_ppm, field="similarity_ppm")
        require_amount(self.original_allocation_micros)
        if self.source_agent == self.reusing_agent:
            raise SelfDealing(agent=self.source_agent)

    @property
    def once_stream(self) -> str:
        """The reuse's own stream: it is recorded once."""
        return f"reuse:{self.reuse}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleEoc(CreditCommand):
    """One look at the queue: how many wait."""

    name: ClassVar[str] = "sample_eoc"
    queue_depth: int

    def __post_init__(self) -> None:
        require_count(self.queue_depth, field="queue_depth", low=0, high=10**9)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordBreaker(CreditCommand):
    """The breaker in front of a KARMA endpoint opened or closed."""

    name: ClassVar[str] = "record_breaker"
    is_open: bool
    endpoint: str
    reason: str

    def __post_init__(self) -> None:
        require_flag(self.is_open, field="is_open")
        require_text(self.endpoint, field="endpoint")
        require_text(self.reason, field="reason")


_ARGUMENTS: dict[type[CreditCommand], tuple[str, ...]] = {}


def arguments_of(command: CreditCommand) -> dict[str, Any]:
    """What the caller asked for, without what was only observed."""
    names = _ARGUMENTS.get(type(command))
    if names is None:
        names = tuple(item.name for item in fields(command) if not item.metadata.get("is_observed"))
        _ARGUMENTS[type(command)] = names
    return {name: getattr(command, name) for name in names}


def fingerprint_of(command: CreditCommand) -> str:
    """First 32 hex digits of SHA-256 over the canonical {command, arguments}: the same order has the same one."""
    order = {"command": command.name, "arguments": arguments_of(command)}
    content = orjson.dumps(order, option=orjson.OPT_SORT_KEYS)
    if not content.isascii():
        # Only other alphabets have several spellings of one text; for ASCII these bytes are the canonical ones already.
        content = canonical_bytes(order)
    return sha256(content).hexdigest()[:FINGERPRINT_LENGTH]
