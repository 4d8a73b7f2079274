"""The signed release format: bases, cases and a runner. ``README.md`` beside this file is the way in.

signing  test keys          site   what is published       papers  metadata, honest or not
bases    r1 r2 r3 deep      case   what a case consists of cases/  all of them, a file for each group
generate writes the folder  verify runs one case against our reader    releaselog  the log of releases
"""
