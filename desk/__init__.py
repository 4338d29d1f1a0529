"""The web desk: what is going on, what it waits for, what would be published, and the two doors for outsiders.

The doors are the signed webhook (``desk.ingest``) and the signed approval link (``desk.approve``). Everything else
needs the desk key (``desk.access``). Pages are plain HTML that work without scripts, on a phone first.
"""
