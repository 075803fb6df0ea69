"""Limits of the machine side: how long to wait for what, and how much a child process may say."""

from __future__ import annotations

from typing import Final

POLL_SECONDS: Final = 0.25
"""One turn of the loop that watches a child; cancel is noticed within it."""

ROW_CHANGE_SECONDS: Final = 0.5
"""The execution's row changes at most this often (decisions.md, Runs: at most twice a second)."""

HEARTBEAT_SECONDS: Final = 2.0
"""A lease is renewed at least this often, even when nothing else changes."""

STALE_SECONDS: Final = 8.0
"""A lease without a heartbeat for so long is lost when its owner is gone as well. With a reaper pass every 5 s an
abandoned execution shows within 15 s."""

HUNG_SECONDS: Final = 60.0
"""A lease without a heartbeat for so long is lost even when its owner still exists: it no longer watches its child."""

MESSAGE_SECONDS: Final = 8.0
"""A QUEUED execution on an idle machine that nobody leased for so long has lost its message; it gets another."""

STUCK_SECONDS: Final = 15.0
"""The queue is stuck when the machine is idle and work waits for longer than this."""

MACHINE_WAIT_SECONDS: Final = 1200.0
"""A task waits this long for the machine and then goes back to the queue, so that wait and deadline together stay far
below the queue's own timeout of four hours."""

DEADLINE_FACTOR: Final = 1.5
DEADLINE_EXTRA_SECONDS: Final = 120
DEADLINE_SECONDS_MAX: Final = 3 * 3600
"""A child's deadline is planned x 1.5 + 120 s, at most three hours (decisions.md, Runs)."""

SHORT_RUN_SECONDS: Final = 30
"""A run with a shorter soak (smoke) measures its machine more briefly, to stay within its 20 s."""

EXIT_SECONDS: Final = 15
"""A child that said done exits within this time."""

CLOSE_TRIES: Final = 3
"""How often the end of an attempt is written before a locked database is reported; each try waits 20 s by itself."""

STOP_SECONDS: Final = 5.0
"""How long a killed process group may take to be gone before that is reported."""

LINE_BYTES_MAX: Final = 64 * 1024
OUTPUT_BYTES_MAX: Final = 64 * 1024 * 1024
STDERR_BYTES_MAX: Final = 1024 * 1024
"""A longer line or more output breaks the protocol; of stderr the first MiB is kept and the rest counted."""

READ_BYTES: Final = 256 * 1024
"""At most this much is read in one turn, so that a flooding child cannot keep the loop from its heartbeat."""

MEASUREMENTS_MAX: Final = 500
ACCOUNTS_MAX: Final = 200
ACCOUNT_NAME_MAX: Final = 200
SAMPLES_MAX: Final = 4 * 3600
SAMPLE_FIELDS_MAX: Final = 60
SAMPLE_POINTS_MAX: Final = 600
"""Points for the charts in the row; the evidence holds every sample."""

PROGRESS_TEXT_MAX: Final = 200
ERROR_TEXT_MAX: Final = 2000

ATTEMPT_AGAIN_HOURS: Final = 24
"""An UNFINISHED run may be attempted again for so long; then it is frozen (decisions.md, Runs)."""

SCRATCH_RUNS_KEPT: Final = 3
SCRATCH_BYTES_MAX: Final = 20 * 1024**3
"""Scratch journals of the last runs and of failing ones stay, 20 GB at most (design.md 2)."""

DISK_USED_SHARE_MAX: Final = 0.80
DISK_FREE_BYTES_MIN: Final = 10 * 1024**3
"""A run is refused when afterwards more than 80 % would be used and less than 10 GiB free (decisions.md, Runs)."""
