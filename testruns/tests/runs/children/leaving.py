"""Exits with code 0 without saying done."""

from testruns.tests.runs.children.script import begin, measure

begin()
measure("double_charges", 0)
