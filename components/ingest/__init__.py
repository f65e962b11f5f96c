"""From CSV files to tf.Examples: list and plan files, read blocks, parse, split, encode, report; and the gate on it."""
