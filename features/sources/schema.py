"""The sources that mlrisk knows: the kinds of geometry of each, and the columns that are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

POINT, LINE, POLYGON = "point", "line", "polygon"
ANY = (POINT, LINE, POLYGON)

# Types of canonical columns: `text`, `number`, `casualties` (a number below 0 sets the record aside), `length`
# (below 0 is missing), `share` (outside 0..1 is missing), `flag` (missing is False, as OSM tags bridges), `date`.
TEXT, NUMBER, CASUALTIES, LENGTH, SHARE, FLAG, DATE = (
    "text",
    "number",
    "casualties",
    "length",
    "share",
    "flag",
    "date",
)


@dataclass(frozen=True)
class Schema:
    """The content of one source: kinds of geometry and canonical columns with their types.

    `required` columns must be in the file or be mapped. `always_dated` sources always have `date`.
    """

    geometry: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    always_dated: bool = False


SCHEMAS: dict[str, Schema] = {
    "front_lines": Schema((LINE,), {"held_from": DATE, "held_to": DATE, "kind": TEXT, "front_side": TEXT}),
    "control_areas": Schema(
        (POLYGON,), {"holder": TEXT, "held_from": DATE, "recorded_date": DATE}, required=("holder",)
    ),
    "control_points": Schema((POINT,), {"holder": TEXT, "date": DATE, "recorded_date": DATE}, required=("holder",)),
    "roads": Schema((LINE,), {"road_class": TEXT, "bridge": FLAG}),
    "incidents": Schema(
        (POINT,),
        {
            "record_id": TEXT,
            "date": DATE,
            "year": DATE,
            "killed": CASUALTIES,
            "injured": CASUALTIES,
            "activity": TEXT,
            "device_category": TEXT,
            "accident_class": TEXT,
            "location_error_m": LENGTH,
            "recorded_date": DATE,
        },
        always_dated=True,
    ),
    "conflict_events": Schema(
        (POINT,),
        {
            "date": DATE,
            "year": DATE,
            "fatalities": CASUALTIES,
            "event_type": TEXT,
            "location_error_m": LENGTH,
            "recorded_date": DATE,
        },
        always_dated=True,
    ),
    "hazard_areas": Schema(
        (POLYGON, POINT),
        {
            "record_id": TEXT,
            "hazard_type": TEXT,
            "hazard_status": TEXT,
            "status_date": DATE,
            "device_category": TEXT,
            "record_date": DATE,
            "record_trust": SHARE,
            "recorded_date": DATE,
        },
    ),
    "minefield_records": Schema(
        (POLYGON, POINT),
        {
            "record_id": TEXT,
            "device_category": TEXT,
            "location_error_m": LENGTH,
            "record_date": DATE,
            "record_trust": SHARE,
            "recorded_date": DATE,
        },
    ),
    "land_release": Schema(
        (POLYGON,),
        {
            "record_id": TEXT,
            "release_type": TEXT,
            "start_date": DATE,
            "end_date": DATE,
            "method": TEXT,
            "clearance_depth_m": LENGTH,
            "ap_mines": NUMBER,
            "at_mines": NUMBER,
            "uxo": NUMBER,
            "recorded_date": DATE,
            "inclusion_prob": SHARE,
            "chosen_by": TEXT,
            "purpose": TEXT,
            "team": TEXT,
        },
    ),
    "finds": Schema(
        (POINT,),
        {
            "record_id": TEXT,
            "date": DATE,
            "year": DATE,
            "eo_category": TEXT,
            "eo_quantity": NUMBER,
            "recorded_date": DATE,
            "chosen_by": TEXT,
            "purpose": TEXT,
        },
    ),
    "settlements": Schema(
        (POINT, POLYGON), {"name": TEXT, "population": NUMBER, "planned_population": NUMBER, "place": TEXT}
    ),
    "land_use": Schema((POLYGON,), {"land_use": TEXT}),
    "rivers": Schema(ANY),
    "power_lines": Schema(ANY),
    "buildings": Schema(ANY),
    "districts": Schema((POLYGON, POINT), {"name": TEXT, "record_trust": SHARE}),
    "survey": Schema(
        (POINT, POLYGON),
        {
            "record_id": TEXT,
            "outcome": TEXT,
            "date": DATE,
            "year": DATE,
            "recorded_date": DATE,
            "inclusion_prob": SHARE,
            "chosen_by": TEXT,
            "purpose": TEXT,
            "method": TEXT,
            "team": TEXT,
            "effort": LENGTH,
        },
        required=("outcome",),
    ),
}

AREA = Schema((POLYGON, POINT))

# The meaning of each canonical column, for the reference and for messages.
COLUMN_TEXTS: dict[str, str] = {
    "accident_class": "whether the accident happened in demining work",
    "activity": "what the person did at the time; words of IMSMA and of several languages are understood",
    "ap_mines": "anti-personnel mines found in the area",
    "at_mines": "anti-vehicle mines found in the area",
    "bridge": "whether the road is carried by a bridge; empty is no",
    "chosen_by": "who chose the land that was surveyed",
    "clearance_depth_m": "depth to which the area was searched, metres",
    "date": "day of the event; from then on it may be known",
    "device_category": "category of the device, such as AP mine, AV mine, UXO",
    "effort": "effort of the survey in any unit that is the same for all records",
    "end_date": "day on which the work ended",
    "eo_category": "category of the ordnance that was found",
    "eo_quantity": "number of items; empty is not known",
    "event_type": "kind of the conflict event",
    "fatalities": "people killed in the event",
    "front_side": "side that the defence faced, seen along the direction of the line",
    "hazard_status": "status of the area (open, closed, suspended, released, handed over); counts from status_date",
    "hazard_type": "suspected (SHA) or confirmed (CHA) hazardous area",
    "held_from": "day from which the line or the land was held",
    "held_to": "day until which it was held; empty is open",
    "holder": "who held the place",
    "injured": "people injured",
    "killed": "people killed",
    "kind": "what the line is",
    "land_use": "class of land use, as the source names it",
    "location_error_m": "how far off the place may lie, metres; empty is not known",
    "method": "method of the release or survey, such as manual, dogs, machines",
    "name": "name of the place",
    "outcome": "how the survey of the place ended",
    "place": "kind of settlement, such as city, town, village, hamlet (OSM)",
    "planned_population": "people planned to return",
    "population": "people who live there",
    "purpose": "what the task of a survey plan was for, or quality control of land that was searched before",
    "record_date": "day of the record of the area",
    "record_id": "identity of the record at its authority",
    "record_trust": "share of such records that prove accurate, 0 to 1",
    "recorded_date": "day on which the record was written; nothing is known before it",
    "release_type": "decision of the authority",
    "road_class": "class of the road, values of OSM's highway",
    "start_date": "day on which the work began; without an end it has no result yet",
    "team": "team that did the work",
    "status_date": "day on which hazard_status was recorded",
    "uxo": "unexploded ordnance found in the area, items",
    "year": "year of the event, where no day is known",
    "inclusion_prob": "probability with which the place was drawn for a random audit; empty where people chose it",
}

# Columns with a fixed vocabulary; any other value counts as missing and is never guessed.
VOCABULARIES: dict[str, tuple[str, ...]] = {
    "kind": ("line_of_contact", "defence_line", "ceasefire_line", "withdrawal_route"),
    # The side towards which the defence faced, seen along the direction of the line.
    "front_side": ("left", "right"),
    "accident_class": ("demining", "non_demining"),
    "hazard_type": ("SHA", "CHA"),
    "release_type": ("cancelled", "reduced", "cleared"),
    "outcome": ("found", "searched", "unknown"),
    # Who chose the land: a ranking such as that of mlrisk, local people or their authority, or a random draw.
    "chosen_by": ("model", "people", "chance"),
    # The purpose of a task in a survey plan; results that are entered in the plan's tasks keep it.
    "purpose": ("survey", "explore", "audit", "quality_control"),
}

# A line that is still held often has an end far in the future: it counts as an open end, not as a wrong record.
OPEN_ENDED = "held_to"

# Names by which a table of points gives its coordinates; x and y are taken only when `columns` maps them.
COORDINATE_ALIASES: dict[str, tuple[str, ...]] = {
    "longitude": ("longitude", "lon", "lng", "long"),
    "latitude": ("latitude", "lat"),
}

# Groups of OSM highway values; links count with their road.
ROAD_CLASSES = {
    "major": frozenset({"motorway", "trunk", "primary", "secondary"}),
    "minor": frozenset({"tertiary", "unclassified", "residential", "living_street", "service", "road"}),
    "track": frozenset({"track", "path", "footway", "bridleway", "cycleway", "pedestrian", "steps"}),
}
# OSM's values that are no road that anybody drives or walks; they are in no group.
NO_ROADS = frozenset(
    {
        "construction",
        "proposed",
        "platform",
        "raceway",
        "elevator",
        "busway",
        "bus_guideway",
        "escape",
        "rest_area",
        "services",
        "corridor",
    }
)
