from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("testruns", "0005_runs_by_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                fields=["build", "finished_at", "requested_by", "manifest_digest"], name="run_heads_by_build"
            ),
        ),
    ]
