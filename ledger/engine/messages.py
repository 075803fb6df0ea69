"""Marks texts that people read, so that the doors can translate them; the engine itself speaks English."""


def gettext_noop(message: str) -> str:
    """Return ``message`` unchanged; the call is what the extraction of translatable texts looks for."""
    return message
