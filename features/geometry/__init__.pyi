from .counts_within import count_within, event_count, event_least
from .coverage import cell_coverage, covered_share
from .densities import event_densities, line_density, point_densities, points_density
from .distances import Nearest, distance_m, nearest, neighbour_distances_m, share_along
from .event_distances import event_distance_m
from .exclusions import OwnRecords, OwnRecordsByRule
from .layers import Layer, layer_of, part_of, point_layer, segments_near, split_segments
from .line_shape import MOST_WIDTH_M, bends_deg, gap_between_lines_m, groups_within, side_of_line
from .point_in_polygon import first_inside
from .proximity_graphs import STEP_M, gabriel_chains, tree_chains
from .ridges import LEAST_DENSITY, ridge_strengths

__all__ = [
    "LEAST_DENSITY",
    "MOST_WIDTH_M",
    "STEP_M",
    "Layer",
    "Nearest",
    "OwnRecords",
    "OwnRecordsByRule",
    "bends_deg",
    "cell_coverage",
    "count_within",
    "covered_share",
    "distance_m",
    "event_count",
    "event_densities",
    "event_distance_m",
    "event_least",
    "first_inside",
    "gabriel_chains",
    "gap_between_lines_m",
    "groups_within",
    "layer_of",
    "line_density",
    "nearest",
    "neighbour_distances_m",
    "part_of",
    "point_densities",
    "point_layer",
    "points_density",
    "ridge_strengths",
    "segments_near",
    "share_along",
    "side_of_line",
    "split_segments",
    "tree_chains",
]
