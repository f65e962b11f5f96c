"""Recordings to beats, and scored beats back to annotations.

folder --archive--> record names --header--> leads --signal--> samples at 360 Hz --+
                                                                                    +-- record --> parts of CSVs
       annotations (*.atr) or detect --> positions of beats ------------------------+
parts --prepare (splits, output)--> CSVs + provenance --> ingest, score --annotate--> *.pred
"""
