"""The platform document: what a pod gets from Kubernetes and a pipeline spec has no words for."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from pipeline.settings import ClusterSettings


def platform_document(spec: dict[str, Any], cluster: ClusterSettings) -> dict[str, Any] | None:
    """Return the platform document that places every executor of a spec, or None when the settings place none.

    It names secret and volume; no value of a secret is ever read here.
    """
    placement: dict[str, Any] = {}
    if cluster.secret:
        becomes = {"AWS_ACCESS_KEY_ID": cluster.access_key, "AWS_SECRET_ACCESS_KEY": cluster.secret_key}
        keys = [{"secretKey": key, "envVar": variable} for variable, key in becomes.items()]
        placement["secretAsEnv"] = [{"secretName": cluster.secret, "keyToEnv": keys}]
    if cluster.volume_claim:
        placement["pvcMount"] = [{"constant": cluster.volume_claim, "mountPath": cluster.volume_path}]
    if cluster.node_selector:
        placement["nodeSelector"] = {"labels": dict(cluster.node_selector)}
    if not placement:
        return None
    executors = {label: deepcopy(placement) for label in spec["deploymentSpec"]["executors"]}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
