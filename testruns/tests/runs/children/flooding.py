"""Prints one line without end."""

import sys

from testruns.tests.runs.children.script import begin

begin()
while True:
    sys.stdout.write("x" * 65536)
    sys.stdout.flush()
