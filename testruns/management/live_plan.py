"""From the flags and environment of `run_live_tests` to a plan. Flags win over the environment, both over defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testruns.plan import OWN_PROFILE, PROFILES, RunPlan

DEFAULT_PROFILE = "quick"
YES, NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


class UnusableWish(ValueError):
    """A flag or environment value nobody can read; the text names it."""


def plan_of_wishes(*, flags: Mapping[str, Any], environment: Mapping[str, str], soak_seconds: int) -> RunPlan:
    """The plan that was asked for, not yet validated. UnusableWish for what cannot be read.

    flags: profile, is_full, scenarios, concurrency, duration, seed, retry_injection, karma, anomaly_injection; None
    where a flag was not given. soak_seconds: the policy's, which a full run takes. A value of one's own makes the
    profile `own`, except for concurrency and seed, which every profile leaves open.
    """
    profile = "full" if flags["is_full"] else flags["profile"] or DEFAULT_PROFILE
    base = RunPlan.of_profile(profile=profile, soak_seconds=soak_seconds)
    duration = _number("LIVE_TEST_DURATION", flags["duration"], environment)
    values: dict[str, Any] = {
        "scenarios": tuple(flags["scenarios"]) if flags["scenarios"] else base.scenarios,
        "duration_seconds": base.duration_seconds if duration is None else duration,
        "concurrency": _levels(flags["concurrency"], environment) or base.concurrency,
        "seed": _or_default(_number("LIVE_TEST_SEED", flags["seed"], environment), base.seed),
        "retry_injection": _switch("RETRY_INJECTION", flags["retry_injection"], environment, base.retry_injection),
        "karma_available": _switch("KARMA_ENABLED", flags["karma"], environment, base.karma_available),
        "anomaly_injection": _switch(
            "ML_ANOMALY_INJECTION", flags["anomaly_injection"], environment, base.anomaly_injection
        ),
    }
    fixed = ("scenarios", "duration_seconds", "retry_injection", "karma_available", "anomaly_injection")
    if any(values[name] != getattr(base, name) for name in fixed):
        profile = OWN_PROFILE
    return RunPlan(profile=profile, **values)


def profiles() -> tuple[str, ...]:
    """The profiles a person can name."""
    return tuple(PROFILES)


def levels_of(text: str) -> tuple[int, ...]:
    """`50` or `50,100,300` as numbers. UnusableWish for anything else."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UnusableWish(
            f"concurrency {text!r}: write a number or several with commas between, such as 50,100"
        ) from None


def _levels(flag: tuple[int, ...] | None, environment: Mapping[str, str]) -> tuple[int, ...] | None:
    if flag is not None:
        return flag
    text = environment.get("LIVE_TEST_CONCURRENCY", "").strip()
    return levels_of(text) if text else None


def _number(name: str, flag: int | None, environment: Mapping[str, str]) -> int | None:
    text = environment.get(name, "").strip()
    if flag is not None or not text:
        return flag
    try:
        return int(text)
    except ValueError:
        raise UnusableWish(f"{name} is {text!r}; write a whole number") from None


def _or_default(value: int | None, default: int) -> int:
    return default if value is None else value


def _switch(name: str, flag: bool | None, environment: Mapping[str, str], default: bool) -> bool:
    text = environment.get(name, "").strip().lower()
    if flag is not None or not text:
        return default if flag is None else flag
    if text not in YES | NO:
        raise UnusableWish(f"{name} is {text!r}; write true or false")
    return text in YES
