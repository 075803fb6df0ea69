"""Measures something, then fails with a traceback."""

from testruns.tests.runs.children.script import begin, measure

begin()
measure("double_charges", 0)
raise RuntimeError("the scenario broke here")
