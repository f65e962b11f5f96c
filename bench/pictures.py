"""Draw the pictures of docs/results.md from a real run: `make pictures RUN=ROOT/runs/ID` writes them to docs/pictures.

They are those of the run's page, on white in both colour schemes, because the page is shown on other sites.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from components.errors import HeartbeatError, UsageError
from components.report.classes import confusion_picture, rates_picture
from components.report.content import Picture
from components.report.drawing import INK_ON
from components.report.material import RunMaterial, load_run
from components.report.trust import noise_picture

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"

_SVG: Final = "data:image/svg+xml,"
_SCHEMES: Final = re.compile(r"<style>svg\{.*?</style>")


def pictures_of(run: RunMaterial) -> dict[str, Picture]:
    """Return the pictures by the names of their files.

    Raises:
        UsageError: the run's beats are simulated.
        HeartbeatError: the run judged no model.
    """
    if run.synthetic:
        raise UsageError(f"{run.folder} is a run on simulated beats: docs/results.md shows a real one.")
    judgement = run.judgement
    return {
        "confusion": confusion_picture(judgement["metrics"]["clean"]["confusion"], "fine-tuned, clean beats", ""),
        "noise": noise_picture(judgement["noise_levels"], ""),
        "classes": rates_picture(judgement, "clean", "Fine-tuned, clean beats", ""),
    }


def on_white(picture: Picture) -> str:
    """Return a picture's SVG in dark ink on a white ground."""
    svg = _SCHEMES.sub("", unquote(picture.source.removeprefix(_SVG)), count=1)
    return svg.replace("<svg ", f"<svg style='color:{INK_ON['light']};background:#ffffff' ", 1) + "\n"


if __name__ == "__main__":
    try:
        pictures = pictures_of(load_run(Path(sys.argv[1]).absolute()))
    except HeartbeatError as error:
        sys.exit(str(error))
    for name, picture in pictures.items():
        (FOLDER / f"{name}.svg").write_text(on_white(picture), encoding="utf-8")
        print(FOLDER / f"{name}.svg")
