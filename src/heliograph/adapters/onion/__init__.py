"""An onion service (version 3) published through a tor that runs on this machine, Debian's for example.

Tor itself is the outside system; it is asked over its control port (control-spec), of which six commands are needed.
The service is ephemeral: bound to our connection, it ends with us, and leaves nothing in tor's configuration.

    talk        bytes -> replies, commands as text         no I/O
    control     a connection to a tor, and the right to it
    keyfile     the key that is the address, in a file
    service     published, and published again when tor was restarted

Nothing of a reader is to be seen here: tor hands streams to a port of this machine, and tells nobody whose they are.
"""

from heliograph.adapters.onion.control import Place
from heliograph.adapters.onion.service import Onion

__all__ = ["Onion", "Place"]
