"""Strict YAML: keys stay as they are written, no key is given twice, and every error names its line."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from features.base.errors import ConfigError
from features.base.regular_files import read_bytes

# A configuration of a country has some hundred lines; a larger file is not one.
MOST_BYTES = 4_000_000
# References to anchors multiply the size of the tree in memory.
MOST_NODES = 200_000
# By a part of the message of the library.
REMEDIES = {
    "unknown escape character": ": in double quotes a backslash begins a code, write / or single quotes",
    "character '\\t'": ": indent with blanks, not with tabs",
    "another document": ": a config is one document, delete the line ---",
    "mapping values are not allowed": ": a text with ': ' needs quotes, or the line is indented wrongly",
    "unacceptable character": ": the file is no text, or holds a control character",
}
QUOTE_IT = "put it in quotes"


class _Loader(yaml.SafeLoader):
    """The safe loader, which refuses values that YAML 1.1 would change."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = True) -> dict[Hashable, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name = _key(key)
            if name in lines and key.tag != "tag:yaml.org,2002:merge":
                raise _complaint(
                    key, f"{name!r} is given twice, in lines {lines[name]} and {_line(key)}: the first would be lost, "
                    "join them"
                )  # fmt: skip
            lines.setdefault(name, _line(key))
        self.flatten_mapping(node)
        # Codes are keys: `010`, `yes` and `1_00` stay texts and do not become 8, true and 100. If a merge (<<) and the
        # mapping itself give the same key, that of the mapping comes last and counts.
        return {_key(key): self.construct_object(value, deep=deep) for key, value in node.value}

    def construct_yaml_map(self, node: yaml.MappingNode) -> Any:
        return self.construct_mapping(node)

    def construct_whole(self, node: yaml.ScalarNode) -> Any:
        text = self.construct_scalar(node).replace("_", "")
        digits = text.lstrip("+-")
        if ":" in digits or (len(digits) > 1 and digits.startswith("0")):
            raise _complaint(
                node, f"{node.value} is another number in YAML (octal, hexadecimal or base 60): {QUOTE_IT}"
            )
        try:
            return int(text)
        except ValueError as error:
            raise _complaint(node, f"{node.value[:20]}... is no number that can be used") from error

    def construct_decimal(self, node: yaml.ScalarNode) -> Any:
        if ":" in node.value:
            raise _complaint(node, f"{node.value} is a number of base 60 in YAML: {QUOTE_IT}")
        return self.construct_yaml_float(node)

    def construct_day(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:
            raise _complaint(node, f"{node.value} is no date: {error}") from error


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_yaml_map)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_decimal)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_day)


def read_yaml(file: Path, what: str) -> Any:
    """The tree of a YAML file; keys of mappings are always text, as written.

    `what` names the file's part in messages, such as 'config'. Raises ConfigError for a file that cannot be read, that
    is no UTF-8 or no YAML, that gives a key twice, or writes a number that YAML would change.
    """
    try:
        content = read_bytes(file, MOST_BYTES)
    except OSError as error:
        raise ConfigError(f"{what} ({file}) cannot be read: {error.strerror or error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        encoding = "UTF-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "another encoding"
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{what} ({file}) is in {encoding} (line {line}): save it as UTF-8") from error
    return parse_yaml(text, f"{what} ({file})")


def parse_yaml(text: str, name: str) -> Any:
    """The tree of a YAML text by the same rules; `name` begins every message.

    >>> parse_yaml("{010: found, yes: 1e3}", "values")
    {'010': 'found', 'yes': '1e3'}
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count(node, name)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ConfigError(f"{name} is not valid YAML: {_shown(error)}") from error
    except RecursionError as error:
        raise ConfigError(f"{name} is nested too deep to be a config: check its brackets and indentation") from error


def _count(root: yaml.Node, name: str) -> None:
    """Refuse a tree whose references make it too large, or that contains itself."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        if id(node) in open_nodes:
            raise _complaint(node, "a part refers to itself")
        if id(node) not in sizes:
            open_nodes.add(id(node))
            children = node.value if isinstance(node, yaml.SequenceNode | yaml.MappingNode) else []
            parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
            sizes[id(node)] = 1 + sum(map(size, parts))
            open_nodes.discard(id(node))
        return sizes[id(node)]

    if size(root) > MOST_NODES:
        raise ConfigError(f"{name} refers to its own parts so often that it has more than {MOST_NODES:,} values")


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _complaint(node, "a key must be a word or a number, not a list or a mapping")
    return str(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _complaint(node: yaml.Node, text: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, text, node.start_mark)


def _shown(error: yaml.YAMLError) -> str:
    """The error as one line: the line number in the file and the fault."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).replace("\n", " ")
    where = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    remedy = next((text for sign, text in REMEDIES.items() if sign in str(problem)), "")
    return f"{where}{problem}{remedy}"
