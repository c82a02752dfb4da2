"""What scripts/soak runs, and how it is watched."""
