"""This machine's own way to package indexes, as build secrets: it is needed in the build, and must not stay there."""

import os
import subprocess
import sys

PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "UV_DEFAULT_INDEX")
PASSED_ON += ("UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INSECURE_HOST", "UV_HTTP_TIMEOUT", "HTTP_PROXY")
PASSED_ON += ("HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
BUNDLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

PLANTED = "a-password-that-must-not-stay"
"""Goes into the build with the rest; whoever finds it in the image has found a leak."""


def build_secrets(folder):
    """Write the secrets into a folder and return buildah's flags for them."""
    lines = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    configured = _pip("global.index-url")
    if configured:
        lines.setdefault("PIP_INDEX_URL", configured)
    if "PIP_INDEX_URL" in lines:
        lines.setdefault("UV_DEFAULT_INDEX", lines["PIP_INDEX_URL"])
    flags = []
    bundle = next((os.environ[name] for name in BUNDLES if os.environ.get(name)), _pip("global.cert"))
    if bundle:
        lines |= dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), "/run/secrets/ca")
        flags += ["--secret", f"id=ca,src={bundle}"]
    lines["INDEX_PASSWORD"] = PLANTED
    index = folder / "index"
    index.write_text("".join(f"{name}='{value}'\n" for name, value in lines.items()))
    return [*flags, "--secret", f"id=index,src={index}"]


def _pip(name):
    command = [sys.executable, "-m", "pip", "config", "get", name]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
