"""The modes of scripts/torture: a file each, and common.py for what they share."""
