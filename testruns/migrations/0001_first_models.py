"""The tables of runs: everything the machine side keeps."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Build",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                (
                    "commit",
                    models.CharField(
                        blank=True, help_text="Git commit, empty where there is no repository.", max_length=64
                    ),
                ),
                ("tree_digest", models.CharField(help_text="SHA-256 over the source files themselves.", max_length=64)),
                ("is_clean", models.BooleanField(help_text="Whether the source tree matched its commit.")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "build",
                "verbose_name_plural": "builds",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name", "commit", "tree_digest", "is_clean"), name="build_is_one_row_per_source"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("size", models.PositiveBigIntegerField()),
                ("media_type", models.CharField(max_length=100)),
                ("stored_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "evidence",
                "verbose_name_plural": "evidence",
                "ordering": ["-stored_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")), name="evidence_digest_is_sha256"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("state", models.CharField(default="RUNNING", max_length=12)),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("exit_code", models.IntegerField(blank=True, null=True)),
                ("error", models.TextField(blank=True)),
                (
                    "output",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="testruns.evidence",
                    ),
                ),
                (
                    "samples",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="testruns.evidence",
                    ),
                ),
                (
                    "stderr",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="testruns.evidence",
                    ),
                ),
            ],
            options={
                "verbose_name": "attempt",
                "verbose_name_plural": "attempts",
                "ordering": ["execution", "number"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("state", "RUNNING")),
                            models.Q(
                                ("finished_at__isnull", False),
                                ("state__in", ["FINISHED", "ERRORED", "CANCELLED", "ABANDONED"]),
                            ),
                            _connector="OR",
                        ),
                        name="attempt_is_running_or_finished",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GatePolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=50)),
                ("number", models.PositiveIntegerField()),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("content", models.TextField()),
                ("is_active", models.BooleanField(default=False)),
                ("activated_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "gate policy",
                "verbose_name_plural": "gate policies",
                "ordering": ["code", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("code", "number"), name="gate_policy_number_is_unique_per_code"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)),
                        fields=("code",),
                        name="gate_policy_one_active_per_code",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_active", False), ("activated_at__isnull", False), _connector="OR"),
                        name="gate_policy_active_has_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("via", models.CharField(max_length=20)),
                ("driver", models.CharField(blank=True, max_length=200)),
                ("profile", models.CharField(max_length=10)),
                ("scenarios", models.JSONField()),
                ("concurrency", models.JSONField()),
                ("duration_seconds", models.PositiveIntegerField()),
                ("seed", models.BigIntegerField()),
                ("retry_injection", models.BooleanField()),
                ("karma_available", models.BooleanField()),
                ("anomaly_injection", models.BooleanField()),
                ("planned_seconds", models.PositiveIntegerField()),
                ("state", models.CharField(db_index=True, default="QUEUED", max_length=12)),
                ("recommendation", models.CharField(blank=True, max_length=12)),
                (
                    "sentence",
                    models.TextField(
                        blank=True, help_text="Template of the sentence that explains the recommendation."
                    ),
                ),
                ("sentence_params", models.JSONField(blank=True, default=dict)),
                ("missing", models.JSONField(blank=True, default=list)),
                ("environment", models.JSONField(blank=True, default=dict)),
                ("requested_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("frozen_at", models.DateTimeField(blank=True, null=True)),
                (
                    "manifest",
                    models.TextField(blank=True, help_text="Canonical JSON whose SHA-256 is the manifest digest."),
                ),
                ("manifest_digest", models.CharField(blank=True, max_length=64)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "build",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="testruns.build"
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="testruns.gatepolicy"
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty for a run of the command line without a person; it can never be bound to a release.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "run",
                "verbose_name_plural": "runs",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["QUEUED", "RUNNING", "JUDGED", "CANCELLED", "UNFINISHED"])),
                        name="run_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("recommendation__in", ["", "GO", "CONDITIONAL", "NO_GO", "INCOMPLETE"])),
                        name="run_recommendation_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("frozen_at__isnull", True), ("finished_at__isnull", False), _connector="OR"
                        ),
                        name="run_frozen_is_finished",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "JUDGED"), _negated=True),
                            models.Q(
                                ("frozen_at__isnull", False),
                                models.Q(("recommendation", ""), _negated=True),
                                models.Q(("manifest_digest", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="run_judged_is_frozen_and_bound",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=10)),
                ("gate", models.CharField(max_length=2)),
                ("severity", models.CharField(max_length=10)),
                ("verdict", models.CharField(max_length=12)),
                ("operator", models.CharField(max_length=10)),
                ("expected", models.CharField(max_length=60)),
                ("blocking", models.CharField(blank=True, max_length=60)),
                ("actual", models.CharField(blank=True, help_text="Empty when nothing was measured.", max_length=60)),
                ("margin", models.CharField(blank=True, max_length=60)),
                ("unit", models.CharField(max_length=40)),
                ("is_blocking", models.BooleanField(help_text="Whether this result alone asks for NO_GO.")),
                ("question", models.TextField()),
                (
                    "reason",
                    models.TextField(blank=True, help_text="Template of the sentence; the numbers are beside it."),
                ),
                ("reason_params", models.JSONField(blank=True, default=dict)),
                ("sources", models.JSONField(blank=True, default=list)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rule_results", to="testruns.run"
                    ),
                ),
            ],
            options={
                "verbose_name": "rule result",
                "verbose_name_plural": "rule results",
                "ordering": ["run", "code"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "code"), name="rule_result_is_one_per_run_and_rule"),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["PASS", "INCONCLUSIVE", "ERROR", "FAIL"])),
                        name="rule_result_verdict_is_never_waived",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GateResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gate", models.CharField(max_length=2)),
                ("verdict", models.CharField(max_length=12)),
                ("worst_rule", models.CharField(blank=True, max_length=10)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="gate_results", to="testruns.run"
                    ),
                ),
            ],
            options={
                "verbose_name": "gate result",
                "verbose_name_plural": "gate results",
                "ordering": ["run", "gate"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "gate"), name="gate_result_is_one_per_run_and_gate"),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["PASS", "INCONCLUSIVE", "ERROR", "FAIL"])),
                        name="gate_result_verdict_is_never_waived",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule_code", models.CharField(max_length=10)),
                ("severity", models.CharField(max_length=10)),
                ("what", models.TextField(help_text="Template of the sentence; the numbers are beside it.")),
                ("what_params", models.JSONField(blank=True, default=dict)),
                ("impact", models.TextField()),
                ("where", models.TextField()),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="findings", to="testruns.run"
                    ),
                ),
            ],
            options={
                "verbose_name": "finding",
                "verbose_name_plural": "findings",
                "ordering": ["run", "rule_code"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "rule_code"), name="finding_is_one_per_run_and_rule"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScenarioExecution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("scenario", models.CharField(max_length=50)),
                ("concurrency", models.PositiveIntegerField()),
                ("planned_seconds", models.PositiveIntegerField()),
                ("disk_bytes", models.PositiveBigIntegerField()),
                ("state", models.CharField(db_index=True, default="QUEUED", max_length=12)),
                ("verdict", models.CharField(blank=True, max_length=12)),
                ("progress_ppm", models.PositiveIntegerField(default=0)),
                ("progress_text", models.CharField(blank=True, max_length=200)),
                ("attempt_count", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("samples", models.JSONField(blank=True, default=list)),
                ("opened", models.JSONField(blank=True, default=dict)),
                ("journal_head", models.JSONField(blank=True, null=True)),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "messaged_at",
                    models.DateTimeField(
                        blank=True, help_text="When the queue was last told about this execution.", null=True
                    ),
                ),
                ("lease_owner", models.CharField(blank=True, max_length=200)),
                ("heartbeat_at", models.DateTimeField(blank=True, null=True)),
                ("deadline_at", models.DateTimeField(blank=True, null=True)),
                ("cancel_requested_at", models.DateTimeField(blank=True, null=True)),
                ("pid", models.PositiveIntegerField(blank=True, null=True)),
                ("pid_started_ticks", models.PositiveBigIntegerField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="executions", to="testruns.run"
                    ),
                ),
            ],
            options={
                "verbose_name": "scenario execution",
                "verbose_name_plural": "scenario executions",
                "ordering": ["run", "position"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "position"), name="execution_position_is_unique_per_run"),
                    models.UniqueConstraint(
                        fields=("run", "scenario", "concurrency"), name="execution_is_one_per_scenario_and_level"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["QUEUED", "LEASED", "RUNNING", "FINISHED", "ERRORED", "CANCELLED", "ABANDONED"],
                            )
                        ),
                        name="execution_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["", "PASS", "INCONCLUSIVE", "ERROR", "FAIL"])),
                        name="execution_verdict_is_known_and_never_waived",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("progress_ppm__lte", 1000000)), name="execution_progress_within_a_million"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["LEASED", "RUNNING"]), _negated=True),
                            models.Q(models.Q(("lease_owner", ""), _negated=True), ("heartbeat_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="execution_active_has_a_lease",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RunEvidence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(max_length=20)),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="testruns.attempt",
                    ),
                ),
                (
                    "evidence",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bindings", to="testruns.evidence"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="evidence", to="testruns.run"
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="testruns.scenarioexecution",
                    ),
                ),
            ],
            options={
                "verbose_name": "evidence of a run",
                "verbose_name_plural": "evidence of runs",
                "ordering": ["run", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("attempt__isnull", False)),
                        fields=("attempt", "role"),
                        name="run_evidence_is_one_per_attempt_and_role",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("attempt__isnull", True)),
                        fields=("run", "role"),
                        name="run_evidence_is_one_per_run_and_role",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("attempt__isnull", True), ("execution__isnull", True)),
                            models.Q(("attempt__isnull", False), ("execution__isnull", False)),
                            _connector="OR",
                        ),
                        name="run_evidence_attempt_names_its_execution",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="attempt",
            name="execution",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="attempts", to="testruns.scenarioexecution"
            ),
        ),
        migrations.CreateModel(
            name="Measurement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("value", models.CharField(max_length=60)),
                ("unit", models.CharField(max_length=40)),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="measurements", to="testruns.attempt"
                    ),
                ),
            ],
            options={
                "verbose_name": "measurement",
                "verbose_name_plural": "measurements",
                "ordering": ["attempt", "name"],
                "constraints": [
                    models.UniqueConstraint(fields=("attempt", "name"), name="measurement_name_is_unique_per_attempt")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="attempt",
            constraint=models.UniqueConstraint(
                fields=("execution", "number"), name="attempt_number_is_unique_per_execution"
            ),
        ),
    ]
