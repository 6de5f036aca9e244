"""Forged exports: each changes one thing of a real one and corrects the digest."""

import json
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from training.settings import digest_of

Files = dict[str, bytes]
Change = Callable[[Files], None]


def written(files: Files, path: Path, raw: Change | None = None) -> Path:
    """An archive of the files; `raw` may change its bytes after that."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    if raw:
        data = {"zip": path.read_bytes()}
        raw(data)
        path.write_bytes(data["zip"])
    return path


def digested(files: Files) -> Files:
    """The files with their present digest in the card, as an attacker would leave them."""
    texts = {name.removeprefix("model/"): data for name, data in files.items() if name.startswith("model/")}
    try:
        digest = digest_of({name: data.decode() for name, data in texts.items()})
        card = json.loads(files["version.json"])
        card["digest"] = card["tags"]["digest"] = digest
    except (ValueError, KeyError, TypeError, RecursionError):
        return files
    return {**files, "version.json": json.dumps(card).encode()}


def card(**fields: object) -> Change:
    def change(files: Files) -> None:
        files["version.json"] = json.dumps(json.loads(files["version.json"]) | fields).encode()

    return change


def tag(**fields: object) -> Change:
    def change(files: Files) -> None:
        whole = json.loads(files["version.json"])
        files["version.json"] = json.dumps({**whole, "tags": whole["tags"] | fields}).encode()

    return change


def field(name: str, **fields: object) -> Change:
    """A JSON file of the model with other fields; a function is given the old value."""

    def change(files: Files) -> None:
        whole = json.loads(files[f"model/{name}"])
        new = {key: value(whole[key]) if callable(value) else value for key, value in fields.items()}
        files[f"model/{name}"] = json.dumps(whole | new).encode()

    return change


def content(name: str, data: bytes) -> Change:
    return lambda files: files.update({name: data})


def without(name: str) -> Change:
    return lambda files: files.pop(name) and None


def line(key: str, value: str | Callable[[str], str], name: str = "booster.txt", tree: int = 0) -> Change:
    """A booster in which one line of one tree (or of the head, tree -1) says something else; sizes are made to fit."""

    def change(files: Files) -> None:
        text = files[f"model/{name}"].decode()
        parts = re.split(r"(?m)^(?=Tree=)", text)
        part = parts[tree + 1]
        new = re.sub(
            rf"(?m)^{key}=(.*)$",
            lambda found: f"{key}={value(found[1]) if callable(value) else value}",
            part,
            count=1,
        )
        assert new != part, key
        parts[tree + 1] = new
        last, end = parts[-1].split("end of trees", 1)
        if tree >= 0:
            sizes = " ".join(str(len(one.encode())) for one in [*parts[1:-1], last])
            parts[0] = re.sub(r"(?m)^tree_sizes=.*$", f"tree_sizes={sizes}", parts[0])
        files[f"model/{name}"] = "".join([*parts[:-1], last, "end of trees", end]).encode()

    return change


def first(new: str) -> Callable[[str], str]:
    """A list whose first value is another."""
    return lambda old: " ".join([new, *old.split(" ")[1:]])


def bomb(files: Files) -> None:
    files["run/big.txt"] = b"0" * (300 << 20)


def cut(data: Files) -> None:
    data["zip"] = data["zip"][: len(data["zip"]) // 2]


def lie_about_size(data: Files) -> None:
    """The first entry of the directory promises a byte less than there is."""
    start = data["zip"].index(b"PK\x01\x02")
    size = struct.unpack("<I", data["zip"][start + 24 : start + 28])[0]
    data["zip"] = data["zip"][: start + 24] + struct.pack("<I", size - 1) + data["zip"][start + 28 :]


def encrypted(data: Files) -> None:
    start = data["zip"].index(b"PK\x01\x02")
    data["zip"] = data["zip"][: start + 8] + b"\x01\x00" + data["zip"][start + 10 :]


def long_line(sign: str, most: int) -> bytes:
    return (sign * most).encode()


NAME = "small.contamination"
# Each attack, with a word of the reason for which it must be refused.
CASES: dict[str, tuple[Change, str]] = {
    # Where files would go.
    "name is an absolute path": (card(name="small./var/mlrisk-out"), "name"),
    "name climbs": (card(name="small.../../out"), "name"),
    "name without a target": (card(name="small"), "name"),
    "name of another target": (card(name="small.everything"), "name"),
    "name with a line": (card(name="small\n.contamination"), "name"),
    "name with an escape": (card(name="small\x1b[2J.contamination"), "name"),
    "name with a quote": (card(name="small' OR '1'='1.contamination"), "name"),
    "name is a list": (card(name=["small.contamination"]), "name"),
    "number is a path": (card(number="../3"), "number"),
    "number is none": (card(number="0"), "number"),
    "entry climbs": (content("model/../../out.txt", b"x"), "no file of a version"),
    "entry is absolute": (content("/var/mlrisk-out.txt", b"x"), "no file of a version"),
    "entry of Windows": (content("model\\..\\out.txt", b"x"), "no file of a version"),
    "entry on a drive": (content("C:/out.txt", b"x"), "no file of a version"),
    "entry with a line": (content("run/a\nb.txt", b"x"), "no file of a version"),
    "entry of code": (content("code/mlrisk_scores.py", b"import os"), "no file of a version"),
    "entry of a pickle": (content("model/model.pkl", b"cos\nsystem\n"), "no file of a version"),
    "entry of MLflow": (content("model/MLmodel", b"loader_module: os"), "no file of a version"),
    "entry too deep": (content("model/a/b.txt", b"x"), "no file of a version"),
    "a stranger's file": (content("model/extra.json", b"{}"), "no file of a contamination model"),
    # What a card says.
    "card is no JSON": (content("version.json", b"{"), "no exported version"),
    "card is a list": (content("version.json", b"[]"), "no exported version"),
    "card is deep": (content("version.json", b"[" * 100_000), "no exported version"),
    "card is binary": (content("version.json", b"\xff\xfe\x00"), "UTF-8"),
    "card is missing": (without("version.json"), "no version.json"),
    "card has more": (card(loader="os.system"), "loader"),
    "another format": (card(format=2), "format"),
    "digest is no digest": (card(digest="0"), "digest"),
    "tag with control characters": (tag(note="a\x00b\x07"), "control characters"),
    "tag of MLflow": (tag(**{"mlflow.user": "root"}), "none of ours"),
    "tag too long": (tag(note="x" * 10_000), "at most"),
    "tag is no text": (tag(as_of=20240731), "as_of"),
    "as_of is no day": (tag(as_of="tomorrow"), "as_of"),
    "unit is no number": (tag(unit_m="1e999"), "unit_m"),
    "figure is a path": (card(metrics={"../x": 1.0}), "figure"),
    "figure is a text": (card(metrics={"x": "1"}), "metrics"),
    # What an archive may do.
    "unpacks to 300 MB": (bomb, "more than"),
    "a report with a script": (content("run/report.html", b"<p>a</p><script>x()</script>"), "<script>"),
    "a report with a handler": (content("run/report.html", b'<img src="#" onerror="x()">'), "onerror"),
    "a report that fetches": (content("run/report.html", b'<img src="http://example.invalid/a">'), "src"),
    # What LightGBM would not survive.
    "booster is empty": (content("model/booster.txt", b""), "no text of a LightGBM booster"),
    "booster is cut": (
        lambda files: files.update({"model/booster.txt": files["model/booster.txt"][:1_500]}),
        "booster.txt",
    ),
    "booster is random": (content("model/booster.txt", bytes(range(32, 120)) * 40), "no text of a LightGBM booster"),
    "a tree with a circle": (line("left_child", first("0")), "circle"),
    "a leaf on two places": (line("right_child", lambda old: " ".join(["-1"] * len(old.split(" ")))), "two places"),
    "a child out of range": (line("left_child", first("2000000000")), "out of range"),
    "a leaf out of range": (line("right_child", first("-2000000000")), "out of range"),
    "a feature out of range": (line("split_feature", first("99999")), "split_feature"),
    "a feature below none": (line("split_feature", first("-1")), "split_feature"),
    "a leaf that is nan": (line("leaf_value", first("nan")), "leaf_value"),
    "a leaf that is inf": (line("leaf_value", first("1e999")), "leaf_value"),
    "leaves left out": (line("leaf_value", lambda old: old.rsplit(" ", 1)[0]), "leaf_value"),
    "more leaves than there are": (line("num_leaves", "2147483647"), "num_leaves"),
    "fewer leaves than none": (line("num_leaves", "-1"), "num_leaves"),
    "a split by category": (line("num_cat", "1"), "category"),
    "a decision of no kind": (line("decision_type", first("255")), "decision_type"),
    "a tree of LightGBM's linear kind": (line("is_linear", "1"), "linear"),
    "sizes that lie": (line("tree_sizes", first("1000000000"), tree=-1), "tree_sizes"),
    "many classes": (line("num_class", "1000000000", tree=-1), "num_class"),
    "features by other names": (line("feature_names", first("evil"), tree=-1), "feature_names"),
    "a member with a circle": (line("left_child", first("0"), name="member_01.txt"), "member_01.txt"),
    # Faults that would otherwise only appear while teams are waiting for the map.
    "domain of another width": (field("domain.json", mean=[0.0]), "domain.json"),
    "domain without a scale": (field("domain.json", scale=lambda old: [0.0] * len(old)), "domain.json"),
    "domain with more": (field("domain.json", extra=[1.0]), "extra"),
    "calibration that falls": (field("calibration.json", probability=lambda old: old[::-1]), "never fall"),
    "calibration of no order": (field("calibration.json", score=lambda old: old[::-1]), "rise"),
    "calibration beyond 1": (field("calibration.json", probability=lambda old: [*old[:-1], 2.0]), "probability"),
    "features twice": (content("model/features.json", b'["a", "a"]'), "twice"),
    "features that are tags": (content("model/features.json", b'["<script>"]'), "features.json"),
    "a million members": (field("blend.json", members=1_000_000), "members"),
    "share beyond 1": (field("blend.json", linear_share=7.0), "linear_share"),
    "interval upside down": (field("venn_abers.json", low=lambda old: [1.0] * len(old)), "low lies above high"),
    "a ratio over the whole earth": (
        content(
            "model/local_ratio.json",
            b'{"cell_size_m": 500.0, "width_cells": 2.0, "prior": 1.0, "column": [0, 2000000000], '
            b'"row": [0, 2000000000], "found": [0.0, 1.0], "expected": [0.0, 1.0]}',
        ),
        "further apart",
    ),
    "a level of nothing": (field("level.json", factor=0.0), "level.json"),
    "regression of other features": (field("booster_linear.json", features=["evil"]), "booster_linear.json"),
    "leaves that add up beyond all": (
        line("leaf_value", lambda old: " ".join(["1e308"] * len(old.split(" ")))),
        "leaf_value",
    ),
}
RAW: dict[str, tuple[Change, str]] = {
    "archive is cut": (cut, "no folder and no .zip"),
    "archive lies about a size": (lie_about_size, "cannot be read"),
    "archive is encrypted": (encrypted, "cannot be read"),
}
