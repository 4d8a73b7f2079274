"""heliograph keeps a news site readable while a censor blocks it.

The way of an article, in the order of the packages::

    source -> story -> edition -> mirror -> reader
              capture  render     publish

``model`` holds the nouns, the packages above the verbs; ``flows/issue.py`` joins them and is the file to read first.
``ports`` lists everything asked of the outside world; ``adapters`` answer it; ``cli`` wires the two together.
"""

__version__ = "0.1.0"
