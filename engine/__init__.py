"""The real-time heart: Pose -> Event, pure and synchronous, no sockets and no files."""
