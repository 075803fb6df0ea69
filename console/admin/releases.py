"""The section of releases in the navigation: every address of the sign-off screens."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from console.admin import (
    builds,
    capability_lines,
    certificates,
    conditions,
    phase_definitions,
    phases,
    requests,
    reviews,
    signing,
    waivers,
)
from console.kernel.doors import Page, Section, add_section


def _page(route: str, view: Any, name: str) -> Page:
    return Page(route=f"releases/{route}", view=view, name=name)


add_section(
    Section(
        code="releases",
        title=gettext_lazy("Releases"),
        icon="gate",
        url_name="admin:releases",
        order=15,
        pages=(
            _page("", phases.releases_page, "releases"),
            _page("phase/<str:code>/", phases.phase_page, "release_phase"),
            _page("phase/<str:code>/request/", phases.preview_page, "release_preview"),
            _page("phase/<str:code>/verify-journal/", phases.verify_journal, "release_verify_journal"),
            _page("phase/<str:code>/definition/", phase_definitions.definition_page, "release_phase_definition"),
            _page("phase-edit/<int:edit_id>/activate/", phase_definitions.activate, "release_activate_phase_edit"),
            _page("phase-edit/<int:edit_id>/withdraw/", phase_definitions.withdraw, "release_withdraw_phase_edit"),
            _page("capability/<slug:code>/", capability_lines.switch_capability, "release_capability"),
            _page("request/<int:request_id>/", requests.request_page, "release_request"),
            _page("request/<int:request_id>/manifest.json", requests.manifest_file, "release_manifest"),
            _page("request/<int:request_id>/comment/", requests.comment, "release_comment"),
            _page("request/<int:request_id>/withdraw/", requests.withdraw, "release_withdraw"),
            _page("request/<int:request_id>/sign/<slug:seat>/", signing.sign_page, "release_sign"),
            _page("request/<int:request_id>/decide/", signing.decide_page, "release_decide"),
            _page("request/<int:request_id>/review/", reviews.edit_page, "release_review_edit"),
            _page("review/<int:review_id>/", reviews.review_page, "release_review"),
            _page("attachment/<int:attachment_id>/", reviews.attachment, "release_attachment"),
            _page("sign-off/<int:sign_off_id>/withdraw/", requests.withdraw_sign_off, "release_withdraw_sign_off"),
            _page("condition/<int:condition_id>/", conditions.condition_page, "release_condition"),
            _page("condition/<int:condition_id>/close/", conditions.close, "release_close_condition"),
            _page("condition/<int:condition_id>/confirm/", conditions.confirm, "release_confirm_condition"),
            _page("closing/<int:closing_id>/evidence/", conditions.closing_file, "release_closing_file"),
            _page("decision/<int:decision_id>/revoke/", requests.revoke, "release_revoke"),
            _page("decision/<int:decision_id>/certificate/", certificates.certificate_page, "release_certificate"),
            _page(
                "decision/<int:decision_id>/certificate.jsonl",
                certificates.certificate_file,
                "release_certificate_file",
            ),
            _page("decision/<int:decision_id>/bundle.zip", certificates.bundle, "release_bundle"),
            _page("builds/", builds.builds_page, "release_builds"),
            _page("build/<str:name>/", builds.build_page, "release_build"),
            _page("waivers/", waivers.waivers_page, "release_waivers"),
            _page("waiver/<int:waiver_id>/", waivers.waiver_page, "release_waiver"),
            _page("waiver/<int:waiver_id>/answer/", waivers.answer, "release_answer_waiver"),
        ),
    )
)
