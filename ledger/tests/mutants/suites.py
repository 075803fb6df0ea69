"""The smallest suites that know the planted bugs. Each imports the engine when it is called, and says what it found."""

from __future__ import annotations

from collections.abc import Callable


def _crashes() -> str:
    from ledger.simulation.crashes import crash_everywhere

    return "; ".join(crash_everywhere(seed=3, operations=40, images=1).findings)


def _torn() -> str:
    from ledger.simulation.damage import damage_everywhere

    return "; ".join(damage_everywhere(seed=1, commands=4, kind="sectors", share=(0, 5)).findings)


def _damage() -> str:
    from ledger.simulation.damage import damage_everywhere

    kinds = ("truncated", "bits", "blocks")
    found = (damage_everywhere(seed=1, commands=2, kind=kind, share=(0, 13)) for kind in kinds)
    return next((outcome.findings[0] for outcome in found if outcome.findings), "")


def _errors(file: str, call: str) -> Callable[[], str]:
    def errors() -> str:
        from ledger.simulation.faults import fail_everywhere

        outcome = fail_everywhere(seed=1, turns=1, only=lambda site: (site.file, site.call) == (file, call))
        return "; ".join(outcome.findings)

    return errors


def _interleavings() -> str:
    from ledger.simulation.interleaving import interleave

    return next((findings[0] for seed in range(15) if (findings := interleave(seed=seed).findings)), "")


def _commands() -> str:
    from ledger.engine import Journal
    from ledger.engine.errors import LedgerError
    from ledger.engine.group import Request
    from ledger.simulation import SimDisk, SimEnv
    from ledger.simulation.client import HOME, command, moving
    from ledger.simulation.promises import Folded

    journal = Journal.open(path=HOME, state=Folded(), env=SimEnv(SimDisk()), segment_bytes=4096)
    requests = [Request(command(f"k{number}", [moving("agent:1", 1)], expected=("agent:1", 0))) for number in range(2)]
    journal._serve(requests)
    if requests[1].error is None:
        return "both expected version 0 and were recorded"
    try:
        return "" if journal.execute(requests[0].command).is_repeated else "a retry was recorded again"
    except LedgerError as error:
        return f"a retry is answered by {error!r}"


def _restart() -> str:
    """A sync fails; the next process has to know."""
    import errno

    from ledger.engine import Journal
    from ledger.engine.errors import DurabilityUnknown
    from ledger.simulation import SimDisk, SimEnv
    from ledger.simulation.client import HOME, command, moving
    from ledger.simulation.promises import Folded

    failing: set[str] = set()

    def meet(call: str, _name: str, _content: bytes) -> None:
        if call in failing:
            raise OSError(errno.EIO, "the disk fails")

    disk = SimDisk()
    journal = Journal.open(path=HOME, state=Folded(), env=SimEnv(disk, meet=meet), segment_bytes=4096)
    failing.add("fdatasync")
    try:
        journal.execute(command("k1", [moving("agent:1", 1)]))
    except DurabilityUnknown:
        status = Journal.open(path=HOME, state=Folded(), env=SimEnv(disk.after_kill()), segment_bytes=4096).status
        return "" if status.state == "poisoned" else f"after a failed sync and a restart it is {status.state}"
    return "a command whose sync failed was acknowledged"


SUITES: dict[str, Callable[[], str]] = {
    "crashes": _crashes,
    "torn": _torn,
    "damage": _damage,
    "errors_of_writes": _errors("layout.py", "pwrite"),
    "errors_of_syncs": _errors("store.py", "fdatasync"),
    "interleavings": _interleavings,
    "commands": _commands,
    "restart": _restart,
}
