"""Notification of a decision: a JSON file that a webhook can send unchanged, or a command that receives it."""

import json
import subprocess
from typing import Any

from training.registry.aliases import now_text
from training.retraining.decision import UNCHANGED, Decision
from training.settings import TrainConfig, code_version

MOST_S = 60


def notify(config: TrainConfig, decision: Decision, next_step: str) -> tuple[str, ...]:
    """Write and send a decision as `retraining.notify` asks; returns a note if that failed, and never raises for it.

    A run in which nothing changed notifies nobody.
    """
    wanted = config.retraining.notify
    if decision.kind == UNCHANGED or not (wanted.file or wanted.command):
        return ()
    text = json.dumps(message(config, decision, next_step), ensure_ascii=False, indent=1, default=str)
    failed = []
    if wanted.file:
        path = config.home_folder / wanted.file
        beside = path.with_name(f".{path.name}.part")
        try:
            beside.write_text(text + "\n", encoding="utf-8")
            beside.replace(path)
        except OSError as error:
            failed.append(f"retraining.notify.file ({path}) cannot be written: {error.strerror or error}")
    if wanted.command:
        try:
            done = subprocess.run(  # noqa: S603 the operator's own command from the config, without a shell
                wanted.command, input=text, text=True, capture_output=True, timeout=MOST_S, check=False,
                cwd=config.home_folder,
            )  # fmt: skip
            if done.returncode:
                last_line = done.stderr.strip().splitlines()[-1:] or [""]
                failed.append(f"retraining.notify.command ended with {done.returncode}: {last_line[0]}")
        except (OSError, subprocess.TimeoutExpired) as error:
            failed.append(f"retraining.notify.command failed: {error}")
    return tuple(failed)


def message(config: TrainConfig, decision: Decision, next_step: str) -> dict[str, Any]:
    """The message as plain values; chat webhooks show only `text`."""
    reasons = list(decision.reasons)
    return {
        "text": " ".join([f"{config.name}: {decision.kind}, version {decision.champion} ranks.", *reasons, next_step]),
        "country": config.name,
        "as_of": str(config.as_of),
        "at": now_text(),
        "decision": decision.kind,
        "champion": decision.champion,
        "champion_before": decision.before,
        "challenger": decision.challenger,
        "reasons": reasons,
        "quarantine": list(decision.quarantine),
        "not_tested": [check.name for check in decision.checks if not check.judged],
        "next_step": next_step,
        "code": code_version(),
    }
