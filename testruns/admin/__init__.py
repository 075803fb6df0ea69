"""The pages of runs: list, one run, the form that requests one, downloads, evidence, policies and builds."""

from testruns.admin import records, runs

__all__ = ["records", "runs"]
