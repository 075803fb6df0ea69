"""What only a disk that forgets names, and a user who is not root, can show."""

import os
import tempfile
from pathlib import Path
from random import Random

import pytest

from ledger.simulation import SimDisk, SimEnv
from ledger.tests.engine.counting import event, opened, record

HOME = Path("/disk/events/credits")


def test_the_names_that_lead_to_a_new_journal_survive_a_power_cut() -> None:
    """Not only the journal's own files: each directory above must be durable before anything is acknowledged."""
    disk = SimDisk()
    journal = opened(HOME, env=SimEnv(disk))
    record(journal, "k1")

    for seed in range(50):
        left = disk.after_power_cut(Random(seed))

        assert record(opened(HOME, env=SimEnv(left)), "k1").is_repeated


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_somebody_who_is_not_root_opens_a_journal_with_sealed_segments_for_writing() -> None:
    """Sealed segments are read-only files; nobody writes to them any more, so nobody needs to open them for writing."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setresuid(65534, 65534, 65534)
                for turn in range(2):
                    journal = opened(Path(directory) / "credits", segment_bytes=4096)
                    for number in range(20):
                        record(journal, f"{turn}-{number}", event(note="x" * 200))
                    assert journal.status.segments > 1 + turn
                    journal.close()
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)

    assert status == 0
