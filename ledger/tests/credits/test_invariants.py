"""The check finds every planted fault in a copy of our journal and of a legacy one, and says what it cannot see."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from console.tests.waiting import PATIENT_SECONDS
from ledger import check_invariants
from ledger.credits import invariants
from ledger.credits.errors import UnreadableJournal
from ledger.credits.invariant_lines import QUESTIONS, InvariantReport
from ledger.tests.credits import planting
from ledger.tests.credits.orders import CREDIT
from ledger.tests.credits.planting import LEGACY, Fault


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound journal, made once; tests work on copies."""
    return planting.sound_journal(tmp_path_factory.mktemp("sound") / "journal")


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    """A copy to plant a fault in."""
    return planting.copy_of(sound, tmp_path / "copy")


def broken(report: InvariantReport) -> dict[str, tuple[str, ...]]:
    """The invariants that do not hold, with their places."""
    return {line.code: tuple(map(str, line.where)) for line in report.lines if line.is_held is False}


def unknown(report: InvariantReport) -> set[str]:
    """The invariants about which the file says nothing."""
    return {line.code for line in report.lines if line.is_held is None}


def test_a_sound_journal_holds_every_invariant(sound: Path) -> None:
    """Every question has its line and its yes."""
    report = check_invariants(sound)

    assert len(planting.segments_of(sound)) > 2
    assert [line.code for line in report.lines] == list(QUESTIONS)
    assert all(line.is_held for line in report.lines)
    assert report.event_count > 100


def test_every_single_segment_of_a_sound_journal_holds(sound: Path) -> None:
    """A later segment says what it cannot show: the whole sums, and an end without seal."""
    reports = [check_invariants(segment) for segment in planting.segments_of(sound)]

    assert all(report.is_held for report in reports)
    assert unknown(reports[0]) == set()
    assert "zero_sum" in unknown(reports[1])
    assert "end" in unknown(reports[-1])


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (planting.edit_amount, {"chain", "balance", "zero_sum", "read_models"}),
        (planting.delete_line, {"chain", "order", "balance", "zero_sum", "read_models"}),
        (planting.swap_lines, {"chain", "order", "balance"}),
        (planting.repeat_key, {"chain", "keys"}),
        (planting.plant_nan, {"records", "chain", "finite"}),
        (planting.cut_tail, {"end"}),
    ],
)
@pytest.mark.parametrize("is_directory", [True, False])
def test_each_planted_fault_is_found(copy: Path, fault: Fault, expected: set[str], is_directory: bool) -> None:
    """An edited amount, a deleted line, two swapped lines, a repeated key, a NaN, a cut tail."""
    segments = planting.segments_of(copy)
    target = segments[-1] if fault is planting.cut_tail else segments[0]
    planting.plant(target, fault)

    report = check_invariants(copy if is_directory else target)

    if fault is planting.cut_tail and not is_directory:
        assert report.is_held
        assert "end" in unknown(report)
        return
    assert not report.is_held
    if is_directory:
        assert expected <= set(broken(report))
    else:
        assert expected - {"zero_sum", "read_models"} <= set(broken(report))


def test_a_fault_is_reported_at_its_line(copy: Path) -> None:
    """File and line, and what was found there."""
    first = planting.segments_of(copy)[0]
    planting.plant(first, planting.edit_amount)
    line = 1 + planting.line_with(first.read_bytes().split(b"\n"), b'"amount_micros":113000000')

    found = broken(check_invariants(copy))

    assert found["chain"] == (f"{first.name} line {line}: the line was changed",)
    assert found["balance"][0].startswith(f"{first.name} line {line}: agent:")


def edit(**changes: object) -> Fault:
    """Change the data of a consumption, then chain everything again as an attacker would."""

    def change(lines: list[bytes]) -> None:
        at = planting.line_with(lines, b'"credit.consumed"', skip=3)
        record = json.loads(lines[at])
        record["data"].update(changes)
        lines[at] = json.dumps(record, separators=(",", ":")).encode()
        planting.chained_again(lines)

    return change


def rewrite(text: bytes, old: bytes, new: bytes) -> Fault:
    """Replace something in the first line with a text, then chain everything again."""

    def change(lines: list[bytes]) -> None:
        at = planting.line_with(lines, text)
        assert old in lines[at]
        lines[at] = lines[at].replace(old, new)
        planting.chained_again(lines)

    return change


