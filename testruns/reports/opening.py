"""Sections 1 to 3 of a report: the summary, the environment as it was measured, and the parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from testruns.environment import LIVE_JOURNAL
from testruns.gates.suite import SEED_SCENARIOS, SUITE
from testruns.recommendation import Recommendation
from testruns.reports.blocks import (
    OPEN,
    Block,
    Boxes,
    Cell,
    Code,
    Heading,
    Items,
    Paragraph,
    Section,
    Table,
    code,
    table,
)
from testruns.reports.report import Report, start_command
from testruns.reports.words import count, figure, moment, profile_word, recommendation_word, say, state, yes_no

LISTED_MAX: Final = 40
_WORDS: Final = (Recommendation.GO, Recommendation.CONDITIONAL, Recommendation.NO_GO, Recommendation.INCOMPLETE)


def head(report: Report) -> Table:
    """The title block: what was tested, when, on which commit, by whom, and the digests that bind it."""
    run = report.run
    head_of_audit = f"{report.audit_head.index}: {report.audit_head.hash}"
    rows: list[tuple[str, Cell | str]] = [
        (_("Scope"), _scope(report)),
        (
            _("Type of test"),
            _("Live test on a real journal, profile %(profile)s") % {"profile": profile_word(run.profile)},
        ),
        (_("Date"), moment(run.finished_at)),
        (_("Branch / commit"), f"{report.branch or figure(None, '')} / {run.build.commit or figure(None, '')}"),
        (_("Tester"), report.tester or _("nobody: started by a command without a person")),
        (_("Run"), f"{run.pk} ({state(run.state)})"),
        (_("Policy"), f"{run.policy}, {run.policy.digest}"),
        (_("Run manifest (SHA-256)"), code(run.manifest_digest)),
        (_("Live journal, last event"), live_head(run.environment)),
        (_("Head of the audit chain"), code(head_of_audit)),
        (_("Report made at"), moment(report.generated_at)),
    ]
    return table(headings=(_("Field"), _("Value")), rows=rows)


def notice(report: Report) -> str:
    """What a reader must know before the first line; empty when there is nothing."""
    if report.run.is_provisional:
        return _("Provisional: scenarios did not finish and may be attempted again. This report can still change.")
    return ""


def live_head(environment: Mapping[str, Any]) -> Cell | str:
    """The event and its hash, by which anybody can tell later whether the journal of credits still is this one."""
    head = _part(environment, LIVE_JOURNAL)
    return code(f"{head['seq']}: {head['hash']}") if head else figure(None, "")


def summary(report: Report) -> Section:
    """Section 1: the word, and a few sentences that explain it."""
    run = report.run
    passed = sum(rule.verdict == "PASS" for rule in report.rules)
    seeds = {row.row.scenario for row in report.executions if row.row.verdict == "PASS"} & set(SEED_SCENARIOS)
    sentences = (
        say(run.sentence, run.sentence_params),
        _("%(passed)s of %(total)s rules passed; findings: %(findings)s.")
        % {"passed": count(passed), "total": count(len(report.rules)), "findings": count(len(report.findings))},
        _("Of the six scenarios of the seeds %(count)s passed.") % {"count": count(len(seeds))},
        _("This is a recommendation of the machine. The decision is made by people, who sign in the console."),
    )
    return Section(
        key="1",
        title=_("Executive summary"),
        blocks=(
            Heading(text=_("Overall status")),
            word_boxes(report),
            Heading(text=_("In short")),
            Paragraph(text=" ".join(sentences)),
        ),
    )


def word_boxes(report: Report) -> Boxes:
    """The four words, one of them ticked."""
    return Boxes(boxes=tuple((report.run.recommendation == word, recommendation_word(str(word))) for word in _WORDS))


def environment(report: Report) -> Section:
    """Section 2: what the run's processes really opened, the machine, and the command that repeats it."""
    blocks: list[Block] = [
        Heading(text=_("Infrastructure")),
        table(headings=(_("Component"), _("Status"), _("Remark")), rows=_components(report)),
        Paragraph(
            text=_(
                "The processes of each scenario were looked at once a second while its load ran, more often in short "
                "runs, and at its end. What was open only between two looks is not listed."
            )
        ),
        *_opened_names(report),
        Heading(text=_("Machine")),
        table(headings=(_("Field"), _("Value")), rows=_machine(report)),
        Heading(text=_("Start command")),
        Code(caption=_("Repeats this run with the same plan and seed"), text=start_command(report.run)),
    ]
    return Section(key="2", title=_("Test environment"), blocks=tuple(blocks))


