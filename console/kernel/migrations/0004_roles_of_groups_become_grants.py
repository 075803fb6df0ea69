"""Roles used to be Django groups: who was in one holds the role from then on, as granted at installation."""

from typing import Any

from django.db import migrations

ROLES = ("engineer", "tester", "reviewer", "supervisor", "auditor", "administrator")


def grant_roles_of_groups(apps: Any, schema_editor: Any) -> None:
    """One standing grant per membership; the memberships and groups go, so that no role is in two places."""
    group_model = apps.get_model("auth", "Group")
    grant_model = apps.get_model("kernel", "RoleGrant")
    groups = group_model.objects.filter(name__in=ROLES)
    for group in groups:
        grant_model.objects.bulk_create(
            grant_model(person=person, role=group.name, proposed_at=person.date_joined, confirmed_at=person.date_joined)
            for person in group.user_set.all()
        )
    groups.delete()


class Migration(migrations.Migration):
    dependencies = [("kernel", "0003_roles_and_resets")]

    operations = [migrations.RunPython(grant_roles_of_groups, migrations.RunPython.noop)]