def twice(text: bytes) -> Fault:
    """Put a line in again at the end, with another key, then chain everything again."""

    def change(lines: list[bytes]) -> None:
        line = lines[planting.line_with(lines, text)]
        record = json.loads(line)
        record.pop("key", None)
        record["time"] = json.loads(lines[-1])["time"]
        lines.append(json.dumps(record, separators=(",", ":")).encode())
        planting.chained_again(lines)

    return change


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (edit(amount_micros=5), "balance"),
        (edit(balance_micros=5 * CREDIT), "balance"),
        (edit(balance_micros=-5), "negative"),
        (edit(amount_micros=-5), "positive"),
        (edit(amount_micros=0), "positive"),
        (edit(amount_micros=None), "finite"),
        (edit(balance_micros=None), "finite"),
        (edit(amount_micros=1.5), "finite"),
        (edit(from_account="agent:ghost"), "created"),
        (twice(b'"agent.created"'), "created"),
        (rewrite(b'"credit.consumed"', b'"schema":1', b'"schema":0'), "schema"),
        (rewrite(b'"credit.consumed"', b'"mission:9"', b'""'), "correlation"),
        (rewrite(b'"causation":2', b'"causation":2', b'"causation":200'), "causation"),
        (rewrite(b'"key":"order-11"', b"order-11", b"order-10"), "keys"),
        (rewrite(b'"credit.consumed"', b'"time":"20', b'"time":"19'), "order"),
    ],
)
def test_a_fault_behind_a_new_chain_is_found_by_the_books(sound: Path, tmp_path: Path, fault: Fault, code: str) -> None:
    """Whoever computes every hash anew still has to make the sums agree."""
    segment = tmp_path / "00000000000000000001.jsonl"
    segment.write_bytes(planting.segments_of(sound)[0].read_bytes())
    segment.chmod(0o600)
    planting.plant(segment, fault)

    found = broken(check_invariants(segment))

    assert code in found
    assert "chain" not in found


@pytest.mark.parametrize(
    ("text", "code"), [(b'"approval.approved"', "approvals"), (b'"synergy.rewarded"', "reward_cap")]
)
def test_decisions_and_rewards_too_many_are_found(tmp_path: Path, text: bytes, code: str) -> None:
    """A second final decision, and a reward beyond the cap."""
    planting.sound_journal(tmp_path / "journal")
    lines: list[bytes] = []
    for segment in planting.segments_of(tmp_path / "journal"):
        lines += segment.read_bytes().rstrip(b"\n").split(b"\n")
    for _ in range(2):
        lines.append(lines[[index for index, line in enumerate(lines) if text in line][-1]])
    planting.chained_again(lines)
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"".join(line + b"\n" for line in lines))

    assert code in broken(check_invariants(whole))


def test_a_lost_first_segment_and_a_lost_mark_are_told(copy: Path) -> None:
    """A journal must begin at event 1; without the durable mark its end is not provable."""
    (copy / "durable").unlink()
    assert unknown(check_invariants(copy)) == {"end"}

    planting.segments_of(copy)[0].unlink()
    assert "end" in broken(check_invariants(copy))


def test_what_no_fsync_confirmed_is_no_fault(copy: Path) -> None:
    """A writer died in the middle of a record: recovery will cut it, the check only mentions it."""
    last = planting.segments_of(copy)[-1]
    content = last.read_bytes()
    end = len(content.rstrip(b"\n")) + 1
    torn = b'{"seq":9999,"time":"20'
    last.write_bytes(content[:end] + torn + content[end + len(torn) :])

    report = check_invariants(copy)

    assert report.is_held
    assert "recovery cuts it off" in str(next(line.detail for line in report.lines if line.code == "end"))


def legacy_copy(tmp_path: Path, fault: Fault) -> Path:
    """A copy of the sound legacy journal with a fault in it."""
    file = tmp_path / "legacy.jsonl"
    file.write_bytes((LEGACY / "live-harness-169.jsonl").read_bytes())
    planting.plant(file, fault)
    return file


def legacy_edit(lines: list[bytes]) -> None:
    lines[30] = lines[30].replace(b'"amount":', b'"amount":9')


def legacy_delete(lines: list[bytes]) -> None:
    del lines[30]


def legacy_swap(lines: list[bytes]) -> None:
    lines[30], lines[90] = lines[90], lines[30]


def legacy_key(lines: list[bytes]) -> None:
    key = json.loads(lines[40])["idempotency_key"].encode()
    lines[50] = lines[50].replace(json.loads(lines[50])["idempotency_key"].encode(), key)


def legacy_nan(lines: list[bytes]) -> None:
    amount = json.dumps(json.loads(lines[30])["payload"]["amount"]).encode()
    lines[30] = lines[30].replace(b'"amount":' + amount, b'"amount":NaN')


def legacy_cut(lines: list[bytes]) -> None:
    lines[-1] = lines[-1][:80]


@pytest.mark.parametrize(
    ("fault", "code", "line"),
    [
        (legacy_edit, "balance", 31),
        (legacy_swap, "order", 31),
        (legacy_key, "keys", 51),
        (legacy_nan, "finite", 31),
        (legacy_cut, "records", 169),
    ],
)
def test_each_fault_in_a_legacy_journal_is_found_at_its_line(
    tmp_path: Path, fault: Fault, code: str, line: int
) -> None:
    """The same faults where there is no chain: by sums, times and keys."""
    found = broken(check_invariants(legacy_copy(tmp_path, fault)))

    assert found[code][0].startswith(f"line {line}: ")


