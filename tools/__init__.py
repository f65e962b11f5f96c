"""Optional tools for development and testing, such as clusters on this machine."""
