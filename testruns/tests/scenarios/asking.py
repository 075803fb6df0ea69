"""Starts the runner as the worker does and waits for it; a test kills this process and looks what is left."""

import subprocess
import sys

from testruns.processes import die_with_parent, start_bound_child

if __name__ == "__main__":
    die_with_parent()
    child = start_bound_child([sys.executable, "-m", "testruns.runner"], is_session=True, stdout=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.write(sys.stdin.buffer.readline())
    child.stdin.flush()
    child.wait()
