import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kernel", "0005_audit_entries_by_act"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Where it is used, for example: CI of the ledger.",
                        max_length=100,
                        verbose_name="name",
                    ),
                ),
                ("is_service", models.BooleanField(default=False, verbose_name="of a service")),
                ("prefix", models.CharField(max_length=8, unique=True, verbose_name="prefix")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("scopes", models.CharField(max_length=200, verbose_name="scopes")),
                ("is_signed_only", models.BooleanField(default=False, verbose_name="signed requests only")),
                ("created_at", models.DateTimeField(verbose_name="made at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("last_used_at", models.DateTimeField(null=True, verbose_name="last used at")),
                ("revoked_at", models.DateTimeField(null=True, verbose_name="revoked at")),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tokens",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="acts for",
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="kernel.apitoken",
                        verbose_name="replaces",
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="revoked by",
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "verbose_name_plural": "API tokens",
                "db_table": "kernel_apitoken",
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))),
                        name="api_token_expires_after_creation",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("revoked_at__isnull", True), ("revoked_by__isnull", True)),
                            models.Q(("revoked_at__isnull", False), ("revoked_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="api_token_revocation_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_service", True), ("created_by", models.F("person")), _connector="OR"),
                        name="api_token_own_or_of_a_service",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsedNonce",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("nonce", models.CharField(max_length=64, verbose_name="nonce")),
                ("used_at", models.DateTimeField(db_index=True, verbose_name="used at")),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="kernel.apitoken",
                        verbose_name="token",
                    ),
                ),
            ],
            options={
                "verbose_name": "used nonce",
                "verbose_name_plural": "used nonces",
                "db_table": "kernel_usednonce",
                "constraints": [models.UniqueConstraint(fields=("token", "nonce"), name="used_nonce_once")],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("method", models.CharField(max_length=10, verbose_name="method")),
                ("route", models.CharField(max_length=200, verbose_name="route")),
                ("key", models.CharField(max_length=128, verbose_name="key")),
                ("fingerprint", models.CharField(max_length=64, verbose_name="fingerprint of the request")),
                ("claimed_at", models.DateTimeField(db_index=True, verbose_name="claimed at")),
                ("status", models.PositiveSmallIntegerField(null=True, verbose_name="status")),
                ("headers", models.TextField(blank=True, verbose_name="headers")),
                ("body", models.TextField(blank=True, verbose_name="body")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "idempotency key",
                "verbose_name_plural": "idempotency keys",
                "db_table": "kernel_idempotencykey",
                "constraints": [
                    models.UniqueConstraint(fields=("person", "method", "route", "key"), name="idempotency_key_once")
                ],
            },
        ),
    ]
