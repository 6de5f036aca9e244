"""Opens a GeoPackage as QGIS does, tells what it found as JSON and draws it; run by the Python that has PyQGIS."""

import json
import sys

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsProviderRegistry,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor


def opened(path: str, name: str) -> QgsVectorLayer:
    """A layer with the style that QGIS takes by default."""
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    layer.loadDefaultStyle()
    return layer


def described(layer: QgsVectorLayer) -> dict[str, object]:
    """What a person would see of the layer."""
    renderer = layer.renderer()
    categories = renderer.categories() if renderer.type() == "categorizedSymbol" else []
    return {
        "valid": layer.isValid(),
        "features": layer.featureCount(),
        "renderer": renderer.type(),
        "attribute": renderer.classAttribute() if categories else "",
        "legend": [item.label() for item in renderer.legendSymbolItems()],
        "colours": [category.symbol().color().name() for category in categories],
        "labels": labels(layer) if layer.labelsEnabled() else [],
        "aliases": {field.name(): layer.attributeAlias(place) for place, field in enumerate(layer.fields())},
        "epsg": layer.crs().authid(),
    }


def labels(layer: QgsVectorLayer) -> list[list[object]]:
    """Expression of each label and the denominator of the scale from which it is drawn, 0 for every scale."""
    labeling = layer.labeling()
    if labeling.type() == "simple":
        return [[labeling.settings().fieldName, 0]]
    return [[rule.settings().fieldName, rule.minimumScale()] for rule in labeling.rootRule().children()]


def draw(layers: list[QgsVectorLayer], path: str) -> None:
    """All layers, the first at the bottom, as they lie in the file."""
    settings = QgsMapSettings()
    settings.setLayers(layers[::-1])
    settings.setBackgroundColor(QColor("#ffffff"))
    settings.setOutputSize(QSize(900, 700))
    settings.setDestinationCrs(layers[0].crs())
    extent = layers[0].extent()
    for layer in layers:
        extent.combineExtentWith(layer.extent())
    extent.scale(1.05)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(path)


def main(path: str, picture: str) -> None:
    """Describe every layer with a geometry on standard output, and write the picture."""
    application = QgsApplication([], False)
    application.initQgis()
    sublayers = QgsProviderRegistry.instance().querySublayers(path)
    names = [found.name() for found in sublayers if found.wkbType() != 100]
    layers = [opened(path, name) for name in names]
    QgsProject.instance().addMapLayers(layers)
    sys.stdout.write(json.dumps({name: described(layer) for name, layer in zip(names, layers, strict=True)}))
    draw(layers, picture)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
