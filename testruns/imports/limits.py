"""How much of a stranger's file is read. Beyond a limit the whole file is refused, and the refusal names the limit."""

from __future__ import annotations

from typing import Final

FILE_BYTES_MAX: Final = 30 * 10**6
"""Of one file. GitLab stops at the same size (governance.md 6.3)."""

FILES_MAX: Final = 100
"""Of one import, of both kinds together. Runners of large suites write a file for each class."""

DEPTH_MAX: Final = 64
"""Elements within elements; the formats need about ten."""

ELEMENTS_MAX: Final = 2_000_000
ATTRIBUTES_MAX: Final = 64
ATTRIBUTE_CHARACTERS_MAX: Final = 256 * 1024
"""Of one attribute: the message of a failure may hold a whole comparison, a name may not hold a file."""

CASES_MAX: Final = 200_000
LINES_MAX: Final = 1_000_000
"""Of all files of a kind together."""

NAMED_CASES_MAX: Final = 20
"""So many cases that did not pass are kept by name, for people; all of them stand in the evidence."""

NAME_CHARACTERS_MAX: Final = 200
