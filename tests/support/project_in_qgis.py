"""Opens a project as QGIS does, describes it as JSON, draws its themes and one sheet of each layout; run by PyQGIS."""

import json
import sys
import time
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsLayoutExporter,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QSize


def draw(project: QgsProject, theme: str, path: Path) -> float:
    """Write the picture of a theme over the whole map; the seconds that it took."""
    settings = QgsMapSettings()
    settings.setLayers(project.mapThemeCollection().mapThemeVisibleLayers(theme))
    settings.setOutputSize(QSize(1400, 1000))
    settings.setDestinationCrs(project.crs())
    settings.setBackgroundColor(project.backgroundColor())
    settings.setExtent(project.mapLayer("mlrisk_layer_classes").extent())
    start = time.monotonic()
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(str(path))
    return time.monotonic() - start


def sheet(project: QgsProject, name: str, folder: Path) -> list[str]:
    """Write the first sheet of a layout as a PNG; the names of all its sheets."""
    layout = project.layoutManager().layoutByName(name)
    atlas = layout.atlas()
    atlas.beginRender()
    names = []
    for number in range(atlas.count()):
        atlas.seekTo(number)
        names.append(atlas.currentFilename())
        if number == 0:
            exporter = QgsLayoutExporter(layout)
            settings = QgsLayoutExporter.ImageExportSettings()
            settings.dpi = 100
            assert exporter.exportToImage(str(folder / f"{name}.png"), settings) == QgsLayoutExporter.Success
    atlas.endRender()
    return names


def main(path: str, out: str) -> None:
    """Write theme_NAME.png and LAYOUT.png into the folder `out`, and what was found to standard output."""
    application = QgsApplication([], False)
    application.initQgis()
    project, folder = QgsProject.instance(), Path(out)
    start = time.monotonic()
    assert project.read(path)
    opened = time.monotonic() - start
    layers = project.mapLayers().values()
    themes = project.mapThemeCollection().mapThemes()
    # QGIS loads its providers and fonts at the first picture.
    draw(project, themes[0], folder / f"theme_{themes[0]}.png")
    tips = {layer.name(): layer.mapTipTemplate() for layer in layers if not isinstance(layer, QgsRasterLayer)}
    tasks = project.mapLayersByName("Survey tasks")[0]
    values = tasks.editorWidgetSetup(tasks.fields().indexOf("work")).config()["map"]
    found = {
        "opened": opened,
        "crs": project.crs().authid(),
        "elsewhere": [layer.name() for layer in layers if not layer.source().startswith(str(Path(path).parent))],
        "layers": {layer.name(): layer.isValid() for layer in layers},
        "words": {code: word for choice in values for word, code in choice.items()},
        "groups": [group.name() for group in tasks.editFormConfig().tabs()],
        "tips": [name for name, tip in tips.items() if tip],
        "themes": {theme: draw(project, theme, folder / f"theme_{theme}.png") for theme in themes},
        "layouts": {
            layout.name(): sheet(project, layout.name(), folder) for layout in project.layoutManager().layouts()
        },
    }
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
