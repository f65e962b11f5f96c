"""A SavedModel with both served signatures, for tests of what really loads one."""

import pytest

from components.io.serving import model_digest
from components.score.model import ModelRef
from tests.evaluate.tiny_model import save_tiny_model, template_weights


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory) -> ModelRef:
    folder = save_tiny_model(tmp_path_factory.mktemp("serving") / "1700000000", template_weights())
    return ModelRef(str(folder), model_digest(folder))
