"""A strict CloudFront on this machine: it refuses what the real one refuses, and fails as the real one fails.

Rule 1: what the documentation forbids is refused with the code it names; what is not documented is a setting of
``Terms`` and says so. Rule 2: nothing that is sent to it ends in a traceback; every reader has a limit. Rule 3: time
is the clock that is given; nothing here waits. Rule 4: it counts what it is asked, so that a test can say what a step
cost.

    catalogue, rules    what a configuration is made of, and what its fields must agree on
    account             what there is, and every rule about changing it
    api, replies        the API as a function: a request in, an answer out
    edge, cache, origin the data plane: each distribution answers under its domain
    faults, terms       what goes wrong on demand, and how much is allowed
    cloud               the two servers on loopback
"""

from heliograph.lab.cloudfront.cloud import Cloud, Running
from heliograph.lab.cloudfront.terms import Terms

__all__ = ["Cloud", "Running", "Terms"]
