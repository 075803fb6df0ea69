"""Files as test runners write them, real and planted, and what reading them gave."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from testruns.imports.results import Results

FILES = Path(__file__).parent / "files"
UNIT = (FILES / "event-store-unit.junit.xml").read_bytes()
NEVER_RAN = (FILES / "event-store-collection-errors.junit.xml").read_bytes()


def figures(results: Results) -> Mapping[str, Any]:
    """The measurements by name."""
    return {one.name: one.value for one in results.measurements}


def suite(cases: str, attributes: str = "") -> bytes:
    """A JUnit file of one suite."""
    return f'<?xml version="1.0"?><testsuite name="s" {attributes}>{cases}</testsuite>'.encode()


def passing(count: int, *, skipped: int = 0) -> bytes:
    """A JUnit file in which everything that ran passed."""
    cases = [f'<testcase classname="c" name="n{n}" time="0.1"/>' for n in range(count)]
    cases += [f'<testcase classname="c" name="s{n}"><skipped/></testcase>' for n in range(skipped)]
    return suite("".join(cases), f'tests="{count + skipped}" skipped="{skipped}" failures="0" errors="0"')


def coverage(covered: int, total: int, *, root: str | None = None, name: str = "a.py", below: str = "") -> bytes:
    """A Cobertura file of one source with `total` lines, the first `covered` of them executed.

    root: its claims; true ones by default. below: where its paths begin.
    """
    rate = Decimal(covered) / total if total else Decimal(1)
    claims = f'line-rate="{rate}" lines-covered="{covered}" lines-valid="{total}"' if root is None else root
    lines = "".join(f'<line number="{n + 1}" hits="{int(n < covered)}"/>' for n in range(total))
    return (
        f'<?xml version="1.0"?><coverage {claims}><sources><source>{below}</source></sources>'
        f'<packages><package name="p"><classes>'
        f'<class name="a" filename="{name}"><methods/><lines>{lines}</lines></class>'
        f"</classes></package></packages></coverage>"
    ).encode()
