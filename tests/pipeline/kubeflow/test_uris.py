import pytest

from pipeline.kubeflow.uris import local_path, remote_uri


@pytest.mark.parametrize(
    ("uri", "path"),
    [("minio://b/x", "/minio/b/x"), ("s3://b/x", "/s3/b/x"), ("gs://b/x", "/gcs/b/x"), ("/data/x", "/data/x")],
)
def test_each_store_has_its_folder_of_local_copies(uri: str, path: str) -> None:
    assert local_path(uri) == path
    assert remote_uri(path) == uri


def test_what_the_launcher_does_not_copy_stays_where_it_is() -> None:
    assert local_path("https://host/x") == "https://host/x"
