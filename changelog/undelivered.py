"""Why a notice did not go out."""


class NotSentError(Exception):
    """It was not taken, this time; in words without secrets."""


class GoneError(Exception):
    """What it tells of, or its channel, is no more: it can never be delivered."""
