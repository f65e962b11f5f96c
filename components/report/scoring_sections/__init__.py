"""The sections of a scoring job's page: each takes what the job left and gives blocks."""
