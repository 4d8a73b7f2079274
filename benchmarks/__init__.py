"""Each figure this project quotes, and the command that repeats it.

``python -m benchmarks`` (or ``make bench``) runs them all, prints their tables and writes ``docs/benchmarks.md``. Every
module here runs alone as ``python -m benchmarks.NAME --json``, whose last line is one JSON object.

    frame       runs a command and measures the whole process tree; compares folders before and after
    report      tables and figures, on the terminal and in the documents
    sites       the synthetic news site, made once, served by nginx on loopback
    peers       what a newsroom would pick instead: wget, HTTrack, Pelican, Hugo
    whole       heliograph beside those on the same site: first run, again, one story more
    budget      proves that every file of a mirror keeps the byte budget
    survival    an edition from three servers behind every censor of the lab (grounds, reader, browser)
    extraction, bytes, serve    reading pages, size of pages, answering requests
"""
