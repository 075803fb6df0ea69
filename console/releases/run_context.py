"""What releases say about a run, for its reports: the phase it is evidence for, and the waivers valid for its build."""

from __future__ import annotations

from django.utils import timezone

from console.models import BoundRun
from console.releases.evidence import valid_waivers
from testruns.models import Run
from testruns.release_context import ReleaseContext, Waived


def context_of(run: Run) -> ReleaseContext:
    """The phase of the newest release request that rests on the run, with the waivers valid in it now."""
    bound = BoundRun.objects.filter(run=run).select_related("request__phase").order_by("-request").first()
    if bound is None:
        return ReleaseContext()
    phase = bound.request.phase
    waivers = valid_waivers(phase=phase, build=run.build, policy=run.policy, now=timezone.now())
    return ReleaseContext(
        phase=phase.code,
        waivers={
            waiver.rule_code: Waived(number=waiver.pk, until=waiver.expires_at, by=str(waiver.answer.answered_by))
            for waiver in waivers
        },
    )
