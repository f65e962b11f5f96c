"""How the parts are joined: settings and profiles, the graph, the run folder, the `heartbeat` command."""
