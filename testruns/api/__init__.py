"""The API's doors of runs, their results and their evidence."""

from console.kernel.api import problems

problems.register(
    {
        "invalid-plan": 400,
        "invalid-plan-range": 400,
        "invalid-plan-choice": 400,
        "invalid-plan-count": 400,
        "invalid-plan-type": 400,
        "invalid-plan-sweep": 400,
        "invalid-plan-duration": 400,
        "invalid-plan-no-duration": 400,
        "evidence-missing": 410,
        "other-build": 409,
        "run-not-judged": (409, "The run is not judged yet, so there is no report and no manifest of it."),
        "range-not-satisfiable": (416, "The range begins behind the last byte."),
    }
)
