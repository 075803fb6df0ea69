"""Sound journals and the faults that tests plant into copies of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

from ledger import Event, KarmaReading, commands
from ledger.credits.state import CreditState
from ledger.engine.event import Command, NewEvent
from ledger.engine.journal import Journal
from ledger.tests.credits.orders import CREDIT, Desk

LEGACY = Path(__file__).parent.parent / "data" / "legacy-journal"
Fault = Callable[[list[bytes]], None]


def sound_journal(path: Path) -> Path:
    """A journal of a few segments in which everything happens that may happen."""
    desk = Desk(path, segment_bytes=16_384)
    for name in ("ann", "bob"):
        desk.open_account(name, 5_000)
    for number in range(40):
        desk.consume("ann" if number % 2 else "bob", 10 + number % 5, mission=f"m-{number}")
    desk.consume("ann", 900, karma=KarmaReading(score_ppm=1, ci_ppm=2))
    desk.order(commands.Transfer(payer="ann", payee="bob", amount_micros=7 * CREDIT, reason="gift"))
    for number in range(12):
        desk.order(commands.SampleEoc(queue_depth=number))
        desk.order(
            commands.RecordCollaboration(
                collaboration=f"c-{number}",
                agents=("ann", "bob"),
                mission="m",
                contributions_ppm=(500_000, 500_000),
                reward_micros=100 * CREDIT,
            )
        )
    for name in ("r-1", "r-2"):
        desk.order(
            commands.RequestApproval(
                request=name, action_type="spend", risk_level="CRITICAL", context="why", requester="ann"
            )
        )
        for person in ("dan", "eve"):
            decision = commands.DecideApproval(
                request=name, approver=person, is_approval=True, justification="it is needed"
            )
            desk.order(decision)
    desk.ledger.close()
    return path


class _Forgiving(CreditState):
    """The state of another version, which takes everything."""

    def apply(self, event: Event) -> None:
        return None


def write_as_another_version(path: Path, *events: NewEvent, key: str = "future") -> None:
    """Record events, durable and sound, that this version would not write."""
    journal = Journal.open(path=path, state=_Forgiving(), from_snapshot=False)
    journal.execute(Command(key=key, fingerprint="0" * 32, actor="a", correlation="c", decide=lambda: events))
    journal.close()


def write_from_the_future(path: Path) -> None:
    """Record an event whose content this version's state cannot fold, though its schema says that it could."""
    write_as_another_version(path, NewEvent(stream="agent:a-1", type="credit.consumed", data={"unheard_of": 1}))


def write_newer_schema(path: Path) -> None:
    """Record a movement in a schema that only a later version knows; it looks like one of today."""
    values = {"from_account": "agent:ann", "to_account": "system:consumption", "amount_micros": 1}
    write_as_another_version(path, NewEvent(stream="agent:ann", type="credit.consumed", data=values, schema=2))


def segments_of(journal: Path) -> list[Path]:
    """The segment files, oldest first."""
    return sorted((journal / "segments").glob("*.jsonl"))


def copy_of(source: Path, target: Path) -> Path:
    """A copy that may be written to."""
    shutil.copytree(source, target)
    for file in target.rglob("*"):
        if file.is_file():
            file.chmod(0o600)
    return target


def plant(file: Path, fault: Fault) -> None:
    """Change the lines of a segment; the padding behind them stays as long as it was."""
    content = file.read_bytes()
    lines = content.rstrip(b"\n").split(b"\n")
    padding = len(content) - len(content.rstrip(b"\n")) - 1
    fault(lines)
    file.write_bytes(b"".join(line + b"\n" for line in lines) + b"\n" * padding)


def line_with(lines: list[bytes], text: bytes, *, skip: int = 0) -> int:
    """The index of a line that contains a text."""
    return [index for index, line in enumerate(lines) if text in line][skip]


def edit_amount(lines: list[bytes]) -> None:
    """A consumption becomes ten times as large."""
    at = line_with(lines, b'"credit.consumed"', skip=3)
    lines[at] = lines[at].replace(b'"amount_micros":', b'"amount_micros":1')


def delete_line(lines: list[bytes]) -> None:
    """A consumption disappears."""
    del lines[line_with(lines, b'"credit.consumed"', skip=3)]


def swap_lines(lines: list[bytes]) -> None:
    """Two consumptions change places."""
    one, other = line_with(lines, b'"credit.consumed"', skip=3), line_with(lines, b'"credit.consumed"', skip=6)
    lines[one], lines[other] = lines[other], lines[one]


def repeat_key(lines: list[bytes]) -> None:
    """A command gets the key of another one."""
    one, other = line_with(lines, b'"key":"order-10"'), line_with(lines, b'"key":"order-11"')
    lines[other] = lines[other].replace(b'"key":"order-11"', b'"key":"order-10"')
    assert lines[one] != lines[other]


def plant_nan(lines: list[bytes]) -> None:
    """An amount becomes NaN."""
    at = line_with(lines, b'"credit.consumed"', skip=3)
    record = json.loads(lines[at])
    amount = b'"amount_micros":%d' % record["data"]["amount_micros"]
    lines[at] = lines[at].replace(amount, b'"amount_micros":NaN')


def cut_tail(lines: list[bytes]) -> None:
    """The last two records are cut off at a line end."""
    del lines[-2:]


def chained_again(lines: list[bytes]) -> None:
    """Seq, hash and crc of every line computed anew, as somebody would who knows the format."""
    previous = bytes(32)
    for index, line in enumerate(lines):
        record = json.loads(line)
        record["seq"] = index + 1
        del record["hash"], record["crc"]
        body = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()[:-1]
        digest = hashlib.sha256(previous + body)
        hashed = b'%b,"hash":"%b"' % (body, digest.hexdigest().encode())
        lines[index] = b'%b,"crc":"%08x"}' % (hashed, crc32(hashed))
        previous = digest.digest()
