"""A self-contained HTML page of sections: tables, pictures and texts; every text is escaped, nothing is fetched."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isfinite

STYLE = """
:root { --ink: #1f2430; --soft: #675f54; --line: #ddd7cb; --paper: #f4f1ea; --card: #fff; --alarm: #7a1022; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 900px; padding: 0 14px 32px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100%; }
h1 { margin: 20px 0 2px; font-size: 26px; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 8px; font-size: 19px; line-height: 1.25; }
h3 { margin: 16px 0 4px; font-size: 16px; }
p { margin: 0 0 10px; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: 14px; }
.notice { margin: 12px 0; padding: 10px 14px; border-left: 5px solid var(--alarm); background: #fbe9e4;
  color: #4d0915; }
section { margin-top: 14px; padding: 16px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.scroll { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 14px; min-width: 100%; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; border-bottom-color: var(--ink); }
td.num, th.num { text-align: right; font-variant-numeric: tabular-nums; }
td.num { white-space: nowrap; }
th.num { min-width: 4.2em; vertical-align: bottom; }
td:first-child { min-width: 7em; }
td { overflow-wrap: break-word; }
td:not(.num) { min-width: 5.5em; }
tr.ours td { font-weight: 600; background: #eef2fa; }
small { display: block; color: var(--soft); font-weight: normal; max-width: 14em; }
figure { margin: 10px 0 4px; }
img { display: block; width: 100%; max-width: 720px; height: auto; margin: 0 auto; }
figcaption { margin-top: 6px; color: var(--soft); font-size: 14px; }
li { margin-bottom: 4px; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px; margin: 0; }
@media (max-width: 520px) {
  section { padding: 14px 12px; }
  table { font-size: 13px; }
  th, td { padding-right: 9px; }
}
.big { font-size: 30px; font-weight: 650; line-height: 1.1; font-variant-numeric: tabular-nums; }
""".strip()
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
# A longer list is no reading matter on a page; the JSON beside it holds every row.
MOST_ROWS = 60


def page(title: str, lead: Iterable[str], notice: str, sections: Sequence[tuple[str, str]]) -> str:
    """The page; `lead` are sentences under the title, `sections` a heading and its HTML each."""
    body = "\n".join(f"<section>\n<h2>{escape(heading)}</h2>\n{html}\n</section>" for heading, html in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{"".join(f'<p class="soft">{escape(line)}</p>' for line in lead)}
<p class="notice">{escape(notice)}</p>
{body}
</body>
</html>
"""


def text(*paragraphs: str, soft: bool = False) -> str:
    """Paragraphs of plain text."""
    kind = ' class="soft"' if soft else ""
    return "".join(f"<p{kind}>{escape(paragraph)}</p>" for paragraph in paragraphs)


def heading(words: str) -> str:
    """A heading inside a section."""
    return f"<h3>{escape(words)}</h3>"


def big(figure: str, words: str) -> str:
    """One number that must not be overlooked, and what it is."""
    return f'<p><span class="big">{escape(figure)}</span><br>{escape(words)}</p>'


def items(lines: Iterable[str]) -> str:
    """A list of lines."""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def preformatted(content: str) -> str:
    """Text in the lines it has."""
    return f"<pre>{escape(content)}</pre>"


def picture(png: bytes, caption: str) -> str:
    """A PNG inside the page, with its caption, which is the text for those who cannot see it too."""
    data = base64.b64encode(png).decode()
    said = escape(caption)
    return f'<figure><img alt="{said}" src="data:image/png;base64,{data}"><figcaption>{said}</figcaption></figure>'


def table(header: Sequence[str], rows: Sequence[Sequence[str]], ours: Iterable[int] = (), texts: int = 1) -> str:
    """A table that scrolls by itself; the first `texts` columns are words, the others numbers.

    A line break in a cell sets what follows small; rows numbered in `ours` stand out. No more than MOST_ROWS rows.
    """
    marked = set(ours)
    head = "".join(f"<th{_kind(number, texts)}>{escape(name)}</th>" for number, name in enumerate(header))
    body = "".join(
        ('<tr class="ours">' if place in marked else "<tr>")
        + "".join(f"<td{_kind(number, texts)}>{_cell(value)}</td>" for number, value in enumerate(row))
        + "</tr>\n"
        for place, row in enumerate(rows[:MOST_ROWS])
    )
    more = f"{len(rows) - MOST_ROWS:,} more rows are in the JSON file." if len(rows) > MOST_ROWS else ""
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'
        + (text(more, soft=True) if more else "")
    )  # fmt: skip


def number(value: object, digits: int = 2) -> str:
    """A figure in words for the page: its digits, or what stands for one that was not measured."""
    if not isinstance(value, int | float) or not isfinite(value):
        return "not measured"
    return f"{value:,.{digits}f}"


def with_bounds(row: Mapping[str, object], name: str, digits: int = 2) -> str:
    """A figure and, on a line of its own, its 90 % interval."""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if not isinstance(low, float) or not isinstance(high, float) or not (isfinite(low) and isfinite(high)):
        return f"{number(row.get(name), digits)}\nno interval"
    return f"{number(row.get(name), digits)}\n{low:.{digits}f} to {high:.{digits}f}"


def _cell(value: str) -> str:
    first, _, rest = value.partition("\n")
    return escape(first) + (f"<small>{escape(rest)}</small>" if rest else "")


def _kind(number: int, texts: int) -> str:
    return "" if number < texts else ' class="num"'
