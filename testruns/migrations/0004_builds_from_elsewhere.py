"""A build that ran elsewhere is known by name and commit alone. Changes words and forms, no table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("testruns", "0003_policy_drafts")]

    operations = [
        migrations.AlterField(
            model_name="build",
            name="tree_digest",
            field=models.CharField(
                blank=True,
                help_text="SHA-256 over the source files themselves, empty where only results were brought from elsewhere.",
                max_length=64,
            ),
        ),
    ]
