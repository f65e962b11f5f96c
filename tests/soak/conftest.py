from tests.score.conftest import saved_model

__all__ = ["saved_model"]
