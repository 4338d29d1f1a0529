"""What keeps a store from being opened: a file, a key or a server that is not as it must be."""


class Unusable(RuntimeError):
    """The store or its keys cannot be used as they are; the message says what, where and what to do."""
