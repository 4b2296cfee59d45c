"""Bytes, files and cameras -> Pose."""
