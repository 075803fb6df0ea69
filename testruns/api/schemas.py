"""What the OpenAPI document says of answers about runs. Only described here: `testruns.api.documents` makes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from testruns.gates.rule import Operator, Severity
from testruns.gates.verdicts import Verdict
from testruns.recommendation import Recommendation
from testruns.run_states import ExecutionState, RunState

Described = serializers.Serializer[Any]
VERDICTS = [verdict.value for verdict in Verdict if verdict is not Verdict.WAIVED]


def _text(**options: Any) -> serializers.CharField:
    return serializers.CharField(**options)


def _number(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(**options)


def _figure(**options: Any) -> serializers.CharField:
    return serializers.CharField(help_text="Exact decimal text.", **options)


def _moment(**options: Any) -> serializers.DateTimeField:
    return serializers.DateTimeField(help_text="UTC.", **options)


def _verdict(**options: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=VERDICTS, **options)


class Waits(Described):
    """Why a run or a scenario waits."""

    position = _number(help_text="1 is next.")
    reason = _text()


class RunBuild(Described):
    """What is judged."""

    name = _text()
    commit = _text(required=False)
    tree_digest = _text(required=False, help_text="Left out of a build that only results were brought for.")
    is_clean = serializers.BooleanField()


class RunPolicy(Described):
    """What it is judged by."""

    code = _text()
    number = _number()
    digest = _text()


class RunGateVerdict(Described):
    """A gate of a run in a list."""

    gate = _text()
    verdict = _verdict()


class RunGate(Described):
    """A gate of a run; without a verdict nothing is judged yet."""

    gate = _text()
    title = _text(required=False)
    verdict = _verdict(required=False)
    worst_rule = _text(required=False)
    rules = _number()
    held = _number()


class RunRule(Described):
    """A judged rule. `margin` is a share of the threshold, positive towards good."""

    code = _text()
    gate = _text()
    severity = serializers.ChoiceField(choices=[severity.value for severity in Severity])
    verdict = _verdict()
    question = _text()
    operator = serializers.ChoiceField(choices=[operator.value for operator in Operator])
    expected = _figure()
    blocking = _figure(required=False)
    actual = _figure(required=False)
    margin = _figure(required=False)
    unit = _text()
    is_blocking = serializers.BooleanField()
    reason = _text(required=False)
    sources = serializers.ListField(child=serializers.DictField())


class RunMeasurement(Described):
    """A measurement of an execution's latest attempt."""

    name = _text()
    value = _figure()
    unit = _text()


class RunAttempt(Described):
    """One try of a scenario."""

    number = _number()
    state = serializers.ChoiceField(choices=[state.value for state in ExecutionState])
    started_at = _moment()
    finished_at = _moment(required=False)
    exit_code = _number(required=False)
    error = _text(required=False)


class RunExecution(Described):
    """One scenario of a run at one level of concurrency."""

    execution = _number()
    scenario = _text()
    title = _text()
    concurrency = _number()
    state = serializers.ChoiceField(choices=[state.value for state in ExecutionState])
    verdict = _verdict(required=False)
    progress_ppm = _number()
    progress = _text(required=False)
    planned_seconds = _number()
    waiting = Waits(required=False)
    error = _text(required=False)
    may_be_attempted_again = serializers.BooleanField()
    attempts = RunAttempt(many=True)
    measurements = RunMeasurement(many=True)
    journal_head = serializers.DictField(required=False)
    samples_url = _text()


class RunFinding(Described):
    """Something a person should read."""

    rule = _text(required=False)
    severity = serializers.ChoiceField(choices=[severity.value for severity in Severity])
    what = _text()
    impact = _text(required=False)
    where = _text(required=False)


class RunEvidenceLine(Described):
    """A file that the run rests on."""

    digest = _text()
    url = _text()
    role = _text()
    scenario = _text(required=False)
    concurrency = _number(required=False)
    attempt = _number(required=False)
    size = _number()
    media_type = _text()


class _RunHead(Described):
    run = _number()
    url = _text()
    state = serializers.ChoiceField(choices=[state.value for state in RunState])
    recommendation = serializers.ChoiceField(choices=[word.value for word in Recommendation], required=False)
    is_provisional = serializers.BooleanField(help_text="A further attempt could change the recommendation.")
    profile = _text()
    scenarios = serializers.ListField(child=_text())
    concurrency = serializers.ListField(child=_number())
    duration_seconds = _number()
    seed = _number()
    build = RunBuild()
    requested_by = _text(required=False)
    via = _text()
    requested_at = _moment()
    started_at = _moment(required=False)
    finished_at = _moment(required=False)
    progress_ppm = _number()


class RunLine(_RunHead):
    """A run in a list."""

    gates = RunGateVerdict(many=True)


class RunDocument(_RunHead):
    """A run with everything that was found."""

    sentence = _text(required=False)
    missing = serializers.ListField(child=_text())
    policy = RunPolicy()
    retry_injection = serializers.BooleanField()
    karma_available = serializers.BooleanField()
    anomaly_injection = serializers.BooleanField()
    planned_seconds = _number()
    remaining_seconds = _number()
    waiting = Waits(required=False)
    gates = RunGate(many=True)
    rules = RunRule(many=True)
    executions = RunExecution(many=True)
    findings = RunFinding(many=True)
    environment = serializers.DictField()
    evidence = RunEvidenceLine(many=True)
    manifest_digest = _text(required=False)


class RunPage(Described):
    """A page of runs; `next` and `previous` where there are more."""

    results = RunLine(many=True)
    next = _text(required=False)
    previous = _text(required=False)


class RunSamples(Described):
    """What was sampled once a second. `is_complete`: the evidence of a finished attempt; else what is known so far."""

    run = _number()
    execution = _number()
    scenario = _text()
    concurrency = _number()
    attempt = _number(required=False)
    is_complete = serializers.BooleanField()
    samples = serializers.ListField(child=serializers.DictField(child=_number()))
