"""Every call of the engine that can fail does fail, and every call is reached at all."""

from ledger.engine.env import Env
from ledger.simulation.faults import KINDS, NEVER_FAIL, fail_everywhere, sites_met
from ledger.simulation.sites import all_sites


def test_a_simulated_life_reaches_every_place_where_the_engine_calls_its_env() -> None:
    """A call that no simulation reaches is one whose failure nobody has ever seen."""
    met = sites_met(seed=1)

    assert sorted(map(str, all_sites() - met.keys())) == []
    assert len(met) > 100


def test_every_call_of_the_env_either_has_ways_to_fail_or_never_does() -> None:
    """A new one is not forgotten."""
    calls = {name for name in vars(Env) if not name.startswith("_")}

    assert calls == KINDS.keys() | set(NEVER_FAIL)
    assert {site.call for site in all_sites()} == calls


def test_whatever_fails_has_no_effect_or_is_durable_or_poisons_the_journal() -> None:
    """A sample of all calls, all ways to fail: nothing is lost, nothing comes back, and the journal goes on."""
    outcome = fail_everywhere(seed=1, turns=1, share=(1, 16))

    assert outcome.findings == []
    assert outcome.tried > 15
