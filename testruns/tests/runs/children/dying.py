"""Kills itself the hard way."""

import os
import signal

from testruns.tests.runs.children.script import begin

begin()
os.kill(os.getpid(), signal.SIGKILL)
