"""Why something ended is a template with parameters, so that every reader has it in their language and time zone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("testruns", "0001_first_models")]

    operations = [
        migrations.AddField(
            model_name="attempt", name="error_params", field=models.JSONField(blank=True, default=dict)
        ),
        migrations.AddField(
            model_name="scenarioexecution", name="error_params", field=models.JSONField(blank=True, default=dict)
        ),
    ]
