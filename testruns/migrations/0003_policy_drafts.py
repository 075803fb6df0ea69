"""Drafts of gate policies with their edits, and the two people a policy takes."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("testruns", "0002_say_errors_in_the_readers_language"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=50)),
                ("number", models.PositiveIntegerField()),
                ("content", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("state", models.CharField(default="EDITING", max_length=10)),
                ("version", models.PositiveIntegerField(default=1)),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.TextField(blank=True, help_text="Why it was withdrawn.")),
            ],
            options={
                "verbose_name": "policy draft",
                "verbose_name_plural": "policy drafts",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="PolicyEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("changes", models.JSONField(blank=True, default=list)),
            ],
            options={
                "verbose_name": "edit of a policy draft",
                "verbose_name_plural": "edits of policy drafts",
                "ordering": ["draft", "id"],
            },
        ),
        migrations.AddField(
            model_name="gatepolicy",
            name="activated_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="gatepolicy",
            name="edited_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="gatepolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("activated_by__isnull", True),
                    models.Q(("activated_by", models.F("edited_by")), _negated=True),
                    _connector="OR",
                ),
                name="gate_policy_takes_two_people",
            ),
        ),
        migrations.AddField(
            model_name="policydraft",
            name="base",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="drafts", to="testruns.gatepolicy"
            ),
        ),
        migrations.AddField(
            model_name="policydraft",
            name="closed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="policydraft",
            name="opened_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="policydraft",
            name="policy",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="draft",
                to="testruns.gatepolicy",
            ),
        ),
        migrations.AddField(
            model_name="policyedit",
            name="draft",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="edits", to="testruns.policydraft"
            ),
        ),
        migrations.AddField(
            model_name="policyedit",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="policydraft",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["EDITING", "SUBMITTED", "ACTIVATED", "WITHDRAWN"])),
                name="policy_draft_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="policydraft",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["EDITING", "SUBMITTED"])),
                fields=("code",),
                name="policy_draft_one_open_per_code",
            ),
        ),
        migrations.AddConstraint(
            model_name="policydraft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["EDITING", "SUBMITTED"]),
                    models.Q(("closed_at__isnull", False), ("closed_by__isnull", False)),
                    _connector="OR",
                ),
                name="policy_draft_closed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="policydraft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("policy__isnull", False), ("state", "ACTIVATED")),
                    models.Q(models.Q(("state", "ACTIVATED"), _negated=True), ("policy__isnull", True)),
                    _connector="OR",
                ),
                name="policy_draft_activated_has_a_policy",
            ),
        ),
    ]
