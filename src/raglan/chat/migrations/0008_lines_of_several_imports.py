import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0007_told_of_imports"), ("incidents", "0027_places_of_moments")]

    operations = [
        migrations.AlterField(
            model_name="importedline",
            name="entry",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="incidents.entry"
            ),
        ),
        migrations.AddConstraint(
            model_name="importedline",
            constraint=models.UniqueConstraint(fields=("chat_import", "entry"), name="imported_line_once"),
        ),
    ]
