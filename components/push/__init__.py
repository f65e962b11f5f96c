"""A model that the gate approved becomes the newest version of the serving directory.

SavedModel, judgement, verdict, statistics, settings
  -> precision   the model in int8, and what lower precision changes: released or refused
  -> sidecars    a copy of the model with its metrics, digests, histogram and model_card beside it
  -> io.serving  a new version, which appears complete
"""
