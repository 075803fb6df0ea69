"""Subscribers: everything once they are up, what failed again later, a parked stream in order, and no place lost."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from ledger.engine.errors import EndUnknown, UnknownSeq
from ledger.subscriptions import Interest, Retry, reset, standings, unpark
from ledger.subscriptions.errors import (
    PositionElsewhere,
    StreamNotParked,
    SubscriptionDamaged,
    SubscriptionDiffers,
    SubscriptionNameRefused,
    SubscriptionRunning,
    UnknownSubscription,
)
from ledger.subscriptions.record import Records
from ledger.tests.engine.counting import opened
from ledger.tests.subscriptions.conftest import NAME, RETRY, Post, exhaust


def park(post: Post, stream: str) -> None:
    """Let deliveries of a stream fail until it is parked."""
    post.receiver.broken = {f"agent:{stream}"}
    with post.subscriber() as subscriber:
        for _attempt in range(RETRY.attempts_max):
            exhaust(subscriber)
            post.pulse.pass_seconds(20)
    assert [hold.is_parked for hold in subscriber.holds.values()] == [True]


# Catch-up, live, position


def test_what_was_there_and_what_comes_is_delivered_with_one_cursor(post: Post) -> None:
    """Catch-up over sealed segments, then live, in order and once."""
    post.record(*["ann", "bob"] * 10)
    with post.subscriber() as subscriber:
        exhaust(subscriber)
        post.record("ann")
        exhaust(subscriber)

    assert post.receiver.seqs == post.all_seqs()


def test_only_what_was_asked_for_is_delivered_and_the_position_goes_on(post: Post) -> None:
    """By stream, by family of types, by correlation: all must fit; lag is 0 although other events were passed over."""
    wanted = Interest(types=("credit.*",), stream="agent:bob", correlation="mission:1")
    post.record("ann", "bob", "ann", "bob", "ann")

    subscriber = post.deliver(interest=wanted)

    assert post.receiver.seqs == post.all_seqs("bob")
    assert subscriber.position == post.journal.head.seq


def test_the_position_survives_the_process(post: Post) -> None:
    """The next process goes on behind it."""
    post.record("ann", "bob")
    post.deliver()
    later = post.record("ann")

    post.deliver()

    assert post.receiver.seqs == post.all_seqs()
    assert post.receiver.seqs[-1:] == later


def test_a_new_subscription_may_begin_behind_any_event(post: Post) -> None:
    """Not beyond the end: what comes next would be missed."""
    seqs = post.record("ann", "bob", "ann")

    with pytest.raises(UnknownSeq), post.subscriber(after=seqs[-1] + 1):
        pass
    post.deliver(after=seqs[1])

    assert post.receiver.seqs == seqs[2:]


def test_the_position_is_saved_a_second_after_a_delivery_or_after_many(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crash would deliver again is bounded; no fsync for every single event."""
    monkeypatch.setattr("ledger.subscriptions.subscriber.SAVE_EVENTS", 50)
    records = Records(env=post.pulse, journal=post.path)
    with post.subscriber() as subscriber:
        exhaust(subscriber)
        soon = records.read(NAME).position
        post.pulse.pass_seconds(1)
        exhaust(subscriber)
        later = records.read(NAME).position
        post.record(*["ann"] * 51)
        exhaust(subscriber)
        saved = records.read(NAME).position

    assert (soon, later) == (0, 1)
    assert saved >= 50


# Failing deliveries


def test_a_delivery_that_failed_is_tried_again_later_and_its_stream_waits_in_order(post: Post) -> None:
    """Other streams go on meanwhile."""
    first, second, third = post.record("ann", "bob", "ann")
    post.receiver.broken = {"agent:ann"}
    with post.subscriber() as subscriber:
        exhaust(subscriber)
        assert post.receiver.seqs[-1] == second
        assert third not in post.receiver.tried
        post.receiver.broken = set()
        exhaust(subscriber)
        assert first not in post.receiver.seqs
        post.pulse.pass_seconds(1)
        exhaust(subscriber)

    assert post.receiver.seqs == [1, second, first, third]
    assert subscriber.holds == {}


