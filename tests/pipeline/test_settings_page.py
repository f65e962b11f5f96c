from pathlib import Path

from pipeline.settings import RunSettings, all_keys
from pipeline.settings_page import settings_page

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "run `make docs`"


def test_the_page_names_every_setting() -> None:
    page = settings_page()
    missing = [key for key in all_keys(RunSettings) if "." in key and f"`{key}`" not in page]
    assert missing == []
