"""story -> post: what each channel is given to say, and when.

Rule 1: nothing here sends; what shall be said is planned as entries of the outbox, and a flow does it. Rule 2: text of
a newsroom is hostile until it has gone through ``text.clean``. Rule 3: a message carries the news itself; a link is an
extra, since it dies.
"""
