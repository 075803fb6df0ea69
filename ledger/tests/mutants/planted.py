"""The planted bugs: what is changed in the engine, whose history it repeats, and the suite that kills it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """``old`` stands once in ``file`` and becomes ``new``; ``suite`` is the smallest one that knows the bug."""

    name: str
    history: str
    file: str
    old: str
    new: str
    suite: str


PLANTED = (
    Planted(
        name="acknowledged_before_fsync",
        history="NATS #7564: acknowledged before the fsync, 131,000 of 930,000 messages were lost with the power",
        file="store.py",
        old="""            self.env.fdatasync(segment.fd)
        except OSError as error:
            self.poison(f"fdatasync""",
        new="""            pass
        except OSError as error:
            self.poison(f"fdatasync""",
        suite="crashes",
    ),
    Planted(
        name="name_not_synced",
        history="a file whose directory was not synced is gone after a power cut, as ext4's manual says",
        file="layout.py",
        old="    env.sync_directory(layout.segments)\n    env.sync_directory(layout.path)\n",
        new="    env.sync_directory(layout.path)\n",
        suite="crashes",
    ),
    Planted(
        name="renamed_before_synced",
        history="rename without fsync left empty files on ext4 in 2009",
        file="layout.py",
        old="        env.fsync(fd)\n",
        new="",
        suite="crashes",
    ),
    Planted(
        name="torn_taken_for_rot",
        history="etcd #5230, #6191: a torn tail in preallocated space looked like rot, and nothing started any more",
        file="recovery.py",
        old="    return highest > problem.seq\n",
        new="    return True\n",
        suite="torn",
    ),
    Planted(
        name="shorter_history_accepted",
        history="NATS #7549: after corruption a valid but shorter history was served",
        file="recovery.py",
        old="        raise store.corrupt(problem)\n    mark",
        new="        pass\n    mark",
        suite="damage",
    ),
    Planted(
        name="cut_tail_accepted",
        history="NATS #7549 again: whole records cut off the end leave a history that looks sound",
        file="recovery.py",
        old="    problem = problem or missing_end(store)\n    if",
        new="    if",
        suite="damage",
    ),
    Planted(
        name="version_checked_before_key",
        history="KurrentDB #1898: the expected version was checked before the key, so a retry was not recognised",
        file="keeper.py",
        old="            known = flush.keys.get(command.key)\n",
        new="""            expected = command.expected
            if expected is not None and flush.version_of(expected[0]) != expected[1]:
                raise Conflict(stream="", expected=0, current=0)
            known = flush.keys.get(command.key)
""",
        suite="commands",
    ),
    Planted(
        name="failed_write_left_behind",
        history="KurrentDB #3642: a full disk left a half-written record, and nothing started any more",
        file="store.py",
        old="            segment.erase(segment.end, segment.end + length)\n",
        new="            pass\n",
        suite="errors_of_writes",
    ),
    Planted(
        name="keys_forgotten_with_the_segment",
        history="idempotency by LRU or a two-minute window is not idempotency",
        file="index.py",
        old="            found += keys.find(first)\n        return found",
        new="            pass\n        return found",
        suite="crashes",
    ),
    Planted(
        name="hash_of_rewritten_json",
        history="Formance #788: hashes over JSON that was read and written again differ on unicode",
        file="codec.py",
        old="    digest = _sha256(previous + body).digest()\n",
        new="""    import json
    body_again = json.dumps(_loads(body + b"}"), separators=(",", ":"))[:-1].encode()
    digest = _sha256(previous + body_again).digest()
""",
        suite="crashes",
    ),
    Planted(
        name="version_read_outside_the_flush",
        history="Blnk #239: versions read before the lock, blind to what is being written",
        file="keeper.py",
        old="                current = flush.version_of(stream)\n",
        new="                current = self.store.index.version_of(stream)\n",
        suite="commands",
    ),
    Planted(
        name="failed_fsync_tried_again",
        history="PostgreSQL 2018: an fsync that failed succeeds the second time, and the data is gone",
        file="store.py",
        old="""        except OSError as error:
            self.poison(f"fdatasync: {error}")
            raise DurabilityUnknown(reason=str(error)) from error
""",
        new="""        except OSError:
            self.env.fdatasync(segment.fd)
""",
        suite="errors_of_syncs",
    ),
    Planted(
        name="appended_behind_a_torn_tail",
        history="appending after an untrimmed torn tail hides every later record",
        file="recovery.py",
        old="    _make_durable(store, mark, lambda: segment.erase(start, stop))\n",
        new="",
        suite="torn",
    ),
    Planted(
        name="cut_without_quarantine",
        history="what a repair throws away cannot be looked at again",
        file="recovery.py",
        old="        copy(store.env, segment.fd, start, written, store.layout.quarantine / name)\n",
        new="",
        suite="crashes",
    ),
    Planted(
        name="marked_before_durable",
        history="hordak #142: whoever reads up to the last number misses, or sees, what is not committed yet",
        file="store.py",
        old="        try:\n            self.env.fdatasync(segment.fd)\n",
        new="""        self.marks.write(
            Mark(flush.seq, segment.first, segment.end + len(content), flush.digest, self.epoch, False)
        )
        try:
            self.env.fdatasync(segment.fd)
""",
        suite="crashes",
    ),
    Planted(
        name="half_a_commit_kept",
        history="a batch of which a part survives a crash: money taken here and never given there",
        file="store.py",
        old="        count -= 1\n    return count",
        new="        break\n    return count",
        suite="crashes",
    ),
    Planted(
        name="hash_compared_as_number",
        history="comparing parsed hex instead of bytes hides that an `a` became an `A`",
        file="walk.py",
        old="        if line[-TAIL_BYTES:] != tail:\n",
        new="        if line[-TAIL_BYTES:].lower() != tail:\n",
        suite="damage",
    ),
    Planted(
        name="written_without_the_lock",
        history="POSIX locks vanish when any descriptor of the file closes, and two processes write at once",
        file="journal.py",
        old="                self._env.lock(self._lock_fd)\n                try:\n                    self._group",
        new="                try:\n                    self._group",
        suite="interleavings",
    ),
    Planted(
        name="short_write_believed",
        history="a write may stop early, and whoever does not look has half a record",
        file="layout.py",
        old="    while written < len(content):\n",
        new="    while False:\n",
        suite="errors_of_writes",
    ),
    Planted(
        name="clock_believed",
        history="a clock that is set back writes events before those that caused them",
        file="times.py",
        old="        first = wall if wall > self.last else self.last + 1\n",
        new="        first = wall\n",
        suite="interleavings",
    ),
    Planted(
        name="poison_forgotten",
        history="PostgreSQL 2018 again: after a restart nobody remembered that an fsync had failed",
        file="keeper.py",
        old="        return self._env.exists(self._layout.poisoned) or (mark is not None and mark.is_poisoned)\n",
        new="        return False\n",
        suite="restart",
    ),
)
