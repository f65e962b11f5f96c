"""Recordings to beats, and scored beats back to annotations.

folder --header.list_records--> names --lead.open_lead--> Lead          (headers only)
Lead --signal.LeadReader--> blocks of samples, at the lead's own rate or at 360 Hz, in ADC units or mV
LeadReader --annotations.read_annotations or detect.find_beats--> Annotations
LeadReader + Annotations --lead_beats.LeadBeats--> blocks of cut beats, and what became of every annotation
    --record--> parts --prepare (splits, parts, output)--> CSVs or Parquet --> ingest, score --annotate--> *.pred
"""
