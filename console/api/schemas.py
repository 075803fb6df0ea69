"""What the OpenAPI document says of answers about phases, builds and releases; `console.api.documents` makes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.kernel.authority import Act, Role
from console.release_states import ConditionKind, RequestState, Seat, Word
from testruns.api.schemas import RunPage

Described = serializers.Serializer[Any]
EXIT_CODES = "Of the pipeline client: 0 GO, 1 NO_GO, 3 INCOMPLETE, 5 waiting for people, 6 CONDITIONAL."


def _text(**options: Any) -> serializers.CharField:
    return serializers.CharField(**options)


def _texts(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **options)


def _moment(**options: Any) -> serializers.DateTimeField:
    return serializers.DateTimeField(help_text="UTC.", **options)


def _state() -> serializers.ChoiceField:
    states = [state.value for state in RequestState]
    return serializers.ChoiceField(choices=states, required=False, help_text="Left out while nobody asked.")


class ReleaseBuild(Described):
    """What is judged and released."""

    name = _text()
    commit = _text(required=False)
    tree_digest = _text(required=False, help_text="Left out for a build of which only results were brought.")
    is_clean = serializers.BooleanField(required=False)


class ReleaseDecision(Described):
    """What a supervisor decided."""

    word = serializers.ChoiceField(choices=[word.value for word in Word])
    number = serializers.IntegerField(help_text="2: the GO after a CONDITIONAL.")
    digest = _text()
    reason = _text(required=False)
    decided_at = _moment()
    valid_until = _moment(required=False)


class ReleaseCondition(Described):
    """A condition as it is now."""

    id = _text()
    text = _text()
    kind = serializers.ChoiceField(choices=[kind.value for kind in ConditionKind])
    owner = _text()
    due_date = serializers.DateField()
    is_closed = serializers.BooleanField()
    is_overdue = serializers.BooleanField()


class ReleaseHead(Described):
    """A release request in a history."""

    request = serializers.IntegerField()
    url = _text()
    state = serializers.ChoiceField(choices=[state.value for state in RequestState])
    meaning = _text()
    exit_code = serializers.IntegerField(help_text=EXIT_CODES)
    build = ReleaseBuild()
    opened_by = _text()
    opened_at = _moment()
    deadline_at = _moment()
    manifest_digest = _text()
    decision = ReleaseDecision(required=False)


class ReleaseNow(ReleaseHead):
    """The release request that says how a phase stands."""

    open_conditions = ReleaseCondition(many=True)


class ReleaseSignature(Described):
    """A signature that stands."""

    seat = serializers.ChoiceField(choices=[seat.value for seat in Seat])
    printed_name = _text()
    role = _text()
    meaning = _text()
    reason = _text(required=False)
    signed_at = _moment()
    digest = _text()


class _Cleared(Described):
    code = _text()
    title = _text()
    why = _text()
    act = serializers.ChoiceField(choices=[act.value for act in Act])
    roles = serializers.ListField(child=serializers.ChoiceField(choices=[role.value for role in Role]))
    people = _texts()
    link = _text(required=False, help_text="Kind and number or rule, such as run:12.")


class ChecklistItem(_Cleared):
    """A line of the checklist."""

    is_green = serializers.BooleanField()
    blocks = serializers.ListField(child=serializers.ChoiceField(choices=[word.value for word in Word]))


class LeftToDo(_Cleared):
    """Something that is left to do."""

    until = _moment(required=False)


class PhaseLine(Described):
    """A phase and how it stands."""

    phase = _text()
    url = _text()
    title = _text()
    is_in_use = serializers.BooleanField(help_text="Since before there were releases; none is on record.")
    state = _state()
    meaning = _text()
    is_released = serializers.BooleanField()
    exit_code = serializers.IntegerField(help_text=EXIT_CODES)
    opened_by = _texts()
    opens = _texts()
    release = ReleaseNow(required=False)


class Phases(Described):
    """Every phase, in the order of the roadmap."""

    results = PhaseLine(many=True)


class PhaseDocument(PhaseLine):
    """A phase with its checklist."""

    description = _text(required=False)
    build = ReleaseBuild(required=False, help_text="What the checklist is about.")
    checklist = ChecklistItem(many=True)
    signed = ReleaseSignature(many=True)
    next_seat = serializers.ChoiceField(choices=[seat.value for seat in Seat], required=False)
    next_people = _texts(required=False)


class ReleasePage(Described):
    """A page of release requests."""

    results = ReleaseHead(many=True)
    next = _text(required=False)
    previous = _text(required=False)


class ReleaseCertificate(Described):
    """Where the signed envelope is."""

    digest = _text()
    url = _text()
    key_ids = _text(required=False)
    number = serializers.IntegerField(required=False)


class ReleaseDocument(ReleaseHead):
    """A release request with everything that was signed."""

    phase = _text()
    signed = ReleaseSignature(many=True)
    conditions = ReleaseCondition(many=True)
    certificates = ReleaseCertificate(many=True)
    left = LeftToDo(many=True)


class GateAnswer(Described):
    """The build is released."""

    phase = _text()
    state = _state()
    meaning = _text()
    exit_code = serializers.IntegerField(help_text=EXIT_CODES)
    decision = serializers.ChoiceField(choices=[Word.GO.value, Word.CONDITIONAL.value])
    build = ReleaseBuild()
    decided_at = _moment()
    valid_until = _moment()
    conditions = ReleaseCondition(many=True)
    certificate = ReleaseCertificate()
    manifest_digest = _text()
    request = serializers.IntegerField()


class BuildPhase(Described):
    """How a build stands in a phase."""

    phase = _text()
    state = _state()
    meaning = _text()
    exit_code = serializers.IntegerField(help_text=EXIT_CODES)
    release = ReleaseNow(required=False)
    signed = ReleaseSignature(many=True)
    left = LeftToDo(many=True)


class BuildDocument(Described):
    """Everything about one commit."""

    commit = _text()
    builds = ReleaseBuild(many=True)
    phases = BuildPhase(many=True)
    run_count = serializers.IntegerField()
    runs = RunPage()
