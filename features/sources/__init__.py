"""The border: files of an authority become typed tables and rasters in the grid's CRS, with an account of each row."""
