"""Says hello and half way, starts a child of its own, ignores SIGTERM, and never ends by itself."""

import signal
import subprocess
import sys

from testruns.processes import start_bound_child
from testruns.tests.runs.children.script import begin, say

signal.signal(signal.SIGTERM, signal.SIG_IGN)
begin()
grandchild = start_bound_child(
    [sys.executable, "-m", "testruns.tests.runs.children.sleeper"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
)
say(type="progress", ppm=500_000, text=f"grandchild {grandchild.pid}")
signal.pause()
