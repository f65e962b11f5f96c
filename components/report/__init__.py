"""What happened in a run, as one page that opens from a file: words, tables and pictures."""