def test_waits_double_up_to_the_cap_and_half_of_each_is_chance() -> None:
    """Receivers that failed together do not come back together."""
    retry = Retry(attempts_max=9, first_seconds=1, cap_seconds=10)

    longest = [retry.delay_seconds(attempts=attempts, chance=1) for attempts in range(1, 7)]
    shortest = [retry.delay_seconds(attempts=attempts, chance=0) for attempts in range(1, 7)]

    assert longest == [1, 2, 4, 8, 10, 10]
    assert shortest == [0.5, 1, 2, 4, 5, 5]
    assert retry.delay_seconds(attempts=10_000, chance=1) == 10


def test_the_chance_in_a_wait_comes_from_the_environment(post: Post) -> None:
    """With the least of it half the wait is enough, with the most it is not."""
    first, other = post.record("ann", "bob")
    post.receiver.broken = {"agent:ann"}
    post.pulse.chance = "00000000"
    with post.subscriber() as subscriber:
        exhaust(subscriber)
        post.pulse.chance = "ffffffff"
        post.pulse.pass_seconds(0.5)
        exhaust(subscriber)
        post.pulse.pass_seconds(1.9)
        exhaust(subscriber)

    assert post.receiver.tried == [1, first, other, first]


def test_an_event_that_keeps_failing_parks_its_stream_and_the_others_go_on(post: Post) -> None:
    """Later events of the stream are held in order; nobody tries it any more."""
    first, _between, held = post.record("ann", "bob", "ann")

    park(post, "ann")
    post.pulse.pass_seconds(3600)
    post.record("bob", "ann")
    post.deliver()

    assert post.receiver.tried.count(first) == RETRY.attempts_max
    assert held not in post.receiver.tried
    assert post.receiver.seqs == [1, *post.all_seqs("bob")]
    (standing,) = standings(post.journal, path=post.path)
    assert (standing.lag_events, standing.is_running) == (0, False)
    (parked,) = standing.parks
    assert (parked.stream, parked.event_count, parked.hold.seq) == ("agent:ann", 3, first)
    assert parked.hold.reason == "agent:ann is not taken"


def test_unparking_delivers_what_was_held_in_order(post: Post) -> None:
    """Across restarts; then the stream goes on with the others."""
    post.record("ann", "bob", "ann", "ann")
    park(post, "ann")
    post.receiver.broken = set()

    hold = unpark(path=post.path, name=NAME, stream="agent:ann")
    post.deliver()
    last = post.record("ann")
    post.deliver()

    assert hold.is_parked
    assert [seq for seq in post.receiver.seqs if seq in post.all_seqs("ann")] == post.all_seqs("ann")
    assert post.receiver.seqs[-1:] == last
    assert next(standings(post.journal, path=post.path)).parks == ()


def test_a_stream_that_fails_again_after_unparking_is_parked_where_it_failed(post: Post) -> None:
    """With its attempts counted anew."""
    post.record("ann", "ann")
    park(post, "ann")

    unpark(path=post.path, name=NAME, stream="agent:ann")
    park(post, "ann")

    assert post.receiver.tried.count(post.all_seqs("ann")[0]) == 2 * RETRY.attempts_max


def test_a_running_subscriber_takes_up_what_an_operator_does(post: Post) -> None:
    """Within a second, without a restart: unparking, and another position."""
    seqs = post.record("ann", "bob")
    park(post, "ann")
    with post.subscriber() as subscriber:
        exhaust(subscriber)
        post.receiver.broken = set()
        unpark(path=post.path, name=NAME, stream="agent:ann")
        post.pulse.pass_seconds(1)
        exhaust(subscriber)
        assert post.receiver.seqs == [1, seqs[1], seqs[0]]
        reset(post.journal, path=post.path, name=NAME, to=0)
        post.pulse.pass_seconds(1)
        exhaust(subscriber)

    assert post.receiver.seqs == [1, seqs[1], seqs[0], 1, *seqs]
    assert next(standings(post.journal, path=post.path)).record == subscriber._record


def test_what_an_operator_did_is_not_overwritten_by_an_older_position(post: Post) -> None:
    """The subscriber saves into a record that was reset meanwhile: it goes on from there instead."""
    post.record("ann")
    with post.subscriber() as subscriber:
        exhaust(subscriber)
        reset(post.journal, path=post.path, name=NAME, to=1)
        subscriber.save()

    assert subscriber.position == 1


