"""Find requests by phase, build and state without reading past their manifests.

The plain indexes of the two keys go, because SQLite would prefer them. They are dropped by name: altering the columns
would copy every manifest.
"""

import django.db.models.deletion
from django.db import migrations, models

_PLAIN = {"phase": "console_releaserequest_phase_id_7d9ad67b", "build": "console_releaserequest_build_id_0b2ab9da"}


def _drop(column: str) -> migrations.RunSQL:
    index = _PLAIN[column]
    return migrations.RunSQL(
        f"DROP INDEX {index}",
        reverse_sql=f"CREATE INDEX {index} ON console_releaserequest ({column}_id)",
    )


class Migration(migrations.Migration):
    dependencies = [("console", "0004_notifications")]

    operations = [
        migrations.AddIndex(
            "releaserequest", models.Index(fields=["phase", "build", "state"], name="request_by_phase")
        ),
        migrations.AddIndex(
            "releaserequest", models.Index(fields=["build", "phase", "state"], name="request_by_build")
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[_drop("phase"), _drop("build")],
            state_operations=[
                migrations.AlterField(
                    "releaserequest",
                    "phase",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requests",
                        to="console.phase",
                    ),
                ),
                migrations.AlterField(
                    "releaserequest",
                    "build",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="release_requests",
                        to="testruns.build",
                    ),
                ),
            ],
        ),
    ]
