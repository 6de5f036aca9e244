from .figures import land_map, png_of
from .html import Picture, Section, items, lead, number, page, section, table, text
from .json_values import json_rows, json_text
from .ranking_words import RANKING_WORDS, ranking_words
from .recording import Findings, record, run_report
from .report import Report
from .sections import answer_table, error_picture, missed_list, rate_picture
from .tables import optimism_gap

__all__ = [
    "RANKING_WORDS",
    "Findings",
    "Picture",
    "Report",
    "Section",
    "answer_table",
    "error_picture",
    "items",
    "json_rows",
    "json_text",
    "land_map",
    "lead",
    "missed_list",
    "number",
    "optimism_gap",
    "page",
    "png_of",
    "ranking_words",
    "rate_picture",
    "record",
    "run_report",
    "section",
    "table",
    "text",
]
