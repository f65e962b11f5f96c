"""The commands of `heartbeat`, one file each, loaded only when called."""
