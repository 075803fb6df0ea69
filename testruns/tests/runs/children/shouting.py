"""A sound child that writes three MiB to stderr."""

import sys

from testruns.tests.runs.children.script import begin, done, measure

begin()
sys.stderr.write("noise\n" * (3 * 2**20 // 6))
measure("double_charges", 0)
done()
