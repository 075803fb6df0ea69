"""Phases, what people decide about them, and who is told."""

from console.models.bound_run import BoundRun
from console.models.capability_act import CapabilityAct
from console.models.certificate import Certificate
from console.models.condition import Condition
from console.models.condition_closing import ConditionClosing
from console.models.condition_confirmation import ConditionConfirmation
from console.models.decision import Decision
from console.models.live_verification import LiveVerification
from console.models.notification import Notification
from console.models.notification_choice import NotificationChoice
from console.models.phase import Phase
from console.models.phase_dependency import PhaseDependency
from console.models.phase_edit import PhaseEdit, PhaseEditAnswer
from console.models.release_request import ReleaseRequest
from console.models.review import Review
from console.models.review_attachment import ReviewAttachment
from console.models.review_comment import ReviewComment
from console.models.revocation import Revocation
from console.models.sign_off import SignOff
from console.models.sign_off_withdrawal import SignOffWithdrawal
from console.models.waiver import Waiver
from console.models.waiver_answer import WaiverAnswer

__all__ = [
    "BoundRun",
    "CapabilityAct",
    "Certificate",
    "Condition",
    "ConditionClosing",
    "ConditionConfirmation",
    "Decision",
    "LiveVerification",
    "Notification",
    "NotificationChoice",
    "Phase",
    "PhaseDependency",
    "PhaseEdit",
    "PhaseEditAnswer",
    "ReleaseRequest",
    "Review",
    "ReviewAttachment",
    "ReviewComment",
    "Revocation",
    "SignOff",
    "SignOffWithdrawal",
    "Waiver",
    "WaiverAnswer",
]
