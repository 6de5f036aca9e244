"""Distances, densities, cover and shape of points, lines and polygons on a grid; knows no source and no date."""
