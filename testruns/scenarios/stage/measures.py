"""Measurements that several scenarios share: of the load, and of the audit of the journal afterwards."""

from __future__ import annotations

from typing import Final

from ledger import gettext_noop
from testruns.scenarios.stage.registry import MeasurementSpec
from testruns.units import COUNT, MICRO_CREDITS, MICROSECONDS, MILLISECONDS, OPERATIONS_PER_SECOND, PPM


def counted(name: str, text: str) -> MeasurementSpec:
    """A measurement that counts something; `text` is already marked for translation."""
    return MeasurementSpec(name=name, unit=COUNT, help=text)


LOAD_MEASURES: Final = (
    MeasurementSpec(name="load_ms", unit=MILLISECONDS, help=gettext_noop("How long the load was watched.")),
    counted("operations", gettext_noop("Operations that were answered, refusals included.")),
    counted("refused", gettext_noop("Operations that were refused for a right reason.")),
    counted("errors", gettext_noop("Operations that failed in a way nobody should see.")),
    MeasurementSpec(
        name="operations_per_second",
        unit=OPERATIONS_PER_SECOND,
        help=gettext_noop("Answered operations per second of load, right refusals included."),
    ),
    MeasurementSpec(
        name="accepted_per_second",
        unit=OPERATIONS_PER_SECOND,
        help=gettext_noop("Operations that were carried out, per second of load."),
    ),
    MeasurementSpec(
        name="refused_per_second",
        unit=OPERATIONS_PER_SECOND,
        help=gettext_noop("Operations that were refused for a right reason, per second of load."),
    ),
    MeasurementSpec(name="p50_us", unit=MICROSECONDS, help=gettext_noop("Half of the answers came within this time.")),
    MeasurementSpec(
        name="p95_us", unit=MICROSECONDS, help=gettext_noop("95 percent of the answers came within this time.")
    ),
    MeasurementSpec(
        name="p99_us", unit=MICROSECONDS, help=gettext_noop("99 percent of the answers came within this time.")
    ),
    MeasurementSpec(
        name="p999_us", unit=MICROSECONDS, help=gettext_noop("99.9 percent of the answers came within this time.")
    ),
    MeasurementSpec(name="max_us", unit=MICROSECONDS, help=gettext_noop("The slowest answer.")),
    MeasurementSpec(
        name="steal_ppm", unit=PPM, help=gettext_noop("Share of CPU time that the hypervisor gave to others.")
    ),
    MeasurementSpec(
        name="foreign_load_ppm",
        unit=PPM,
        help=gettext_noop("Share of CPU time that programs other than Gatehouse's used."),
    ),
)

AUDIT_MEASURES: Final = (
    counted("events", gettext_noop("Records in the journal, read back from its files.")),
    counted("double_charges", gettext_noop("Effects that were applied more than once for one request.")),
    counted(
        "lost_effects",
        gettext_noop("Effects that were confirmed, or refused without reason, and are not in the journal."),
    ),
    counted("extra_effects", gettext_noop("Effects in the journal that nobody asked for, or of another amount.")),
    counted("missing_schema", gettext_noop("Records without a schema version above 0.")),
    counted("missing_correlation", gettext_noop("Records that do not say what they belong to.")),
    counted("unresolved_causation", gettext_noop("Records whose cause is not an earlier record.")),
    counted("duplicate_keys", gettext_noop("Idempotency keys that stand in the journal more than once.")),
    counted("chain_breaks", gettext_noop("Places where the hash chain or the numbering is broken.")),
    MeasurementSpec(
        name="drift_micros_max",
        unit=MICRO_CREDITS,
        help=gettext_noop("Largest difference between a live balance and the sum of its movements in the journal."),
    ),
    counted("accounts_checked", gettext_noop("Accounts whose live balance was held against the journal.")),
    counted("accounts_with_drift", gettext_noop("Accounts whose live balance is not the sum of their movements.")),
    counted("negative_balances", gettext_noop("Agents whose balance is or ever was below zero.")),
    MeasurementSpec(
        name="accounts_sum_micros",
        unit=MICRO_CREDITS,
        help=gettext_noop("Sum over all accounts, which double entry keeps at zero."),
    ),
    counted(
        "state_hashes_distinct",
        gettext_noop("Different states that the live ledger and its replays arrived at; one is right."),
    ),
)

CRASHES: Final = counted(
    "crashes", gettext_noop("Times the process of the ledger died or ended with an error nobody expected.")
)
