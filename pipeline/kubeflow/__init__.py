"""The same graph on Kubeflow Pipelines.

here:       the table of stages --> spec.py (compile, repair) --> submit.py (start, wait) --> api.py (questions)
in a pod:   entrypoint.py --> the stage's executor; notes.py records its start and end in the object store
at the end: report_node.py --> notes.py (what became of each stage) --> report.py (summary and page)
kfp_private.py holds the private names of TFX and kfp; uris.py says where things are in the store and in a pod.
"""
