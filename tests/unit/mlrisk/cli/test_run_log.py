"""What a command writes to standard error: steps and records, as lines or beside a bar."""

import io
import json
import logging

import pytest
from typer.testing import CliRunner

from mlrisk.cli import app
from mlrisk.cli.run_log import RunLog, current_log

LOGGER = logging.getLogger("training.somewhere")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_log_stays():
    yield
    for package in ("features", "models", "training", "mlrisk"):
        logger = logging.getLogger(package)
        logger.handlers[:] = [handler for handler in logger.handlers if not isinstance(handler, RunLog)]
        logger.setLevel(logging.NOTSET)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def run(stream: io.StringIO, **how: bool) -> RunLog:
    log = RunLog(stream, **how)
    log.install()
    log("features")
    LOGGER.debug("tile", extra={"done": 3, "total": 9})
    LOGGER.info("12 folds of land")
    LOGGER.warning("a source is empty")
    logging.getLogger("matplotlib.font_manager").warning("of another library")
    log("done")
    return log


def test_a_script_reads_steps_and_warnings_as_json_lines():
    stream = io.StringIO()
    run(stream)
    read = lines(stream)
    assert [line.get("step") or line["message"] for line in read] == ["features", "a source is empty", "done"]
    assert set(read[0]) == {"seconds", "step"}
    assert read[1]["level"] == "warning"
    assert read[1]["logger"] == "training.somewhere"


def test_verbose_adds_what_libraries_log():
    stream = io.StringIO()
    run(stream, verbose=True)
    assert [line["message"] for line in lines(stream) if "message" in line] == ["12 folds of land", "a source is empty"]


def test_quiet_leaves_warnings_alone():
    stream = io.StringIO()
    run(stream, quiet=True)
    assert [line["message"] for line in lines(stream)] == ["a source is empty"]


def test_a_terminal_has_a_bar_that_tiles_move():
    stream = Terminal()
    log = RunLog(stream)
    log.install()
    log("features")
    LOGGER.debug("tile", extra={"done": 3, "total": 9})
    assert log.bar is not None
    assert (log.bar.tasks[0].description, log.bar.tasks[0].completed, log.bar.tasks[0].total) == ("features", 3, 9)
    log("validation")
    LOGGER.info("not shown")
    LOGGER.warning("shown [in] full")
    assert [task.description for task in log.bar.tasks] == ["validation"]
    log("done")
    assert log.bar is None
    assert "s  features" in stream.getvalue()
    assert "warning: shown [in] full" in stream.getvalue()
    assert "not shown" not in stream.getvalue()


def test_a_second_command_of_a_process_logs_once():
    first, second = io.StringIO(), io.StringIO()
    run(first)
    before = first.getvalue()
    run(second)
    assert first.getvalue() == before
    assert len([line for line in lines(second) if "message" in line]) == 1


@pytest.mark.parametrize("arguments", [["--quiet", "check", "{}"], ["check", "{}", "--quiet"]])
def test_the_options_stand_before_or_after_the_command(arguments, tmp_path):
    missing = str(tmp_path / "none.yaml")
    result = CliRunner().invoke(app, [word.format(missing) for word in arguments])
    # The command ran with a quiet log; only the config is missing.
    assert "none.yaml" in str(result.exception)
    assert current_log().quiet


def test_verbose_reaches_the_commands_of_models(tmp_path):
    result = CliRunner().invoke(app, ["models", "list", str(tmp_path / "none.yaml"), "--verbose"])
    assert "none.yaml" in str(result.exception)
    assert current_log().verbose


def test_verbose_and_quiet_exclude_each_other():
    result = CliRunner().invoke(app, ["check", "none.yaml", "--verbose", "--quiet"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output
