"""The program as a whole: its options, and how an error ends it."""

import errno
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from mlrisk.cli.output_files import prepare
from mlrisk.cli.printing import write_printed
from mlrisk.cli.run_log import start_log
from mlrisk.cli.signals import Stopped, received_signal, report_and_exit, stoppable
from mlrisk.version import __version__

# Errors of a disk that refuses a file: they are no faults of the program, so users see no traceback.
REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# Options of the program as a whole, which may also stand after a command.
EVERYWHERE = ("--verbose", "--quiet", "-v", "-q")
JSON = "--json"


class Program(TyperGroup):
    """The commands, which accept the options of EVERYWHERE before or after their names."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Move the options that hold everywhere to the front; arguments after `--` stay in place."""
        end = args.index("--") if "--" in args else len(args)
        front = [word for word in args[:end] if word in EVERYWHERE]
        rest = [word for word in args[:end] if word not in EVERYWHERE]
        if JSON in rest and not self._has_json_of_its_own(ctx, rest):
            place = rest.index(JSON)
            front, rest = [*front, *rest[place : place + 2]], rest[:place] + rest[place + 2 :]
        return super().parse_args(ctx, [*front, *rest, *args[end:]])

    def _has_json_of_its_own(self, ctx: typer.Context, words: list[str]) -> bool:
        """Whether the command that the words name writes a report of its own as JSON."""
        found = next((self.get_command(ctx, word) for word in words if word in self.commands), None)
        return found is not None and any(JSON in param.opts for param in found.params)


app = typer.Typer(
    name="mlrisk",
    cls=Program,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich help takes twice the 0.4 s that `--help` may take
    help="Ranks land for mine survey. It orders survey work; it never cancels, reduces or releases land.",
)


def main() -> None:
    """Run the command line; every error ends with its exit code and one sentence with a remedy."""
    from features.base import MlriskError, write_obstacle

    try:
        with stoppable():
            app()
    except Stopped as asked:
        report_and_exit(asked)
    except MlriskError as error:
        sys.stderr.write(f"mlrisk: {error}\n")
        sys.exit(error.exit_code)
    except MemoryError:
        sys.stderr.write("mlrisk: there is not enough memory: end other programs, or give larger cells\n")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 the last line of defence; the trace is what a report of it needs
        if (stopped := received_signal()) is not None:
            report_and_exit(stopped)
        if isinstance(error, OSError) and error.errno in REFUSALS:
            sys.stderr.write(f"mlrisk: {error.filename or 'a file'} cannot be written: {write_obstacle(error)}\n")
            sys.exit(1)
        traceback.print_exc()
        sys.stderr.write(f"mlrisk: unexpected {type(error).__name__}: {error}\n")
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mlrisk {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 its callback prints
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="log every step in detail; also after the command")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="show results and warnings alone; also after it")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option(JSON, metavar="FILE", help="also write what is printed as JSON; also after it")
    ] = None,
) -> None:
    if verbose and quiet:
        raise typer.BadParameter("--verbose and --quiet exclude each other: give one of them")
    context.call_on_close(start_log(verbose=verbose, quiet=quiet).stop)
    if json_file is not None:
        prepare(json_file)
        context.call_on_close(partial(write_printed, json_file))
