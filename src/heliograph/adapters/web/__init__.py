"""The newsroom's site over HTTP: one ask, one answer, whatever the other side does.

Rule 1: ``fetch`` raises nothing but cancellation; what went wrong stands in ``Answer.failure`` in plain words.
Rule 2: the other side decides neither how much memory it gets (``Ask.limit``, counted on decoded bytes) nor how much
time (``Patience``) nor how many connections. Rule 3: no page sends us inside: an address that is not public is asked
only at an origin the operator named, however a link or redirect spells it. Rule 4: nothing is kept between requests:
no cookie, and no proxy but the one given.

``client`` asks, ``guard`` says whom not to, ``body`` undoes encodings within bounds, ``words`` tells what went wrong.
"""

from heliograph.adapters.web.client import Patience, WebSources

__all__ = ["Patience", "WebSources"]