def parameters(report: Report) -> Section:
    """Section 3: the plan of the run."""
    run = report.run
    rows: list[tuple[str, str]] = [
        (_("Profile"), profile_word(run.profile)),
        (_("Scenarios"), ", ".join(run.scenarios)),
        (_("Concurrency"), ", ".join(count(level) for level in run.concurrency)),
        (_("Duration of the soak"), figure(run.duration_seconds, "s")),
        (_("Duration the policy asks for"), figure(report.policy.values.soak_seconds, "s")),
        (_("Offered rate"), figure(report.policy.values.offered_rate, "operations/s")),
        (_("Seed"), str(run.seed)),
        (_("Injection of retries"), yes_no(run.retry_injection)),
        (_("KARMA available"), yes_no(run.karma_available)),
        (_("Injection of anomalies"), yes_no(run.anomaly_injection)),
        (_("Requested"), moment(run.requested_at)),
        (_("Started"), moment(run.started_at)),
        (_("Finished"), moment(run.finished_at)),
    ]
    return Section(
        key="3",
        title=_("Test parameters"),
        blocks=(table(headings=(_("Parameter"), _("Value")), rows=rows),),
    )


def _scope(report: Report) -> str:
    """A scenario at several levels has finished when it has at each of them."""
    planned = {execution.row.scenario for execution in report.executions}
    broken = {execution.row.scenario for execution in report.executions if execution.row.state != "FINISHED"}
    return _("%(finished)s of %(planned)s planned scenarios finished; the live suite has %(total)s") % {
        "finished": count(len(planned - broken)),
        "planned": count(len(planned)),
        "total": count(len(SUITE)),
    }


def _components(report: Report) -> list[tuple[str, str, str]]:
    """The inventory: each component with what was seen of it, never with what was planned."""
    opened = report.opened
    if opened is None:
        remark = _("no scenario reported what its processes opened")
        return [(name, figure(None, ""), remark) for name in _component_names()]
    files, sockets = opened["files"], opened["sockets"]
    journal = [name for name in files if name.startswith("<run>")]
    seen = (
        (len(journal), _("files in the run's own directory")),
        (len(files) - len(journal), _("files outside the run's directory")),
        (_count_of(sockets, ":5432", ".s.PGSQL."), _("connections to port 5432 or its socket file")),
        (_count_of(sockets, ":6379", "redis"), _("connections to port 6379 or its socket file")),
        (sum(_is_loopback(name) for name in sockets), _("connections within this machine, such as the KARMA endpoint")),
        (sum(_is_outside(name) for name in sockets), _("connections to other machines")),
    )
    return [
        (name, _("was seen open") if number else _("was not seen open"), f"{remark}: {count(number)}")
        for name, (number, remark) in zip(_component_names(), seen, strict=True)
    ]


def _component_names() -> tuple[str, ...]:
    return (
        _("File journal"),
        _("Other files"),
        "PostgreSQL",
        "Redis",
        _("Local network"),
        _("Other machines"),
    )


def _count_of(names: Iterable[str], *parts: str) -> int:
    return sum(any(part in name for part in parts) for name in names)


def _is_internet(name: str) -> bool:
    return name.startswith(("inet ", "inet6 "))


def _is_loopback(name: str) -> bool:
    return _is_internet(name) and not _is_outside(name)


