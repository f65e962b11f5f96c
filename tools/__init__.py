"""Programs to try Heartbeat out with, none of which it needs: clusters on this machine."""
