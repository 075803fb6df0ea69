from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kernel", "0006_api_tokens")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="time_zone",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The zone in which the screens say times, by its IANA name. Empty: nobody has chosen one.",
                max_length=64,
                verbose_name="time zone",
            ),
            preserve_default=False,
        ),
    ]
