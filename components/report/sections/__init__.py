"""The sections of a run's page: each takes what the run left and gives blocks, or raises NotReachedError."""
