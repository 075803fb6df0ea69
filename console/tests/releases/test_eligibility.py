"""Who may fill a seat, as a table: every role, every kind of own work, every seat taken before."""

from __future__ import annotations

from typing import Any

import pytest

from console.eligibility import ACT_OF_SEAT, ROLE_OF_SEAT, Facts, seats_lost_by, why_not, why_not_yet
from console.kernel.authority import Act, Role
from console.release_states import Seat

ME, OTHER = 1, 2
OTHERS_WORK: dict[str, Any] = {"requesters_of_runs": frozenset({OTHER}), "opener": OTHER, "policy_editor": OTHER}

# own work | engineer, tester, reviewer, supervisor: the code of the refusal, or may
OWN_WORK = """
nothing | may may may         may
run     | may may own-run     own-run
request | may may own-request own-request
policy  | may may own-policy  own-policy
phase   | may may own-phase   own-phase
waiver  | may may own-waiver  own-waiver
"""
MINE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "run": {"requesters_of_runs": frozenset({ME, OTHER})},
    "request": {"opener": ME},
    "policy": {"policy_editor": ME},
    "phase": {"phase_editor": ME},
    "waiver": {"waiver_requesters": frozenset({ME})},
}
CELLS = [
    (line.split("|")[0].strip(), seat, cell)
    for line in OWN_WORK.strip().splitlines()
    for seat, cell in zip(Seat, line.split("|")[1].split(), strict=True)
]


def facts(**changes: Any) -> Facts:
    return Facts(**(OTHERS_WORK | changes))


def refusal(seat: Seat, *roles: Role, **changes: Any) -> str:
    found = why_not(seat, ME, roles=roles, facts=facts(**changes))
    return found.code if found else "may"


@pytest.mark.parametrize(("work", "seat", "expected"), CELLS)
def test_own_work_excludes_from_reviewing_and_deciding(work: str, seat: Seat, expected: str) -> None:
    """And from nothing else: engineer and tester attest what they did themselves."""
    assert refusal(seat, ROLE_OF_SEAT[seat], **MINE[work]) == expected


@pytest.mark.parametrize("seat", list(Seat))
@pytest.mark.parametrize("role", list(Role))
def test_a_seat_takes_its_role(seat: Seat, role: Role) -> None:
    """No other role fills it, the administrator's least of all."""
    assert refusal(seat, role) == ("may" if role is ROLE_OF_SEAT[seat] else "seat-needs-role")


def test_nobody_without_a_role_fills_a_seat() -> None:
    """Being a superuser is no role and is not even asked."""
    assert {refusal(seat) for seat in Seat} == {"seat-needs-role"}


@pytest.mark.parametrize("seat", list(Seat))
@pytest.mark.parametrize("taken", list(Seat))
def test_one_person_fills_one_seat(seat: Seat, taken: Seat) -> None:
    """Whatever roles they hold."""
    expected = "may" if seat is taken else "same-person"

    assert refusal(seat, *Role, seated={taken: ME}) == expected


def test_the_first_reason_is_the_one_a_person_can_do_least_about() -> None:
    """Role, then seat, then own work: each refusal names one reason and is the same every time."""
    everything = {name: value for mine in MINE.values() for name, value in mine.items()}

    assert refusal(Seat.REVIEWER, Role.TESTER, **everything, seated={Seat.TESTER: ME}) == "seat-needs-role"
    assert refusal(Seat.REVIEWER, Role.REVIEWER, **everything, seated={Seat.TESTER: ME}) == "same-person"
    assert refusal(Seat.REVIEWER, Role.REVIEWER, **everything) == "own-run"


@pytest.mark.parametrize(
    ("signed", "seat", "expected"),
    [
        ("", "ENGINEER", "may"),
        ("", "TESTER", "seat-not-yet"),
        ("ENGINEER", "TESTER", "may"),
        ("ENGINEER", "ENGINEER", "seat-taken"),
        ("ENGINEER", "REVIEWER", "seat-not-yet"),
        ("TESTER", "REVIEWER", "seat-not-yet"),
        ("ENGINEER TESTER", "REVIEWER", "may"),
        ("ENGINEER TESTER", "SUPERVISOR", "seat-not-yet"),
        ("ENGINEER TESTER REVIEWER", "SUPERVISOR", "may"),
        ("ENGINEER TESTER REVIEWER SUPERVISOR", "SUPERVISOR", "seat-taken"),
    ],
)
def test_seats_are_signed_in_their_order_and_once(signed: str, seat: str, expected: str) -> None:
    """The refusal names the seat that is missing first."""
    found = why_not_yet(Seat(seat), facts=facts(seated={Seat(one): OTHER for one in signed.split()}))

    assert (found.code if found else "may") == expected


@pytest.mark.parametrize(
    ("act", "roles", "lost"),
    [
        (Act.REQUEST_RUN, (Role.SUPERVISOR,), (Seat.SUPERVISOR,)),
        (Act.IMPORT_RESULTS, (Role.SUPERVISOR,), (Seat.SUPERVISOR,)),
        (Act.OPEN_REQUEST, (Role.REVIEWER, Role.SUPERVISOR), (Seat.REVIEWER, Seat.SUPERVISOR)),
        (Act.EDIT_POLICY, (Role.ENGINEER, Role.REVIEWER), (Seat.REVIEWER,)),
        (Act.EDIT_PHASE, (Role.ENGINEER, Role.SUPERVISOR), (Seat.SUPERVISOR,)),
        (Act.REQUEST_WAIVER, (Role.TESTER, Role.SUPERVISOR), (Seat.SUPERVISOR,)),
        (Act.REQUEST_RUN, (Role.ENGINEER, Role.TESTER), ()),
        (Act.CANCEL_RUN, tuple(Role), ()),
        (Act.ATTEST_IMPLEMENTATION, (Role.ENGINEER,), ()),
        (Act.ATTEST_IMPLEMENTATION, (Role.ENGINEER, Role.SUPERVISOR), (Seat.SUPERVISOR,)),
        (Act.SIGN_AS_REVIEWER, (Role.TESTER, Role.REVIEWER), (Seat.TESTER,)),
    ],
)
def test_a_warning_names_the_seats_an_act_costs(act: Act, roles: tuple[Role, ...], lost: tuple[Seat, ...]) -> None:
    """Shown before the act, only to those who have something to lose."""
    assert seats_lost_by(act, roles=roles) == lost


def test_every_seat_has_its_act_and_role() -> None:
    """A seat somebody forgot could be filled by anybody or nobody."""
    assert set(ACT_OF_SEAT) == set(ROLE_OF_SEAT) == set(Seat)
