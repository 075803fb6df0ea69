"""The child of a child: bound to its parent, otherwise asleep."""

import signal

from testruns.processes import die_with_parent

die_with_parent()
signal.pause()
