"""Reading runs for every door: what their pages show and their API answers. Writes nothing."""

from testruns.reading.run_list import ACTIVE, list_token, listed_runs, progress_ppm_of
from testruns.reading.run_token import run_token
from testruns.reading.run_view import ExecutionLine, RunView, read_run
from testruns.reading.waiting import Waiting, waiting_of

__all__ = [
    "ACTIVE",
    "ExecutionLine",
    "RunView",
    "Waiting",
    "list_token",
    "listed_runs",
    "progress_ppm_of",
    "read_run",
    "run_token",
    "waiting_of",
]
