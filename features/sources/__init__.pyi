from .columns import take_canonical
from .coordinates import Home
from .digests import digest_files, parts_of
from .opening import KEEP_AROUND_M, Sources, open_area, open_sources
from .quality import same_day_and_place
from .readers import find_file
from .report import SourceReport, Tally, report_rows
from .schema import COLUMN_TEXTS, DATE, POINT, POLYGON, SCHEMAS, SHARE, TEXT, VOCABULARIES, Schema
from .settings import SourceSpec, SourcesSettings
from .vectors import read_vector

__all__ = [
    "COLUMN_TEXTS",
    "DATE",
    "KEEP_AROUND_M",
    "POINT",
    "POLYGON",
    "SCHEMAS",
    "SHARE",
    "TEXT",
    "VOCABULARIES",
    "Home",
    "Schema",
    "SourceReport",
    "SourceSpec",
    "Sources",
    "SourcesSettings",
    "Tally",
    "digest_files",
    "find_file",
    "open_area",
    "open_sources",
    "parts_of",
    "read_vector",
    "report_rows",
    "same_day_and_place",
    "take_canonical",
]
