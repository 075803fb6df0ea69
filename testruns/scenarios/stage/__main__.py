"""The processes a scenario starts: `python -m testruns.scenarios.stage host` and `... karma PORT`. They die with it."""

import sys

from testruns.processes import die_with_parent

if __name__ == "__main__":
    die_with_parent()
    if sys.argv[1] == "karma":
        # Imported here: a host that asks KARMA needs no web server, and starts in half the time without one.
        from testruns.scenarios.stage.karma_server import serve_karma

        sys.exit(serve_karma(int(sys.argv[2])))

    from testruns.scenarios.stage.host import serve_job

    sys.exit(serve_job(sys.stdin.buffer.readline()))
