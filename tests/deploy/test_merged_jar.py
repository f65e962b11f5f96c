"""The jar that `make engines` makes of many."""

import subprocess
import sys
import zipfile
from pathlib import Path

MERGE = Path(__file__).parents[2] / "deploy/engines/merge.py"
SERVICE = "META-INF/services/a.Service"
SERVICE_OF_GOOGLE = "META-INF/services/a.FileSystem"


def jar(path, **files):
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        for name, text in files.items():
            made.writestr(name.replace("__", "/"), text)
        made.writestr(SERVICE, f"# of {path.name}\nof.{path.stem}.First\n\nof.both.Second")
        made.writestr(SERVICE_OF_GOOGLE, "org.apache.beam.sdk.extensions.gcp.storage.Registrar\nof.all.Systems\n")
        made.writestr("META-INF/KEY.RSA", "signed")
        made.writestr("META-INF/native/netty.dll", "of Windows")
        made.writestr("META-INF/native/netty.so", "of Linux")
        made.writestr("module-info.class", "module")


def merged(folder, target):
    subprocess.run([sys.executable, str(MERGE), str(folder), str(target)], check=True)
    with zipfile.ZipFile(target) as made:
        names = made.namelist()
        assert len(names) == len(set(names))
        return {name: made.read(name).decode() for name in names}


def test_services_add_up_the_first_of_a_name_counts_and_what_no_job_uses_is_left_out(tmp_path):
    (tmp_path / "jars").mkdir()
    jar(tmp_path / "jars/b.jar", org__B="b", org__Both="of b")
    jar(tmp_path / "jars/a.jar", org__A="a", org__Both="of a")
    found = merged(tmp_path / "jars", tmp_path / "one.jar")
    assert found == {
        "META-INF/MANIFEST.MF": "Manifest-Version: 1.0\nMulti-Release: true\n",
        "org/A": "a",
        "org/B": "b",
        "org/Both": "of a",
        "META-INF/native/netty.so": "of Linux",
        SERVICE_OF_GOOGLE: "of.all.Systems\n",
        SERVICE: "of.a.First\nof.both.Second\nof.b.First\n",
    }


def test_the_same_jars_give_the_same_bytes(tmp_path):
    (tmp_path / "jars").mkdir()
    jar(tmp_path / "jars/a.jar", org__A="a")
    for name in ("one.jar", "two.jar"):
        merged(tmp_path / "jars", tmp_path / name)
    assert (tmp_path / "one.jar").read_bytes() == (tmp_path / "two.jar").read_bytes()
