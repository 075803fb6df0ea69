"""The check on journals that somebody broke on purpose or by accident: it answers, and never falls over."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from ledger import check_invariants
from ledger.credits.errors import UnreadableJournal
from ledger.credits.invariants.__main__ import main
from ledger.engine.limits import EVENT_BYTES_MAX
from ledger.tests.credits import planting
from ledger.tests.credits.planting import LEGACY
from ledger.tests.credits.test_invariants import broken, copy, sound, unknown

__all__ = ["copy", "sound"]


def first_segment(sound: Path, tmp_path: Path) -> Path:
    """The first segment alone, to be changed."""
    file = tmp_path / "00000000000000000001.jsonl"
    file.write_bytes(planting.segments_of(sound)[0].read_bytes())
    return file


def test_a_hole_of_empty_lines_is_found(sound: Path, tmp_path: Path) -> None:
    """Padding stands behind the last record only."""
    file = first_segment(sound, tmp_path)
    planting.plant(file, lambda lines: lines.insert(5, b""))

    assert broken(check_invariants(file))["records"] == (f"{file.name} line 7: a record behind empty lines",)


def test_a_changed_checksum_is_found(sound: Path, tmp_path: Path) -> None:
    """The history is right, the line is not what was written."""
    file = first_segment(sound, tmp_path)
    planting.plant(file, lambda lines: lines.__setitem__(5, lines[5][:-3] + b'x"}'))

    assert broken(check_invariants(file)) == {"chain": (f"{file.name} line 6: its checksum was changed",)}


def test_megabytes_of_padding_cost_nothing(copy: Path) -> None:
    """The active segment is filled ahead; a check walks over it."""
    with planting.segments_of(copy)[-1].open("ab") as file:
        file.write(b"\n" * (8 * 2**20))

    assert check_invariants(copy).is_held


def test_a_line_without_end_is_given_up(sound: Path, tmp_path: Path) -> None:
    """Past two events' length nothing more is read into memory."""
    file = first_segment(sound, tmp_path)
    with file.open("ab") as content:
        content.write(b"x" * (3 * EVENT_BYTES_MAX))

    assert "records" in broken(check_invariants(file))


@pytest.mark.parametrize("previous", [5, "zz" * 32, "00"])
def test_a_segment_that_does_not_say_where_it_began_is_checked_from_its_second_record(
    sound: Path, tmp_path: Path, previous: object
) -> None:
    """Its first record cannot be held against anything."""
    file = tmp_path / "later.jsonl"
    lines = planting.segments_of(sound)[1].read_bytes().rstrip(b"\n").split(b"\n")
    record = json.loads(lines[0])
    record["data"]["previous"] = previous
    file.write_bytes(b"\n".join([json.dumps(record).encode(), *lines[1:]]) + b"\n")

    assert "chain" not in broken(check_invariants(file))


def test_another_history_up_to_the_mark_is_found(copy: Path) -> None:
    """The durable mark knows the hash of the last record, not only its number."""
    last = planting.segments_of(copy)[-1]
    planting.plant(last, lambda lines: lines.__setitem__(-1, lines[-1].replace(b'"hash":"', b'"hash":"0')[:-1] + b"}"))

    assert {"records", "chain"} & set(broken(check_invariants(copy)))
    planting.plant(last, lambda lines: lines.__setitem__(-1, lines[-1].replace(b'"hash":"0', b'"hash":"')))
    planting.plant(last, lambda lines: lines.__setitem__(-1, _other_hash(lines[-1])))

    assert "is not the one that was durable" in broken(check_invariants(copy))["end"][0]


def _other_hash(line: bytes) -> bytes:
    at = line.index(b'"hash":"') + len(b'"hash":"')
    return line[:at] + (b"1" if line[at : at + 1] == b"0" else b"0") + line[at + 1 :]


def test_a_directory_in_the_place_of_a_segment_gets_a_clear_error(copy: Path) -> None:
    """What the system says is passed on."""
    (copy / "segments" / "00000000000000009999.jsonl").mkdir()

    with pytest.raises(UnreadableJournal, match="directory"):
        check_invariants(copy)


def change_anything(source: random.Random, value: object) -> object:
    """Another value of any type."""
    return source.choice([None, 0, -1, True, 1.5, "", "x", [], {}, [value], {"a": value}, 2**70, "agent:ann", "NaN"])


@pytest.mark.parametrize("seed", range(12))
def test_nothing_that_a_record_may_hold_makes_the_check_fall_over(sound: Path, tmp_path: Path, seed: int) -> None:
    """Fields and values replaced at random, with and without a new chain: it is found, and there is no traceback."""
    source = random.Random(seed)
    file = first_segment(sound, tmp_path)
    lines = file.read_bytes().rstrip(b"\n").split(b"\n")
    for _ in range(12):
        at = source.randrange(1, len(lines))
        record = json.loads(lines[at])
        target = source.choice([record, record["data"] if isinstance(record["data"], dict) else record])
        name = source.choice(sorted(set(target) - {"hash", "crc"}))
        target[name] = change_anything(source, target[name])
        lines[at] = json.dumps(record, separators=(",", ":")).encode()
    if seed % 2:
        planting.chained_again(lines)
    file.write_bytes(b"\n".join(lines) + b"\n")

    assert broken(check_invariants(file))


