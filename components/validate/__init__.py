"""Statistics against the schema and against the last push: go on, or stop and say why."""
