"""The floor under everything: storage, locks, and the file formats that beats come in."""
