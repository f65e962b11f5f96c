import platform
from importlib.metadata import version

from pipeline.versions import PACKAGES, versions_here


def test_a_run_knows_its_python_its_machine_and_its_packages() -> None:
    told = versions_here()
    assert told["Python"] == platform.python_version()
    assert told["platform"] == platform.platform()
    assert int(told["CPU cores"]) >= 1
    assert told["tensorflow"] == version("tensorflow")
    assert set(PACKAGES) < set(told)
    assert "not installed" not in told.values()
