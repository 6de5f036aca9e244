"""Tiles of elevation as one VRT: a text file with the names and positions of the tiles."""

from xml.sax.saxutils import escape

from mlrisk.intake.finding import Finding
from mlrisk.intake.rasters import RasterFacts

GDAL_TYPES = {
    "uint8": "Byte", "int8": "Int8", "int16": "Int16", "uint16": "UInt16", "int32": "Int32", "uint32": "UInt32",
    "float32": "Float32", "float64": "Float64",
}  # fmt: skip
# Tiles may share a row of pixels, as those of SRTM do.
SHARED_PIXELS = 2.5


def are_tiles(facts: list[RasterFacts]) -> bool:
    """Whether rasters are adjacent tiles in one CRS with pixels of the same height."""
    first = facts[0]
    return all(
        one.crs == first.crs and abs(one.pixel[1] / first.pixel[1] - 1) < 1e-6 and one.dtype == first.dtype
        for one in facts
    ) and not any(_overlap(one, two) for number, one in enumerate(facts) for two in facts[:number])


def _overlap(one: RasterFacts, two: RasterFacts) -> bool:
    width = min(one.own_bounds[2], two.own_bounds[2]) - max(one.own_bounds[0], two.own_bounds[0])
    height = min(one.own_bounds[3], two.own_bounds[3]) - max(one.own_bounds[1], two.own_bounds[1])
    return width > SHARED_PIXELS * one.pixel[0] and height > SHARED_PIXELS * one.pixel[1]


def vrt_text(findings: list[Finding]) -> str:
    """The VRT of tiles, with paths relative to it and no data where tiles are missing."""
    tiles = [(finding.look.path, finding.look.raster) for finding in findings if finding.look.raster is not None]
    facts = [one for _, one in tiles]
    west, south = min(one.own_bounds[0] for one in facts), min(one.own_bounds[1] for one in facts)
    east, north = max(one.own_bounds[2] for one in facts), max(one.own_bounds[3] for one in facts)
    across, down = min(one.pixel[0] for one in facts), min(one.pixel[1] for one in facts)
    width, height = round((east - west) / across), round((north - south) / down)
    nodata = next((one.nodata for one in facts if one.nodata is not None), -32768.0)
    sources = "".join(_tile(path, one, (west, north), (across, down), nodata) for path, one in tiles)
    kind = GDAL_TYPES[facts[0].dtype]
    return (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}">\n'
        f"  <SRS>{escape(facts[0].crs.to_wkt())}</SRS>\n"
        f"  <GeoTransform>{west!r}, {across!r}, 0.0, {north!r}, 0.0, {-down!r}</GeoTransform>\n"
        f'  <VRTRasterBand dataType="{kind}" band="1">\n    <NoDataValue>{nodata!r}</NoDataValue>\n'
        f"{sources}  </VRTRasterBand>\n</VRTDataset>\n"
    )


def _tile(path: str, facts: RasterFacts, corner: tuple[float, float], pixel: tuple[float, float], nodata: float) -> str:
    left, _, right, top = facts.own_bounds
    bottom = facts.own_bounds[1]
    rows, columns = facts.shape
    place = (
        f'xOff="{(left - corner[0]) / pixel[0]:.6f}" yOff="{(corner[1] - top) / pixel[1]:.6f}" '
        f'xSize="{(right - left) / pixel[0]:.6f}" ySize="{(top - bottom) / pixel[1]:.6f}"'
    )
    return (
        f'    <ComplexSource>\n      <SourceFilename relativeToVRT="1">{escape(path)}</SourceFilename>\n'
        f'      <SourceBand>1</SourceBand>\n      <SrcRect xOff="0" yOff="0" xSize="{columns}" ySize="{rows}"/>\n'
        f"      <DstRect {place}/>\n      <NODATA>{facts.nodata if facts.nodata is not None else nodata!r}</NODATA>\n"
        "    </ComplexSource>\n"
    )
