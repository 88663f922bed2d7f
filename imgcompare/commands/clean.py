"""``imgcompare clean``: remove what runs left."""

from __future__ import annotations

import click

from imgcompare.cli.options import engine_options


@click.command()
@click.option("--keep-images", is_flag=True, help="Leave the images built, so that the next run is fast.")
@engine_options
def clean(*, keep_images: bool, host: str | None, docker_context: str | None) -> None:
    """Remove what runs left on the engine, and nothing else.

    Containers, and the images built. Only what a run wrote down before making it is removed; runs still under way are
    left alone.
    """
    from imgcompare.run import cleanup  # noqa: PLC0415 - --help must be quick
    from imgcompare.run.opening import Connection, connected, ledgers_folder  # noqa: PLC0415

    def say(text: str) -> None:
        click.echo(text, err=True)

    with connected(Connection(host=host, context=docker_context), say) as engine:
        cleaned = cleanup.clean(ledgers_folder(), engine, images=not keep_images)
    say(f"Removed {cleaned.containers} container(s) and {cleaned.images} image(s).")
    for endpoint, count in cleaned.elsewhere.items():
        say(f"{count} object(s) were made on {endpoint}: imgcompare clean --host {endpoint}")
