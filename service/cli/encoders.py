"""`hourglass encoders`: the image networks, and their published weights."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.settings import Settings
from service.cli.console import JsonOption, answering, command_app, print_json, say

app = command_app(group="The image networks and their published weights: list, show, load.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As the list shows it.")]
File = Annotated[
    Path, typer.Argument(metavar="FILE", help="A .safetensors file with torchvision's names.")
]


@app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List the networks: weights, least side of an image, and whether published weights are here.

    Example: hourglass encoders list
    """
    from pipelines.encoders import list_encoders

    with answering(as_json=as_json):
        found = list_encoders(Settings.from_environment().home)
        if as_json:
            print_json({"encoders": [asdict(each) for each in found]})
            return
        for each in found:
            least = f"from {each.least_side:>2} pixels"
            loaded = "  published weights loaded" if each.loaded else ""
            typer.echo(f"{each.encoder:<12}{each.parameters:>12,}  {least}{loaded}")


@app.command()
def show(name: Name, as_json: JsonOption = False) -> None:
    """Show a network's table, its layers, and how many pixels a value of each sees.

    Example: hourglass encoders show resnet18
    """
    from pipelines.encoders import facts_of, layers_of, table_of

    with answering(as_json=as_json):
        facts, layers = facts_of(Settings.from_environment().home, name), layers_of(name)
        if as_json:
            shown = [asdict(layer) for layer in layers]
            print_json({**asdict(facts), "layers": shown, "options": table_of(name)})
            return
        for field, value in asdict(facts).items():
            typer.echo(f"{field:<16}{value}")
        for option, value in table_of(name).items():
            typer.echo(f"{option:<16}{value}")
        typer.echo(f"{'layer':<16}sees pixels, in steps of")
        for layer in layers:
            typer.echo(f"{layer.layer:<16}{layer.sees:>6}{layer.step:>6}")


@app.command()
def load(name: Name, file: File, as_json: JsonOption = False) -> None:
    """Check a file of published weights and keep it in HOURGLASS_HOME; pickled files are refused.

    Example: hourglass encoders load resnet18 resnet18.safetensors
    """
    from pipelines.encoders import take_weights

    with answering(as_json=as_json):
        taken = take_weights(Settings.from_environment().home, name, file)
        if as_json:
            print_json(asdict(taken))
        else:
            say(f"Took {taken.tensors} tensors, {taken.parameters:,} numbers, of {name}.")
            typer.echo(taken.path)
