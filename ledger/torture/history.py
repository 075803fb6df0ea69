"""Whether what many processes were answered can have happened in one order: that of the journal.

Every recorded command stands once, where it was said to be; what was answered before something else was asked stands
before it; and whoever replays the journal in its order comes to the same answers, the refusals included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ledger.engine import Event
from ledger.torture.writer import MOVED


class Answer(NamedTuple):
    """What a writer was told. ``word`` is recorded, repeated or refused, ``seq`` the event that stands for its command,
    or the last one that a refusal had seen.

    ``asked`` and ``answered`` are nanoseconds of the one clock of this machine.
    """

    word: str
    asked: int
    answered: int
    key: str
    seq: int
    account: str
    amount: int


def answer_of(line: str) -> Answer:
    """The answer in a line of a writer."""
    word, asked, answered, key, seq, account, amount = line.split()
    return Answer(word, int(asked), int(answered), key, int(seq), account, int(amount))


def contradictions(answers: Sequence[Answer], events: Iterable[Event]) -> list[str]:
    """What cannot have happened in the order of the journal; ``events`` are all of it."""
    return _against_the_journal(answers, events) + _out_of_order(answers)


def _against_the_journal(answers: Sequence[Answer], events: Iterable[Event]) -> list[str]:
    found: list[str] = []
    refused = sorted((answer for answer in answers if answer.word == "refused"), key=lambda answer: answer.seq)
    balances: dict[str, int] = {}
    seqs: dict[str, int] = {}
    judged = 0
    for event in events:
        while judged < len(refused) and refused[judged].seq < event.seq:
            found += _wrongly_refused(refused[judged], balances)
            judged += 1
        if event.type != MOVED or event.key is None:
            continue
        if event.key in seqs:
            found.append(f"{event.key} is recorded as event {seqs[event.key]} and as event {event.seq}")
        seqs[event.key] = event.seq
        before = balances.get(event.stream, 0)
        if event.data["before"] != before:
            found.append(f"event {event.seq} was decided on {event.data['before']} and not on {before}")
        balances[event.stream] = before + event.data["amount_micros"]
    for answer in refused[judged:]:
        found += _wrongly_refused(answer, balances)
    for answer in answers:
        if answer.word != "refused" and seqs.get(answer.key) != answer.seq:
            found.append(f"{answer.key} was acknowledged as event {answer.seq} and is {seqs.get(answer.key, 'lost')}")
    return found


def _wrongly_refused(answer: Answer, balances: dict[str, int]) -> list[str]:
    balance = balances.get(answer.account, 0)
    if balance + answer.amount < 0:
        return []
    return [f"{answer.key} was refused behind event {answer.seq}, though {answer.account} had {balance}"]


def _out_of_order(answers: Sequence[Answer]) -> list[str]:
    """Each must stand behind everything that was answered before it was asked, but for what stood there already."""
    found: list[str] = []
    new = [answer for answer in answers if answer.word != "repeated"]
    by_answer = sorted(answers, key=lambda answer: answer.answered)
    newest, index = 0, 0
    for answer in sorted(new, key=lambda answer: answer.asked):
        while by_answer[index].answered < answer.asked:
            newest = max(newest, by_answer[index].seq)
            index += 1
        if answer.seq < newest or (answer.word == "recorded" and answer.seq == newest):
            found.append(f"{answer.key} stands at event {answer.seq}, behind event {newest} in time")
    return found