def test_when_very_many_streams_fail_the_position_waits(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is one fault of the receiver; the record of what is held stays small."""
    monkeypatch.setattr("ledger.subscriptions.subscriber.HELD_STREAMS_MAX", 2)
    seqs = post.record("ann", "bob", "cleo", "dora")
    post.receiver.broken = {"agent:ann", "agent:bob", "agent:cleo"}
    with post.subscriber() as subscriber:
        exhaust(subscriber)
        assert (subscriber.position, list(subscriber.holds)) == (seqs[1], ["agent:ann", "agent:bob"])
        post.receiver.broken = set()
        post.pulse.pass_seconds(1)
        exhaust(subscriber)

    assert post.receiver.seqs == [1, *seqs]


# Which subscription, on which history


def test_two_processes_cannot_deliver_for_one_subscription(post: Post) -> None:
    """Everything would arrive twice."""
    with post.subscriber():
        assert next(standings(post.journal, path=post.path)).is_running
        with pytest.raises(SubscriptionRunning), post.subscriber():
            pass


def test_another_filter_on_an_old_position_is_refused_until_it_is_reset(post: Post) -> None:
    """What the old filter left out would silently be missing."""
    seqs = post.record("ann", "bob")
    post.deliver(interest=Interest(stream="agent:ann"))

    with pytest.raises(SubscriptionDiffers), post.subscriber(interest=Interest(stream="agent:bob")):
        pass
    reset(post.journal, path=post.path, name=NAME, to=0)
    post.deliver(interest=Interest(stream="agent:bob"))

    assert post.receiver.seqs == seqs


def test_a_position_of_another_history_is_refused(post: Post) -> None:
    """The same number, another event: an older copy of the journal, or another one in its place."""
    post.record("ann", "bob")
    post.deliver()
    records = Records(env=post.pulse, journal=post.path)
    true = records.read(NAME)

    for planted in ({"position_hash": "0" * 64}, {"position": 99}, {"journal_id": "another"}):
        records.write(replace(true, **planted))
        with pytest.raises(PositionElsewhere), post.subscriber():
            pass


def test_a_damaged_record_is_refused_shown_and_reset(post: Post) -> None:
    """Nobody can say what was delivered, so somebody has to."""
    post.record("ann")
    post.deliver()
    file = post.path / "subscriptions" / f"{NAME}.json"
    file.write_bytes(file.read_bytes().replace(b'"position":2', b'"position":1'))

    with pytest.raises(SubscriptionDamaged), post.subscriber():
        pass
    assert next(standings(post.journal, path=post.path)).record is None
    with pytest.raises(SubscriptionDamaged):
        unpark(path=post.path, name=NAME, stream="agent:ann")
    assert reset(post.journal, path=post.path, name=NAME, to=0) is None
    post.deliver()

    assert post.receiver.seqs == [1, 2, 1, 2]


def test_what_is_not_there_cannot_be_steered(post: Post) -> None:
    """Each with its own refusal, and nothing is written."""
    post.record("ann")
    with pytest.raises(UnknownSubscription):
        unpark(path=post.path, name=NAME, stream="agent:ann")
    with pytest.raises(UnknownSubscription):
        reset(post.journal, path=post.path, name=NAME, to=0)
    assert not (post.path / "subscriptions").exists()
    post.deliver()
    with pytest.raises(StreamNotParked):
        unpark(path=post.path, name=NAME, stream="agent:ann")
    with pytest.raises(UnknownSeq):
        reset(post.journal, path=post.path, name=NAME, to=3)


@pytest.mark.parametrize("name", ["", "Billing", "../x", "a/b", "-a", "a" * 65, "ä"])
def test_a_name_that_is_no_file_name_everywhere_is_refused(post: Post, name: str) -> None:
    """It becomes one."""
    with pytest.raises(SubscriptionNameRefused), post.subscriber(name=name):
        pass


def test_a_journal_that_cannot_say_what_is_durable_has_no_subscribers(post: Post) -> None:
    """Nothing is shown that a power cut could take back."""
    post.record("ann")
    os.unlink(post.path / "durable")

    with pytest.raises(EndUnknown), post.subscriber():
        pass


def test_a_reader_in_another_process_needs_no_right_to_write_the_journal(post: Post) -> None:
    """It opens for reading; only its own record is written."""
    post.record("ann")
    reader = opened(post.path, read_only=True)
    writer, post.journal = post.journal, reader
    post.deliver()
    post.journal = writer
    reader.close()

    assert post.receiver.seqs == [1, 2]
