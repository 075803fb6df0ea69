"""Acts that are signed: the password again, an own one, a person at the console; and wrong ones are throttled."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection

from console.kernel import audit
from console.kernel.acts import Actor, signed_action
from console.kernel.authority import Act, Role
from console.kernel.errors import (
    GatehouseError,
    NotAllowed,
    PasswordNotOwn,
    PersonInactive,
    SigningNeedsPerson,
    TooManyAttempts,
    WrongPassword,
    WrongState,
)
from console.kernel.models import AuditEntry, Person, WrongPasswords
from console.kernel.reauthentication import ATTEMPTS_MAX, WINDOW, Reauthentication
from console.models import Phase
from console.tests.people import PASSWORD, person_with

pytestmark = pytest.mark.django_db


@signed_action(Act.DECIDE_RELEASE, target="phase:{code}")
def sign_phase(*, actor: Actor, signed: Reauthentication, code: str, refusal: Exception | None = None) -> str:
    """A signed action of these tests: changes a row, writes its entry, and then refuses when it is told to."""
    Phase.objects.filter(code=code).update(title="Signed")
    audit.record(actor=actor, act=Act.DECIDE_RELEASE, object=f"phase:{code}", after={"method": signed.method})
    if refusal is not None:
        raise refusal
    return signed.method


def signer(*, via: str = "console", source: str = "192.0.2.1") -> Actor:
    """A supervisor who has chosen their own password."""
    person = person_with(Role.SUPERVISOR)
    Person.objects.filter(pk=person.pk).update(password_is_own=True)
    return Actor(person=person, via=via, source=source)


def refuses(refusal: type[GatehouseError], *, actor: Actor, password: str = PASSWORD) -> AuditEntry:
    """Assert that signing is refused so, changes nothing and leaves one entry; returns the entry."""
    before = AuditEntry.objects.count()

    with pytest.raises(refusal):
        sign_phase(actor=actor, code="5a", password=password)

    entry = AuditEntry.objects.latest("index")
    assert not Phase.objects.filter(title="Signed").exists()
    assert AuditEntry.objects.count() == before + 1
    assert (entry.act, entry.object, entry.outcome, entry.code) == (
        "request.decide",
        "phase:5a",
        "refused",
        refusal.code,
    )
    return entry


def test_the_right_password_signs() -> None:
    """The act takes effect and knows how its signer proved who they are."""
    assert sign_phase(actor=signer(), code="5a", password=PASSWORD) == "password"

    assert Phase.objects.get(code="5a").title == "Signed"


def test_a_wrong_password_signs_nothing_and_is_on_record() -> None:
    """The entry names person and source, never what was typed."""
    entry = refuses(WrongPassword, actor=signer(), password="wrong-but-secret")

    assert "192.0.2.1" in entry.after
    assert "wrong-but-secret" not in entry.after


def test_after_five_wrong_passwords_even_the_right_one_is_refused() -> None:
    """And the refusal says for how long."""
    actor = signer()
    for _ in range(ATTEMPTS_MAX):
        refuses(WrongPassword, actor=actor, password="wrong")

    refuses(TooManyAttempts, actor=actor)

    with pytest.raises(TooManyAttempts) as refusal:
        sign_phase(actor=actor, code="5a", password=PASSWORD)
    assert 0 < refusal.value.params["seconds"] <= WINDOW.total_seconds() + 1


def test_the_wrong_ones_are_forgotten_in_time() -> None:
    """A quarter of an hour after the first, the person may try again."""
    actor = signer()
    for _ in range(ATTEMPTS_MAX):
        refuses(WrongPassword, actor=actor, password="wrong")
    counted = WrongPasswords.objects.get(person=actor.person)
    WrongPasswords.objects.filter(pk=counted.pk).update(since=counted.since - WINDOW - timedelta(seconds=1))

    assert sign_phase(actor=actor, code="5a", password=PASSWORD) == "password"


def test_the_right_one_forgets_the_wrong_ones() -> None:
    """A person who mistypes now and then is never locked out."""
    actor = signer()
    for _ in range(ATTEMPTS_MAX - 1):
        refuses(WrongPassword, actor=actor, password="wrong")

    sign_phase(actor=actor, code="5a", password=PASSWORD)

    assert not WrongPasswords.objects.exists()


def test_neither_another_person_nor_another_source_is_throttled_with_them() -> None:
    """Whoever guesses somewhere does not keep the owner from signing at their desk."""
    actor = signer()
    for _ in range(ATTEMPTS_MAX):
        refuses(WrongPassword, actor=actor, password="wrong")

    assert sign_phase(actor=signer(), code="5a", password=PASSWORD) == "password"
    elsewhere = Actor(person=actor.person, via="console", source="192.0.2.2")
    assert sign_phase(actor=elsewhere, code="5a", password=PASSWORD) == "password"


def test_a_password_that_somebody_else_chose_signs_nothing() -> None:
    """Not even when it is right: an administrator has seen it."""
    actor = signer()
    Person.objects.filter(pk=actor.person.pk).update(password_is_own=False)

    refuses(PasswordNotOwn, actor=actor)


def test_nobody_guesses_passwords_with_a_role_that_signs_nothing() -> None:
    """Authority is asked first, so the answer to a wrong and to a right password is the same."""
    actor = Actor(person=person_with(Role.AUDITOR), via="console")

    refuses(NotAllowed, actor=actor)
    refuses(NotAllowed, actor=actor, password="wrong")
    assert not WrongPasswords.objects.exists()


def test_a_superuser_without_the_role_signs_nothing() -> None:
    """Being a superuser is no seat."""
    person = person_with(Role.ADMINISTRATOR, is_superuser=True)
    Person.objects.filter(pk=person.pk).update(password_is_own=True)

    refuses(NotAllowed, actor=Actor(person=person, via="console"))


def test_a_deactivated_person_signs_nothing() -> None:
    """Whatever session they still hold."""
    actor = signer()
    Person.objects.filter(pk=actor.person.pk).update(is_active=False)

    refuses(PersonInactive, actor=actor)


@pytest.mark.parametrize("door", ["api", "command", "installation"])
def test_only_the_console_signs(door: str) -> None:
    """A token or a script has no person in front of it, whoever it acts for."""
    refuses(SigningNeedsPerson, actor=signer(via=door))


def test_a_refusal_after_the_password_rolls_back() -> None:
    """A signed action refuses like any other."""
    with pytest.raises(WrongState):
        sign_phase(actor=signer(), code="5a", password=PASSWORD, refusal=WrongState(what="5a", state="ACTIVE"))

    assert Phase.objects.get(code="5a").title != "Signed"
    assert AuditEntry.objects.latest("index").code == "wrong-state"


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_all_counted() -> None:
    """Twelve guesses at once: five are compared, seven are refused unseen, each is on record."""
    actor = signer()
    codes: list[str] = []
    together = threading.Barrier(12)

    def guess() -> None:
        together.wait()
        try:
            sign_phase(actor=actor, code="5a", password="wrong")
        except GatehouseError as refusal:
            codes.append(refusal.code)
        finally:
            close_old_connections()
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(codes) == ["too-many-attempts"] * 7 + ["wrong-password"] * 5
    assert AuditEntry.objects.filter(outcome="refused", act="request.decide").count() == 12
    assert audit.verify_chain().is_sound


@pytest.mark.django_db(transaction=True)
def test_a_wrong_password_is_counted_although_the_act_rolls_back() -> None:
    """The count is durable before the password is compared."""
    actor = signer()

    refuses(WrongPassword, actor=actor, password="wrong")

    assert WrongPasswords.objects.get(person=actor.person).count == 1
