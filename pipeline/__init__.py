"""How the stages are joined and run, and the commands.

profiles.py + --set --> settings.py --+
stages.py (the table; graph.py) ------+--> run.py, node by node through tfx_private.py --> outcome.py --> summary.py
                                      |                                                       `--> screen.py, report
                                      +--> kubeflow/ (the same table as a pipeline spec)
commands/ and cli.py are on top of all; every error ends in refusal.py as sentences and an exit code.
"""
