"""Prints a line that is not JSON."""

from testruns.tests.runs.children.script import begin, done

begin()
print("I am fine, thanks", flush=True)  # noqa: T201 - the planted fault
done()
