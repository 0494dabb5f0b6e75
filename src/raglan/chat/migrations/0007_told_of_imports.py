from typing import Any

from django.db import migrations, models


def know_what_was_told(apps: Any, schema_editor: Any) -> None:
    """Of imports that arrived all lines were told."""
    imports = apps.get_model("chat", "ChatImport").objects.using(schema_editor.connection.alias)
    imports.filter(state__in=["there", "leaving", "gone"]).update(told=models.F("new"))


class Migration(migrations.Migration):
    dependencies = [("chat", "0006_who_of_imports")]

    operations = [migrations.RunPython(know_what_was_told, migrations.RunPython.noop, elidable=True)]
