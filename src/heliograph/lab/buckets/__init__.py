"""Places of objects on this machine, strict and faulty: for tests, drills and whoever writes a host of their own."""

from heliograph.lab.buckets.canned import Answering
from heliograph.lab.buckets.faulty import Fault, FaultyBin, KilledError
from heliograph.lab.buckets.gcs import GcsStub

__all__ = ["Answering", "Fault", "FaultyBin", "GcsStub", "KilledError"]
