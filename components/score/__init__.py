"""The batch-scoring job: inputs to shards, a shard to columns of answers, and a directory that can be resumed."""
