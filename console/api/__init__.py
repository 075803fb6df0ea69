"""The API's doors of the console: what it says about itself, phases, builds, certificates, health and metrics."""

from console.kernel.api import problems

problems.register(
    {
        "commit-refused": 400,
        "commit-malformed": 400,
        "commit-not-whole": 400,
        "commit-ambiguous": 400,
        "build-not-released": (
            409,
            "No release of this build stands in the phase. `exit_code` says how it stands, `blockers` what is left, "
            "each with its act and who may do it.",
        ),
    }
)
