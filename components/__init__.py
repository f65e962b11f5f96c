"""The stages of a beat's life, in order: beats, ingest, validate, transform, train, evaluate, push."""
