"""Cancel, attempt again, run again: each is the console's own action, with the person behind the token."""

from __future__ import annotations

import pytest

from console.kernel.models import Person
from console.tests.api_client import ApiClient
from testruns.models import Run, ScenarioExecution
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.policies.judged import judged_run


def queued_run(client: ApiClient) -> Run:
    """A run that waits."""
    return Run.objects.get(pk=client.send("runs/", {"profile": "smoke"}).json()["run"])


def broken_run(person: Person) -> Run:
    """A run of which two scenarios did not finish."""
    return judged_run(
        sound_run(
            execution("ml_chaos", state=ExecutionState.ERRORED),
            execution("crash_replay", state=ExecutionState.ABANDONED),
        ),
        requested_by=person,
    )


def row(run: Run, scenario: str) -> ScenarioExecution:
    """One execution as it is now."""
    return run.executions.get(scenario=scenario)


def test_a_waiting_run_is_cancelled(client: ApiClient) -> None:
    """202 with the run as it is then; a second time there is nothing left to cancel."""
    run = queued_run(client)

    cancelled = client.send(f"runs/{run.pk}/cancel/")
    again = client.send(f"runs/{run.pk}/cancel/")

    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "CANCELLED")
    assert (again.status_code, again.json()["code"]) == (409, "run-over")


def test_a_repeated_cancel_gets_the_first_answer(client: ApiClient) -> None:
    """A pipeline that did not hear the answer asks again under the same key."""
    run = queued_run(client)

    first, second = (client.send(f"runs/{run.pk}/cancel/", key="one") for _ in range(2))

    assert (second.status_code, second.json()) == (202, first.json())


def test_one_scenario_is_cancelled_alone(client: ApiClient) -> None:
    """The others still wait."""
    run = queued_run(client)

    answer = client.send(f"runs/{run.pk}/executions/{row(run, 'ml_chaos').pk}/cancel/")

    states = {one["scenario"]: one["state"] for one in answer.json()["executions"]}
    assert (answer.status_code, states["ml_chaos"], states["credit_storm"]) == (202, "CANCELLED", "QUEUED")


def test_everything_that_did_not_finish_is_attempted_again(client: ApiClient, tester: Person) -> None:
    """Both scenarios wait again, what finished stays; a second time there is nothing to repeat."""
    run = broken_run(tester)

    answer = client.send(f"runs/{run.pk}/attempt-again/")
    again = client.send(f"runs/{run.pk}/attempt-again/")

    states = [one["state"] for one in answer.json()["executions"]]
    assert (answer.status_code, states.count("QUEUED"), states.count("FINISHED")) == (202, 2, 5)
    assert (again.status_code, again.json()["code"]) == (409, "nothing-to-attempt-again")


def test_one_scenario_is_attempted_again_alone(client: ApiClient, tester: Person) -> None:
    """As with the console's button; one that finished is not repeated."""
    run = broken_run(tester)

    again = client.send(f"runs/{run.pk}/executions/{row(run, 'ml_chaos').pk}/attempt-again/")
    finished = client.send(f"runs/{run.pk}/executions/{row(run, 'credit_storm').pk}/attempt-again/")

    assert again.status_code == 202
    assert (row(run, "ml_chaos").state, row(run, "crash_replay").state) == ("QUEUED", "ABANDONED")
    assert (finished.status_code, finished.json()["code"]) == (409, "not-to-be-attempted-again")


def test_a_frozen_run_is_run_again_but_not_attempted_again(client: ApiClient, sound: Run) -> None:
    """The same plan and seed make another run."""
    again = client.send(f"runs/{sound.pk}/run-again/")

    assert again.status_code == 202
    assert again.headers["Location"].endswith(f"/runs/{again.json()['run']}/")
    assert (again.json()["run"] != sound.pk, again.json()["seed"]) == (True, sound.seed)
    assert client.send(f"runs/{sound.pk}/attempt-again/").json()["code"] == "nothing-to-attempt-again"


def test_a_run_that_was_cancelled_as_a_whole_is_closed(client: ApiClient) -> None:
    """The refusal claims no judgement and says what to do instead."""
    number = client.send("runs/", {"profile": "smoke"}).json()["run"]
    client.send(f"runs/{number}/cancel/")

    refused = client.send(f"runs/{number}/attempt-again/")

    assert (refused.status_code, refused.json()["code"]) == (409, "run-frozen")
    assert refused.json()["detail"] == "The run is closed. Run it again with the same seed instead."


@pytest.mark.parametrize("act", ["cancel/", "attempt-again/", "run-again/"])
def test_an_act_on_nothing_is_not_found_and_takes_no_values(client: ApiClient, sound: Run, act: str) -> None:
    """404 for a run nobody requested, 400 for a body with a field."""
    missing = client.send(f"runs/999999/{act}")
    with_field = client.send(f"runs/{sound.pk}/{act}", {"state": "JUDGED"})

    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")
    assert (with_field.status_code, with_field.json()["errors"][0]["pointer"]) == (400, "/state")


def test_a_scenario_of_another_run_is_not_found(client: ApiClient, sound: Run) -> None:
    """The address of an execution begins with its own run."""
    other = queued_run(client)

    answer = client.send(f"runs/{other.pk}/executions/{row(sound, 'ml_chaos').pk}/cancel/")

    assert answer.status_code == 404
