"""Reports progress two hundred times a second, without end."""

import time

from testruns.tests.runs.children.script import begin, say

begin()
step = 0
while True:
    step += 1
    say(type="progress", ppm=step % 1_000_000, text="still talking")
    time.sleep(0.005)
