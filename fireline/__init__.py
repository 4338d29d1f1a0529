"""The ``fireline`` command, one group of verbs a file."""