def test_a_line_deleted_from_a_legacy_balance_chain_is_found(tmp_path: Path) -> None:
    """The next line of the same entity does not add up."""
    assert "balance" in broken(check_invariants(legacy_copy(tmp_path, legacy_delete)))


@pytest.mark.parametrize("name", ["live-harness-169.jsonl", "mixed-3000.jsonl"])
def test_sound_legacy_journals_hold(name: str) -> None:
    """Nothing is invented."""
    report = check_invariants(LEGACY / name)

    assert report.is_held
    assert unknown(report) == {"chain", "end", "zero_sum", "reward_cap", "read_models"}


def unreadable_files(directory: Path) -> dict[str, Path]:
    """What people hand in by mistake."""
    files = {
        name: directory / name
        for name in ("empty", "blank", "binary", "prose", "huge", "folder", "missing", "document")
    }
    files["empty"].touch()
    files["blank"].write_text("\n\n  \n")
    files["binary"].write_bytes(b'{"a":1}\n\x00\x01\x02' + bytes(100))
    files["prose"].write_text("Dear ledger,\nhow are you?\n")
    with files["huge"].open("wb") as file:
        file.write(b'{"event_id":1}\n')
        file.truncate(3 * 2**30)
    files["folder"].mkdir()
    files["document"].write_text(json.dumps({"report": {"passed": 0}}, indent=2))
    return {**files, "device": Path("/dev/null"), "memory": Path("/proc/self/mem")}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("empty", "it is empty"),
        ("blank", "it is empty"),
        ("binary", "it is binary"),
        ("prose", "no JSON lines"),
        ("huge", "at most"),
        ("folder", "the directory holds no journal"),
        ("missing", "No such file"),
        ("device", "not a regular file"),
        ("memory", "cannot be read"),
        ("document", "not one of its lines is an event"),
    ],
)
def test_what_is_no_journal_gets_a_clear_error(tmp_path: Path, name: str, why: str) -> None:
    """Its path and the reason, and no traceback."""
    path = unreadable_files(tmp_path)[name]

    with pytest.raises(UnreadableJournal, match=why) as refusal:
        check_invariants(path)

    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("name", ["", "segments", "journal.json", "segments/00000000000000000001.jsonl"])
def test_a_journal_that_one_has_no_right_to_read_gets_a_clear_error(copy: Path, name: str) -> None:
    """Nobody's rights: neither the directory nor what is in it may be entered, and that is said, not raised."""
    as_nobody = ctypes.CDLL(None).setfsuid  # of this thread alone
    copy.chmod(0)
    before = as_nobody(65534)
    try:
        with pytest.raises(UnreadableJournal, match="Permission denied"):
            check_invariants(copy / name)
    finally:
        as_nobody(before)
        copy.chmod(0o700)


def test_a_segment_without_one_readable_record_gets_a_clear_error(tmp_path: Path) -> None:
    """It begins like one of ours and is none."""
    file = tmp_path / "journal.jsonl"
    file.write_bytes(b'{"seq":1,"time"\n' * 3)

    with pytest.raises(UnreadableJournal, match="not one record"):
        check_invariants(file)


Prepare = Callable[[Path, Path], list[str]]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (lambda sound, here: [str(sound)], 0, "holds"),
        (lambda sound, here: [str(LEGACY / "damaged.jsonl")], 1, "line 31: Out of order"),
        (lambda sound, here: [], 2, "usage"),
        (lambda sound, here: ["--help"], 2, "usage"),
        (lambda sound, here: [str(here / "missing")], 4, "No such file"),
    ],
)
def test_the_command_answers_with_its_exit_code(
    sound: Path, tmp_path: Path, arguments: Prepare, code: int, said: str
) -> None:
    """As a program of its own, and without Django."""
    program = (
        "import runpy, sys\n"
        "class Refusing:\n"
        "    def find_spec(self, name, *rest):\n"
        "        assert name.split('.')[0] != 'django', 'Django was imported'\n"
        "sys.meta_path.insert(0, Refusing())\n"
        "sys.argv[0] = 'invariants'\n"
        "runpy.run_module('ledger.credits.invariants', run_name='__main__', alter_sys=True)\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, *arguments(sound, tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENT_SECONDS)

    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr


def test_progress_reaches_its_end(sound: Path) -> None:
    """Bytes done and bytes in all."""
    seen: list[tuple[int, int]] = []

    invariants.check(sound, progress=lambda done, total: seen.append((done, total)))

    assert seen[-1][0] == seen[-1][1] > 0
