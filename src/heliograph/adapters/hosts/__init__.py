"""Hosts that raise and retire addresses of mirrors, one file each."""
