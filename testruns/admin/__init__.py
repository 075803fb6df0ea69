"""The pages of runs and of the policies they are judged under."""

from testruns.admin import policies, runs

__all__ = ["policies", "runs"]