@pytest.mark.parametrize("seed", range(12))
def test_no_bytes_make_the_check_fall_over(sound: Path, tmp_path: Path, seed: int) -> None:
    """Bytes replaced at random, pieces cut out and doubled."""
    source = random.Random(seed)
    file = first_segment(sound, tmp_path)
    content = bytearray(file.read_bytes().rstrip(b"\n"))
    for _ in range(20):
        at = source.randrange(40, len(content) - 50)
        piece = content[at : at + source.randrange(1, 40)]
        content[at : at + len(piece)] = source.choice([b"", piece * 2, source.randbytes(len(piece))])
    file.write_bytes(content)

    assert broken(check_invariants(file))


def planted_event(sound: Path, type_: str, data: dict[str, object], file: Path) -> Path:
    """The whole journal in one file with one more event at its end, chained anew."""
    lines: list[bytes] = []
    for segment in planting.segments_of(sound):
        lines += segment.read_bytes().rstrip(b"\n").split(b"\n")
    record = json.loads(lines[-1])
    record.pop("key", None)
    record.pop("commit", None)
    record.update({"type": type_, "stream": f"approval:{data.get('request')}", "data": data})
    lines.append(json.dumps(record, separators=(",", ":")).encode())
    planting.chained_again(lines)
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    return file


@pytest.mark.parametrize(
    ("type_", "data", "code", "said"),
    [
        ("approval.requested", {"request": "r-1"}, "approvals", "requested again"),
        ("approval.rejected", {"request": "r-9"}, "approvals", "without a request"),
        ("approval.expired", {"request": "r-1"}, "approvals", "decided again"),
        ("credit.consumed", {"amount_micros": 5, "from_account": 7}, "balance", "two accounts"),
        ("credit.consumed", {"amount_micros": True}, "finite", "the amount is True"),
        ("eoc.sampled", {"queue_depth": 5}, "read_models", "a replay stops here"),
        ("segment.sealed", {"state": "0" * 64}, "read_models", "not the replayed one"),
    ],
)
def test_an_event_that_should_not_be_there_is_found(
    sound: Path, tmp_path: Path, type_: str, data: dict[str, object], code: str, said: str
) -> None:
    """Decided without a request or again, a movement without accounts, what no replay can take."""
    found = broken(check_invariants(planted_event(sound, type_, data, tmp_path / "whole.jsonl")))

    assert said in found[code][0]


def test_many_places_are_counted_and_ten_shown(tmp_path: Path) -> None:
    """A file that is wrong everywhere does not fill the screen."""
    lines = [line for line in (LEGACY / "mixed-3000.jsonl").read_bytes().splitlines() if b'"credit.consumed"' in line]
    file = tmp_path / "legacy.jsonl"
    file.write_bytes(b"".join(line.replace(b'"amount":3.0', b'"amount":4.0') + b"\n" for line in lines[:200]))

    line = next(line for line in check_invariants(file).lines if line.code == "balance")

    assert line.count > 100
    assert len(line.where) == 10


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("schema_version", 0, "schema"), ("correlation_id", "", "correlation"), ("causation_id", 5, "causation")],
)
def test_what_a_legacy_line_lacks_is_counted_where_it_belongs(
    tmp_path: Path, field: str, value: object, code: str
) -> None:
    """A missing correlation is a question of its own."""
    record = json.loads((LEGACY / "live-harness-169.jsonl").read_text().splitlines()[0])
    file = tmp_path / "legacy.jsonl"
    file.write_text(json.dumps({**record, field: value}) + "\n")

    assert set(broken(check_invariants(file))) == {code}


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["-x"], 2), (["a", "b"], 2), (["/nowhere"], 4)])
def test_the_command_refuses_what_it_cannot_use(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on standard error."""
    assert main(arguments) == code
    assert capsys.readouterr().err.count("\n") == 1


def test_the_command_prints_every_invariant(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What holds, what is broken with its places, what the file cannot show."""
    assert main([str(sound)]) == 0
    assert main([str(LEGACY / "damaged.jsonl")]) == 1

    printed = capsys.readouterr().out
    assert "holds   chain" in printed
    assert "unknown chain" in printed
    assert "BROKEN  keys" in printed
    assert unknown(check_invariants(LEGACY / "damaged.jsonl")) == {
        "chain",
        "end",
        "zero_sum",
        "reward_cap",
        "read_models",
    }
