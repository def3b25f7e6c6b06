"""Every error that ganimate raises on purpose: one sentence and, where there is one, the remedy."""

from __future__ import annotations


class GanimateError(Exception):
    """Base of all errors that the command line turns into ``error: …`` and ``hint: …``, exit code 1.

    `message` is one sentence that names the thing and the value; `hint` says what to do about it.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(GanimateError):
    """A configuration value is out of its range; the message names the field and the range."""


class InputError(GanimateError):
    """Something that the user handed in cannot be used."""


class ExpressionError(InputError):
    """An AU expression or a trajectory cannot be parsed, or asks for what the model does not know."""


class TimelineError(InputError):
    """A timeline cannot be read, or says what cannot be played."""


class PhotoError(InputError):
    """A photo is missing, unreadable, too small or not a still picture."""


class VideoError(InputError):
    """A video is missing, unreadable, without a picture, too large or cut off."""


class FaceError(InputError):
    """No face was found, or a face was asked for that is not there."""


class AnnotationError(InputError):
    """A table of AUs cannot be read or lacks the columns that are needed."""


class PackError(InputError):
    """A pack of prepared faces is missing, foreign or damaged."""


class ModelError(InputError):
    """A model file is missing, truncated, altered, foreign or does not fit the request."""


class MarkError(InputError):
    """What a file says of its origin cannot be read."""


class OutputError(GanimateError):
    """A result cannot be written: place taken, unwritable, unknown format or disk full."""


class TrainingError(GanimateError):
    """Training cannot start, resume or go on, for example because a loss is not finite."""


class DependencyError(GanimateError):
    """A library that this action needs is missing or broken."""
