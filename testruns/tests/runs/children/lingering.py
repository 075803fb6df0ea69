"""Says done, leaves, and leaves behind a child that keeps its stdout open."""

import subprocess
import sys

from testruns.tests.runs.children.script import begin, done, measure

begin()
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
measure("double_charges", 0)
done()
