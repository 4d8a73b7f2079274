"""A mirror as a server of its own: ``heliograph serve``.

It serves a folder with an edition over HTTP/1.1 in the way that survives the curtain (docs/threats.md): one small
answer per connection, in as few packets as can be, and no memory of who asked.

    wire        request head -> head of the answer         no I/O
    shelf       folder -> answers, kept while they are current
    connection  one reader: plain or TLS
    server      a port of one process
    sensor      how a sample of connections ended, without who; off unless asked for
    networks    an address -> the network it is of
    book        counters of many, and the file they go to once a day
    endpoint    sockets, certificates
    workers     the program: signals, several processes
"""

from heliograph.adapters.serve.endpoint import address, listening, secure_context
from heliograph.adapters.serve.server import MirrorServer
from heliograph.adapters.serve.workers import Hidden, Sensing, run

__all__ = ["Hidden", "MirrorServer", "Sensing", "address", "listening", "run", "secure_context"]
