"""The changes that nothing finds, each with the reason: ``module.`` and the name that the command prints."""

EQUIVALENT = {
    r"""codec.encode: And becomes Or: if b"\\" in body and b"\\u0000" in body:""": "sends more texts to the real check",
    "recovery._adopt: 0 becomes 1: start = mark.offset if mark is not None and mark.segment == ": (
        "the page of byte 0 is written again with byte 1"
    ),
    "recovery._adopt: Sub becomes Add: piece = store.env.pread(segment.fd, min(limits.CHUNK_BYTES, ": (
        "what stands behind the end is written again as well, as it stands, and erased after it"
    ),
    "recovery.: 0 becomes 1: def copy(env: Env, fd: int, start: int, stop: int, target: P": (
        "filling a file up to byte 1 that has more is nothing"
    ),
    "recovery.copy: Sub becomes Add: fill(env, out, stop - start, filled)": (
        "where something is filled, start is 0; elsewhere filled is 0"
    ),
    "recovery.replace_poisoned: 0 becomes 1: filled = 0 if segment.is_sealed else (segment.end // step + ": (
        "filling a file up to byte 1 that has more is nothing"
    ),
    "journal.: 1 becomes 2: _NO_FILE = -1": "-2 is no descriptor either",
    "journal.Journal._facts: left out: self._env.unlock(self._lock_fd)": (
        "the same descriptor is locked again at once for opening, and unlocked after it"
    ),
    "journal.Journal._require_writable: left out: raise keeper.problem.again()": (
        "the keeper refuses by the same error, one lock later"
    ),
    "journal.Journal._finish_later: 4 becomes 5: self._sealing = [*self._sealing[-4:], self._env.background(w": (
        "one more is waited for that ended long ago"
    ),
}
"""No journal, answer or message differs: nothing could find these."""

SURVIVORS = {
    "recovery._adopt: Eq becomes NotEq: start = mark.offset if mark is not None and mark.segment == ": (
        "tells only where no mark could be written from before a seal on, a sync failed, and the process was killed"
    ),
    "journal.Journal.after_fork: left out: keeper.store.reattach()": (
        "descriptors shared with the parent are read and written by position; only limits of open files could tell"
    ),
}
"""Something differs, and no test says that it must not. They count against the tests."""
