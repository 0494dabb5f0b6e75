"""`raglan openapi`: the document that describes REST."""

import json
from pathlib import Path

import click

from raglan.console.rest import api


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help="Write the document to this file.")
def openapi(output: Path | None) -> None:
    """Print the OpenAPI document of /api/v1/."""
    text = json.dumps(api.get_openapi_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
