"""Tiny child processes that speak the runner's protocol, or break it on purpose. Started with `python -m`."""
