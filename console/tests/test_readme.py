"""The README is true: its examples run, its commands exist, its tables say what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from console.kernel.authority import Act, Role, may
from console.tests.source_files import ROOT
from console.tests.waiting import PATIENT_SECONDS

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
SCENARIO, RULE = [text for language, text in BLOCKS if language == "python"]
COMMANDS = sorted(set(re.findall(r"manage\.py (\w+)", README)))
ACTS = {
    "read everything": [Act.READ],
    "request, cancel, attempt again a run": [Act.REQUEST_RUN, Act.CANCEL_RUN, Act.ATTEMPT_AGAIN],
    "move credits, ask for a credit approval": [Act.MOVE_CREDITS, Act.REQUEST_LEDGER_APPROVAL],
    "approve or deny a credit approval": [Act.DECIDE_LEDGER_APPROVAL],
    "import or repair a journal, let it be written again, set the place of a subscription": [
        Act.IMPORT_JOURNAL,
        Act.REPAIR_JOURNAL,
        Act.LEAVE_READ_ONLY,
        Act.STEER_SUBSCRIPTION,
    ],
    "propose another definition of a phase and its checklist": [Act.EDIT_PHASE],
    "put in force a definition that somebody else proposed, or withdraw it": [Act.ACTIVATE_PHASE],
    "make, rotate and revoke tokens of one's own": [Act.CREATE_TOKEN, Act.ROTATE_TOKEN, Act.REVOKE_TOKEN],
    "make a token for a service that acts for a person": [Act.CREATE_SERVICE_TOKEN],
    "manage people: create, deactivate, propose and end roles": [
        Act.CREATE_PERSON,
        Act.DEACTIVATE_PERSON,
        Act.PROPOSE_ROLE,
        Act.TAKE_ROLE,
        Act.RESET_PASSWORD,
    ],
    "confirm a role or a first password that somebody else proposed": [Act.CONFIRM_ROLE, Act.CONFIRM_RESET],
}
RUN_SCENARIO = """
import sys
from pathlib import Path
from testruns.scenarios.stage.context import Reporter, ScenarioContext
from testruns.scenarios.stage.registry import REGISTRY

exec(sys.stdin.read())
scenario = REGISTRY.in_order()["transfer_ring"]
context = ScenarioContext(
    run=1, scenario=scenario, concurrency=50, directory=Path(sys.argv[1]), seed=42, duration_seconds=5,
    warmup_seconds=0, retry_injection=True, karma_available=False, anomaly_injection=True, offered_rate=100,
    report=Reporter(scenario=scenario, emit=print),
)
scenario.run(context)
"""


def test_the_example_scenario_registers_itself_and_measures(tmp_path: Path) -> None:
    """Copied into a file it works: it runs on a real journal and reports its measurement."""
    ran = subprocess.run(
        [sys.executable, "-c", RUN_SCENARIO, str(tmp_path)],
        cwd=ROOT, input=SCENARIO, capture_output=True, text=True, timeout=PATIENT_SECONDS,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert "'name': 'balances_astray', 'value': 0, 'unit': 'count'" in ran.stdout


def test_the_example_rule_is_a_rule() -> None:
    """It is accepted as it stands, and reads the example scenario."""
    built = subprocess.run(
        [sys.executable, "-c", RULE + "\nprint(NOTHING_ASTRAY.gate, NOTHING_ASTRAY.expected, *NOTHING_ASTRAY.sources)"],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENT_SECONDS,
    )  # fmt: skip

    assert built.stdout == "B = 0 count transfer_ring.balances_astray\n", built.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_it_names_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A reader can type what they read."""
    with pytest.raises(SystemExit) as ended:
        call_command(command, "--help")

    assert ended.value.code == 0
    assert f" {command} " in capsys.readouterr().out


@pytest.mark.parametrize("words", sorted(set(re.findall(r"manage\.py ledger ([a-z]+)", README))))
def test_every_ledger_command_it_names_exists(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same for the commands below `ledger`."""
    with pytest.raises(SystemExit) as ended:
        call_command("ledger", words, "--help")

    assert ended.value.code == 0
    assert f" ledger {words} " in capsys.readouterr().out


def test_a_command_that_a_readme_made_up_would_be_found() -> None:
    """Neither a command nor a verb of `ledger` that is not there shows any help."""
    with pytest.raises(CommandError):
        call_command("no_such_command", "--help")
    with pytest.raises(CommandError):
        call_command("ledger", "no-such-verb", "--help")


@pytest.mark.parametrize("line", ["act", *ACTS])
def test_the_table_of_who_may_do_what_is_the_authority_table(line: str) -> None:
    """Each cell says what the code decides."""
    cells = next(row for row in README.splitlines() if row.startswith(f"| {line} |")).strip("| ").split(" | ")[1:]

    if line == "act":
        assert cells == [role.value for role in Role]
    for act in ACTS.get(line, []):
        assert cells == ["yes" if may(act=act, roles={role}) else "no" for role in Role]


@pytest.mark.parametrize("target", ["run", "test"])
def test_both_make_commands_exist(target: str) -> None:
    """`make -n` knows what to do for each, without doing it."""
    planned = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=PATIENT_SECONDS)

    assert f"make {target}" in README
    assert planned.returncode == 0, planned.stderr
