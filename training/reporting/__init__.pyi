from .html import items, number, page, table, text
from .recording import Findings, record, run_report
from .report import json_text
from .sections import answer_table, error_picture, missed_html, rate_picture
from .tables import optimism_gap

__all__ = [
    "Findings",
    "answer_table",
    "error_picture",
    "items",
    "json_text",
    "missed_html",
    "number",
    "optimism_gap",
    "page",
    "rate_picture",
    "record",
    "run_report",
    "table",
    "text",
]
