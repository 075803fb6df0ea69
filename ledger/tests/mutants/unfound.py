"""The changes that nothing finds, each with the reason: ``module.`` and the name that the command prints."""

EQUIVALENT = {
    r"""codec.encode: And becomes Or: if b"\\" in body and b"\\u0000" in body:""": "sends more texts to the real check",
    "recovery.: 0 becomes 1: def copy(env: Env, fd: int, start: int, stop: int, target: P": (
        "filling a file up to byte 1 that has more is nothing"
    ),
    "recovery.copy: Sub becomes Add: fill(env, out, stop - start, filled)": (
        "where something is filled, start is 0; elsewhere filled is 0"
    ),
    "recovery.replace_poisoned: 0 becomes 1: filled = 0 if segment.is_sealed else (segment.end // step + ": (
        "filling a file up to byte 1 that has more is nothing"
    ),
}
"""No journal, answer or message differs: nothing could find these."""

SURVIVORS: dict[str, str] = {}
"""Something differs, and no test says that it must not. They count against the tests."""
