"""What people do with the console itself: logins, release requests, signatures, decisions."""

from console.actions.capabilities import switch_capability
from console.actions.conditions import close_condition, close_with_file, confirm_condition
from console.actions.deciding import NewCondition, decide, revoke_release
from console.actions.live_verification import start_live_verification, verify_live_journal
from console.actions.passwords import HalfPassword, confirm_reset, reset_password, withdraw_reset
from console.actions.people import (
    create_person,
    deactivate_person,
    reactivate_person,
    set_own_email,
    set_own_password,
)
from console.actions.phase_edits import PhaseEditing, activate_phase_edit, propose_phase_edit, withdraw_phase_edit
from console.actions.release_requests import Preview, open_request, preview_request, withdraw_request
from console.actions.reviews import attach, comment, save_review
from console.actions.roles import confirm_role, propose_role, take_role
from console.actions.sign_offs import sign_review, sign_seat, withdraw_sign_off
from console.actions.tokens import MadeToken, create_service_token, create_token, revoke_token, rotate_token
from console.actions.waivers import answer_waiver, request_waiver

__all__ = [
    "HalfPassword",
    "MadeToken",
    "NewCondition",
    "PhaseEditing",
    "Preview",
    "activate_phase_edit",
    "answer_waiver",
    "attach",
    "close_condition",
    "close_with_file",
    "comment",
    "confirm_condition",
    "confirm_reset",
    "confirm_role",
    "create_person",
    "create_service_token",
    "create_token",
    "deactivate_person",
    "decide",
    "open_request",
    "preview_request",
    "propose_phase_edit",
    "propose_role",
    "reactivate_person",
    "request_waiver",
    "reset_password",
    "revoke_release",
    "revoke_token",
    "rotate_token",
    "save_review",
    "set_own_email",
    "set_own_password",
    "sign_review",
    "sign_seat",
    "start_live_verification",
    "switch_capability",
    "take_role",
    "verify_live_journal",
    "withdraw_phase_edit",
    "withdraw_request",
    "withdraw_reset",
    "withdraw_sign_off",
]
