"""Bugs that others shipped, planted into the engine one by one: a suite that lets one live proves nothing."""
