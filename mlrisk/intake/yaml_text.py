"""A proposal as a commented YAML config."""

from textwrap import wrap
from typing import Any

import yaml

from features.sources import LABEL_SOURCES
from mlrisk.intake.finding import Proposal

WIDTH = 118


def config_text(proposal: Proposal) -> str:
    """The config: the doubts first, then each source below a comment that says how it was recognised."""
    lines = ["# Proposed by `mlrisk init`: a first config, to be read and corrected. Then: mlrisk check, mlrisk run."]
    lines += _listed("Unsure: decide each of these", proposal.doubts)
    lines += _listed(
        "Recognised and not used",
        [f"{one.look.name}: {one.what} ({one.source or 'none'}): {why}" for one, why in proposal.alternatives],
    )
    lines += _listed("Not understood", [f"{one.path}: {one.reason}" for one in proposal.unread])
    lines += [f"name: {_flow(proposal.name)}", f"as_of: {proposal.as_of}", "grid:"]
    lines += [f"  {key}: {_flow(value)}" for key, value in proposal.grid.items()]
    lines += ["sources:"] if proposal.sources else ["sources: {}"]
    for source, specs in proposal.sources.items():
        lines += _source(source, specs, proposal)
    if not LABEL_SOURCES.intersection(proposal.sources):
        lines += [
            "# No file says where ordnance was found or what was searched: rules of the field rank, none is learned.",
            "# Take this out when there are finds, accidents, hazard areas, land release or survey results.",
            "ranking: {policy: prior}",
        ]
    lines += [
        "# What counts as found and as searched; these are the values that hold if they are left out.",
        "# contamination:",
        "#   labels:",
        "#     found: [find, accident, CHA, survey_found, cleared_with_devices]",
        "#     searched: [cleared, reduced, cancelled, survey_searched]",
        "#     # Land that was surveyed as a whole although no record says so, in degrees:",
        "#     declared_searched: [{bounds: [west, south, east, north], weight: 1.0, reason: who surveyed it and how}]",
        f"output: {{folder: outputs/{proposal.name}}}",
    ]
    return "\n".join(lines) + "\n"


def _source(source: str, specs: list[dict[str, Any]], proposal: Proposal) -> list[str]:
    whats = dict.fromkeys(one.what for one in proposal.findings if one.source == source)
    lines = wrap("; ".join(whats), WIDTH, initial_indent="  # ", subsequent_indent="  # ")
    if source == "covariates":
        return [*lines, "  covariates:", *(f"    - {_flow(spec)}" for spec in specs)]
    spec = specs[0]
    if list(spec) == ["path"] and isinstance(spec["path"], str):
        return [*lines, f"  {source}: {_flow(spec['path'])}"]
    return [*lines, f"  {source}:", *(f"    {key}: {_flow(value)}" for key, value in spec.items())]


def _listed(title: str, texts: Any) -> list[str]:
    if not texts:
        return []
    lines = ["#", f"# {title}:"]
    for text in texts:
        plain = " ".join(str(text).split())
        lines += wrap(plain, WIDTH, initial_indent="# - ", subsequent_indent="#   ")
    return lines


def _flow(value: Any) -> str:
    """A value on one line, quoted if YAML would otherwise misread it."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"), sort_keys=False)
    return str(text).removesuffix("\n").removesuffix("\n...")
