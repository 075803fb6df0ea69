from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("testruns", "0004_builds_from_elsewhere")]

    operations = [
        migrations.AddIndex(model_name="run", index=models.Index(fields=["version"], name="run_by_version")),
    ]
