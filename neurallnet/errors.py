"""Errors that are the user's to mend; the command line prints them as one line, without a traceback."""


class NeurallnetError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(NeurallnetError):
    """A setting is unknown, of the wrong type, or out of range."""


class DataError(NeurallnetError):
    """An image, folder or table cannot be used; the message names it and the reason."""


class RunError(NeurallnetError):
    """A training run, checkpoint or weight file is missing, foreign or damaged."""
