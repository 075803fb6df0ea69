"""A journal of several segments to damage, the keys that sign it, and its records computed anew by a forger."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout
from ledger.engine.mark import Mark, MarkFile
from ledger.proof.notes import Signer, TrustedKey
from ledger.proof.taking import CheckpointTaker, Taken
from ledger.tests.engine.counting import event, opened, record

SEGMENT_BYTES = 16 * 1024
EVENTS = 150


class Key:
    """An Ed25519 key as the proof package sees it."""

    def __init__(self, seed: int = 1) -> None:
        key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        public = key.public_key()

        def has_signed(signature: bytes, text: bytes) -> bool:
            try:
                public.verify(signature, text)
            except InvalidSignature:
                return False
            return True

        self.signer = Signer(public.public_bytes_raw(), key.sign)
        self.trusted = TrustedKey(public.public_bytes_raw(), has_signed)


KEY = Key()


def grow(home: Path, count: int, *, start: int = 0) -> None:
    """Record ``count`` commands and close; the first has number ``start``."""
    journal = opened(home, segment_bytes=SEGMENT_BYTES)
    for number in range(start, start + count):
        record(journal, f"k{number}", event(f"agent:{number % 7}", number, "x" * 150))
    journal.settle_sealing()
    journal.close()


def taker(home: Path, key: Key = KEY) -> CheckpointTaker:
    """Takes checkpoints of this journal."""
    return CheckpointTaker(layout=Layout(home), signer=lambda: key.signer)


def take(home: Path) -> Taken:
    """A checkpoint of the head now."""
    return taker(home).take()


def copy_of(home: Path, target: Path) -> Path:
    """The journal and its checkpoints once more, all of it writable."""
    for source in (home, home.parent / f"{home.name}.checkpoints"):
        if source.is_dir():
            shutil.copytree(source, target.parent / source.name.replace(home.name, target.name))
    for file in target.rglob("*.jsonl"):
        file.chmod(0o600)
    return target


def segments(home: Path) -> list[Path]:
    """The segment files, oldest first."""
    return sorted((home / "segments").glob("*.jsonl"))


def change(path: Path, alter: Callable[[list[bytes]], list[bytes]]) -> None:
    """Alter the lines of a segment; the padding behind them stays."""
    content = path.read_bytes()
    body = content.rstrip(b"\n")
    lines = alter(body.split(b"\n"))
    path.write_bytes(b"\n".join(lines) + content[len(body) :])


def with_crc(line: bytes) -> bytes:
    """The line with the crc that fits it."""
    return line[: line.rindex(b',"crc":')] + b',"crc":"%08x"}' % crc32(line[: line.rindex(b',"crc":')])


def chain_again(home: Path, alter: Callable[[list[dict[str, object]]], list[dict[str, object]]]) -> None:
    """Alter the records of the whole journal and make seqs, hashes, crcs, manifest and mark fit, as a forger would."""
    paths = segments(home)
    firsts = [int(path.stem) for path in paths]
    records = [orjson.loads(line) for path in paths for line in path.read_bytes().rstrip(b"\n").split(b"\n")]
    previous, lines = bytes(32), []
    for number, one in enumerate(alter(records), 1):
        one["seq"] = number
        if one["type"] == "segment.opened":
            one["data"] = {**one["data"], "previous": previous.hex()}  # type: ignore[dict-item]
        body = orjson.dumps({name: value for name, value in one.items() if name not in ("hash", "crc")})[:-1]
        previous = hashlib.sha256(previous + body).digest()
        hashed = body + b',"hash":"' + previous.hex().encode() + b'"'
        lines.append((hashed + b',"crc":"%08x"}\n' % crc32(hashed), previous))
    for path, first, following in zip(paths, firsts, [*firsts[1:], len(lines) + 1], strict=True):
        content = b"".join(line for line, _ in lines[first - 1 : following - 1])
        path.write_bytes(content + (b"\n" * 4000 if path == paths[-1] else b""))
    manifest = [orjson.loads(line) for line in Layout(home).manifest.read_bytes().splitlines()]
    for one in manifest:
        content = Layout(home).segment(one["first"]).read_bytes()
        head = lines[one["last"] - 1][1].hex()
        one |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "head": head}
        if "crc" in one:
            one["crc"] = f"{crc32(content):08x}"
    Layout(home).manifest.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in manifest))
    end = len(b"".join(line for line, _ in lines[firsts[-1] - 1 :]))
    set_mark(home, Mark(len(lines), firsts[-1], end, lines[-1][1], 0))


def set_mark(home: Path, mark: Mark) -> None:
    """Say that this is durable."""
    marks = MarkFile(OsEnv(), Layout(home).durable, read_only=False)
    marks.reset(mark)
    marks.close()
