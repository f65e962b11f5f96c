"""The same graph on Kubeflow Pipelines.

here:       stages.py --> spec.py (compile, repair) --> submit.py (start, wait)
in a pod:   entrypoint.py --> the stage's executor; notes.py records its start and end in the object store
at the end: report_node.py --> known.py (what became of each stage) --> report.py (summary and page)
kfp_private.py holds the private names of TFX and kfp; places.py says where things are in the store and in a pod.
"""
