"""Signed notes: the format of C2SP byte for byte, and nothing that is not signed is believed."""

import base64

import pytest

from ledger.proof.checkpoints import Checkpoint, claimed_checkpoint, read_checkpoint, signed
from ledger.proof.errors import (
    CheckpointMalformed,
    CheckpointOtherKey,
    CheckpointRefused,
    CheckpointSignatureWrong,
)
from ledger.proof.notes import key_id, open_note, sign_note
from ledger.tests.proof.journals import KEY, Key

CHECKPOINT = Checkpoint(journal_id="ab" * 16, size=12, root="cd" * 32, at="2026-01-15T12:00:00.123456Z")
NOTE = signed(CHECKPOINT, signer=KEY.signer)


def test_a_checkpoint_is_a_signed_note_byte_for_byte() -> None:
    """Origin, size, root, time; an empty line; em dash, name, key id and signature in base64."""
    origin = "gatehouse.example/journal/" + "ab" * 16
    text = f"{origin}\n12\n{base64.b64encode(bytes([0xCD] * 32)).decode()}\ntime 2026-01-15T12:00:00.123456Z\n"
    signature = base64.b64encode(key_id(origin, KEY.signer.public) + KEY.signer.sign(text.encode())).decode()

    assert NOTE.decode() == f"{text}\n— {origin} {signature}\n"
    assert read_checkpoint(NOTE, keys=[KEY.trusted]) == CHECKPOINT
    assert claimed_checkpoint(NOTE) == CHECKPOINT


def test_the_note_of_the_specification_is_read() -> None:
    """The example of c2sp.org/signed-note: its key id is computed and its text opened by the same rules."""
    name, public = "PeterNeumann", base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]

    assert key_id(name, public).hex() == "c74f20a3"


def test_one_of_several_keys_is_enough_and_signatures_of_others_are_ignored() -> None:
    """A witness may add a line; a rotated key stays trusted."""
    other = Key(2)
    text = NOTE.decode().partition("\n\n")[0] + "\n"
    theirs = sign_note(text, name="witness.example", signer=other.signer).decode().rpartition("\n\n")[2]

    assert open_note(NOTE + theirs.encode(), name=CHECKPOINT.origin, keys=[Key(3).trusted, KEY.trusted]) == text


def test_another_key_is_refused() -> None:
    """Also one that signs under the same name, also when nobody is trusted."""
    for keys in ([], [Key(2).trusted]):
        with pytest.raises(CheckpointOtherKey):
            read_checkpoint(NOTE, keys=keys)
    with pytest.raises(CheckpointOtherKey):
        read_checkpoint(signed(CHECKPOINT, signer=Key(2).signer), keys=[KEY.trusted])


@pytest.mark.parametrize(("old", "new"), [("\n12\n", "\n13\n"), ("T12:00", "T13:00"), ("zc3N", "zc3M")])
def test_a_changed_text_is_refused(old: str, new: str) -> None:
    """Size, time or root: the signature no longer fits."""
    with pytest.raises(CheckpointSignatureWrong):
        read_checkpoint(NOTE.decode().replace(old, new, 1).encode(), keys=[KEY.trusted])


HOSTILE = {
    "nothing": b"",
    "no signature": NOTE.partition(b"\n\n")[0] + b"\n",
    "cut": NOTE[:-1],
    "too long": NOTE + b"x" * 20_000,
    "a control character": NOTE.replace(b"\n12\n", b"\n1\x002\n"),
    "no UTF-8": NOTE.replace(b"\n12\n", b"\n\xff\n"),
    "a size of zero": NOTE.replace(b"\n12\n", b"\n0\n"),
    "a size with a sign": NOTE.replace(b"\n12\n", b"\n-2\n"),
    "another origin": NOTE.replace(b"journal/", b"ledger/", 1),
    "a short root": NOTE.replace(b"zc3N", b"", 1),
    "a root that is no base64": NOTE.replace(b"zc3N", b"!!!!", 1),
    "no time": NOTE.replace(b"time ", b"at ", 1),
    "a signature line without dash": NOTE.replace("— ".encode(), b"- "),
    "a signature that is no base64": NOTE[:-5] + b"!!!!\n",
    "too many signatures": NOTE + NOTE.rpartition(b"\n\n")[2] * 20,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_is_no_checkpoint_is_refused_by_name(what: str) -> None:
    """Never another exception."""
    with pytest.raises(CheckpointRefused) as caught:
        read_checkpoint(HOSTILE[what], keys=[KEY.trusted])

    assert caught.value.code == CheckpointMalformed.code
