import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import console.models.phase


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("console", "0002_releases"),
    ]

    operations = [
        migrations.AddField(
            model_name="phase",
            name="description",
            field=models.TextField(blank=True, default="", verbose_name="description"),
            preserve_default=False,
        ),
        migrations.AddField(model_name="phase", name="number", field=models.PositiveIntegerField(default=1)),
        migrations.AddField(
            model_name="phase",
            name="checks",
            field=models.JSONField(blank=True, default=console.models.phase.shipped_checks),
        ),
        migrations.AddField(
            model_name="phase",
            name="edited_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(model_name="phasedependency", name="is_in_force", field=models.BooleanField(default=True)),
        migrations.CreateModel(
            name="PhaseEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("proposed_at", models.DateTimeField()),
                (
                    "phase",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="edits", to="console.phase"
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "edit of a phase",
                "verbose_name_plural": "edits of phases",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("phase", "number"), name="phase_edit_number_once_per_phase")
                ],
            },
        ),
        migrations.CreateModel(
            name="PhaseEditAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_activated", models.BooleanField()),
                ("at", models.DateTimeField()),
                ("reason", models.TextField(blank=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "edit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answer", to="console.phaseedit"
                    ),
                ),
            ],
            options={
                "verbose_name": "answer to an edit of a phase",
                "verbose_name_plural": "answers to edits of phases",
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_activated", True), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="phase_edit_withdrawn_with_a_reason",
                    )
                ],
            },
        ),
    ]
