"""Recordings to beats, and scored beats back to annotations.

folder, file or glob --header, inputs--> names --lead.open_lead, of EDF edf.open_edf--> Lead          (headers only)
Lead --signal.LeadReader--> blocks of samples, at the lead's own rate or at 360 Hz, in ADC units or mV
LeadReader --annotations.read_annotations or detect.find_beats--> Annotations
LeadReader + Annotations --lead_beats.LeadBeats--> blocks of cut beats, and the outcome of every annotation
    --record--> parts --prepare (splits, parts, report)--> CSVs or Parquet --> ingest, score
answers --annotation_files.annotation_bytes--> *.pred of WFDB, CSV or EDF+
"""
