"""Reading runs for every door: what their pages show and their API answers. Writes nothing."""

from testruns.reading.careful import UNREADABLE, CarefulReading
from testruns.reading.run_list import (
    ACTIVE,
    HEAD_COLUMNS,
    gates_of,
    head_rows,
    list_token,
    listed_runs,
    progress_of,
    progress_ppm_of,
)
from testruns.reading.run_token import run_token
from testruns.reading.run_view import ExecutionLine, RunView, read_run
from testruns.reading.running import Doing, doing_of
from testruns.reading.waiting import Waiting, waiting_of

__all__ = [
    "ACTIVE",
    "HEAD_COLUMNS",
    "UNREADABLE",
    "CarefulReading",
    "Doing",
    "ExecutionLine",
    "RunView",
    "Waiting",
    "doing_of",
    "gates_of",
    "head_rows",
    "list_token",
    "listed_runs",
    "progress_of",
    "progress_ppm_of",
    "read_run",
    "run_token",
    "waiting_of",
]
