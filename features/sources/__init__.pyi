from .archives import zip_members
from .columns import take_canonical
from .coordinates import Home
from .crosswalk import SourceTerms, read_terms
from .dates import parse_dates
from .digests import digest_files, parts_of
from .kinds import MAP_SUFFIXES, describe, is_raster, kind_of
from .opening import KEEP_AROUND_M, LABEL_SOURCES, Sources, open_area, open_sources
from .precision import precision_m
from .publications import Publication, publication_of
from .quality import same_day_and_place
from .raw_table import RawTable
from .readers import find_file, find_files, read_rows
from .report import SourceReport, Tally, report_rows
from .schema import COLUMN_TEXTS, DATE, POINT, POLYGON, ROAD_CLASSES, SCHEMAS, SHARE, TEXT, VOCABULARIES, Schema
from .settings import SourceSpec, SourcesSettings
from .sheets import filled_sheets
from .vectors import read_vector

__all__ = [
    "COLUMN_TEXTS",
    "DATE",
    "KEEP_AROUND_M",
    "LABEL_SOURCES",
    "MAP_SUFFIXES",
    "POINT",
    "POLYGON",
    "ROAD_CLASSES",
    "SCHEMAS",
    "SHARE",
    "TEXT",
    "VOCABULARIES",
    "Home",
    "Publication",
    "RawTable",
    "Schema",
    "SourceReport",
    "SourceSpec",
    "SourceTerms",
    "Sources",
    "SourcesSettings",
    "Tally",
    "describe",
    "digest_files",
    "filled_sheets",
    "find_file",
    "find_files",
    "is_raster",
    "kind_of",
    "open_area",
    "open_sources",
    "parse_dates",
    "parts_of",
    "precision_m",
    "publication_of",
    "read_rows",
    "read_terms",
    "read_vector",
    "report_rows",
    "same_day_and_place",
    "take_canonical",
    "zip_members",
]