def _is_outside(name: str) -> bool:
    """Whether a socket has a far end that is not this machine: `inet 10.0.0.5:41000 -> 10.0.0.9:5432 ESTABLISHED`."""
    _near, arrow, far = name.partition(" -> ")
    return _is_internet(name) and bool(arrow) and not far.startswith(("127.", "::1:", "::ffff:127."))


def _opened_names(report: Report) -> list[Block]:
    """Every name that was opened, up to a limit that is said."""
    opened = report.opened or {}
    blocks: list[Block] = []
    for kind, title in (("files", _("Files that were seen open")), ("sockets", _("Sockets that were seen open"))):
        names = sorted(opened.get(kind, ()))
        if names:
            lines = names[:LISTED_MAX]
            if len(names) > LISTED_MAX:
                lines.append(
                    _("%(count)s more, all of them in the JSON report") % {"count": count(len(names) - LISTED_MAX)}
                )
            blocks += [Heading(text=title), Items(lines=tuple(lines))]
    return blocks


def _machine(report: Report) -> list[tuple[str, Cell | str]]:
    run = report.run
    machine, python, disk = (_part(run.environment, name) for name in ("machine", "python", "disk"))
    floor = _part(disk, "floor")
    clean = _("clean: as committed") if run.build.is_clean else _("differs from its commit")
    return [
        (_("System"), _known(machine.get("system"))),
        (_("Processor"), _known(machine.get("processor"))),
        (_("Cores"), figure(machine.get("cores"), "count")),
        (_("Memory"), figure(machine.get("memory_bytes"), "bytes")),
        ("Python", f"{python.get('implementation', '')} {python.get('version') or _known(None)}".strip()),
        (_("File system"), _known(disk.get("file_system"))),
        (_("Disk floor (fsync per second)"), _floor_rate(floor)),
        (_("Disk floor, half within"), figure(floor.get("p50_us"), "us")),
        (_("Disk floor, 95 percent within"), figure(floor.get("p95_us"), "us")),
        (_("Disk floor, 99 percent within"), figure(floor.get("p99_us"), "us")),
        (_("Steal, largest of the scenarios"), _noise(report, "steal_ppm", report.policy.values.steal_ppm_max)),
        (
            _("Foreign load, largest of the scenarios"),
            _noise(report, "foreign_load_ppm", report.policy.values.foreign_load_ppm_max),
        ),
        (_("Build"), run.build.name),
        (_("Commit"), code(run.build.commit) if run.build.commit else figure(None, "")),
        (_("Source tree"), clean),
        (_("Source tree (SHA-256)"), code(run.build.tree_digest)),
    ]


def _part(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the environment, empty when it was not recorded."""
    part = values.get(name)
    return part if isinstance(part, Mapping) else {}


def _known(value: Any) -> str:
    return figure(None, "") if value in (None, "") else str(value)


def _floor_rate(floor: Mapping[str, Any]) -> str:
    """The median with the spread of the slices, which belongs to it: one disk differs from second to second."""
    median = figure(floor.get("fsyncs_per_second"), "count")
    if "slices" not in floor:
        return median
    return _("%(median)s (%(low)s to %(high)s in %(slices)s slices of %(length)s)") % {
        "median": median,
        "low": figure(floor.get("fsyncs_per_second_low"), "count"),
        "high": figure(floor.get("fsyncs_per_second_high"), "count"),
        "slices": figure(floor.get("slices"), "count"),
        "length": figure(floor.get("slice_ms"), "ms"),
    }


def _noise(report: Report, name: str, limit_ppm: int) -> Cell:
    """The largest of all scenarios beside the policy's limit, marked when it is above."""
    largest = max((value for one in report.executions if (value := one.value(name)) is not None), default=None)
    said = _("%(measured)s (the policy allows %(limit)s)") % {
        "measured": figure(largest, "ppm"),
        "limit": figure(limit_ppm, "ppm"),
    }
    return Cell(text=said, tone=OPEN if largest is not None and largest > limit_ppm else "")
