"""The errors a user meets; each class carries its exit code and, where there is one, the next step."""

from __future__ import annotations


class ImgcompareError(Exception):
    """Any problem that ends the command: what failed with its values, and a hint that says what to do next."""

    exit_code = 4
    details = ""
    """Lines for whoever mends the program itself."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ImgcompareError):
    """Wrong usage or configuration: a flag, a path, a Dockerfile or a report file that cannot be used."""

    exit_code = 2


class EditError(UsageError):
    """An edit that does not fit a Dockerfile: nothing begins there, another edit is there, or it would undo others."""


class PortTakenError(ImgcompareError):
    """The fixed host port of a container is in use; the message names its holder, if it is known."""


class NoEngineError(ImgcompareError):
    """No usable container engine: the message names each endpoint tried and where it came from."""

    exit_code = 3


class OwnEngineStoppedError(NoEngineError):
    """Only imgcompare's own engine is left, which is installed and not running: a run would start it by itself."""


class EngineError(ImgcompareError):
    """The engine refused a request or stopped answering while we worked with it."""

    exit_code = 4


class EngineRefusedError(EngineError):
    """The engine answered a request with an HTTP error: ``status`` is its code, ``text`` what it said."""

    def __init__(self, message: str, *, status: int, text: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.text = text


class NoBuildKitError(EngineError):
    """The engine cannot build with BuildKit over its API; nothing was run."""


class EngineFailedError(EngineError):
    """What the engine could not do for reasons of its own, whatever it was asked: a full disk, a limit, its network."""


class EngineLostError(EngineError):
    """The connection to the engine broke: it stopped, was killed or is frozen."""


class BaseImageError(ImgcompareError):
    """A base image is neither on the engine nor can it be pulled."""

    exit_code = 4


class ImageFormatError(ImgcompareError):
    """An exported image or archive is truncated, damaged, hostile or of a format nobody described."""

    exit_code = 4


class RegistryError(ImgcompareError):
    """A registry cannot be reached, refused, or sent something that is not what was asked for."""

    exit_code = 4


class ForgeError(ImgcompareError):
    """The API of GitHub or GitLab failed, or replied what it should not."""

    exit_code = 4


class ForgeBusyError(ForgeError):
    """The forge cannot now, or did not answer: worth another try, after the ``wait_s`` that it asked for."""

    def __init__(self, message: str, *, wait_s: float = 0.0, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or "Try again later.")
        self.wait_s = wait_s


class ForgeRefusedError(ForgeError):
    """The token is not valid, or may not do that."""

    exit_code = 2


class InterruptedRunError(ImgcompareError):
    """SIGINT, SIGTERM or SIGHUP ended the command."""

    def __init__(self, signal_number: int) -> None:
        super().__init__("interrupted")
        self.exit_code = 128 + signal_number


class InternalError(ImgcompareError):
    """A fault of imgcompare itself, with its traceback in ``details``; what was finished by then is kept."""

    exit_code = 4

    def __init__(self, cause: Exception) -> None:
        import traceback  # noqa: PLC0415 - only needed when something went wrong

        super().__init__(
            f"imgcompare itself failed: {type(cause).__name__}: {cause}",
            hint="This is a fault of imgcompare: please report it with these lines.",
        )
        self.details = "".join(traceback.format_exception(cause))


def reason_of(error: BaseException) -> str:
    """Say what the system said, below all that libraries made of it; else the error's own words."""
    told, below = str(error), error.__cause__ or error.__context__
    while below is not None:
        if isinstance(below, OSError) and (below.strerror or isinstance(below, TimeoutError)):
            told = below.strerror or "no answer in time"
        below = below.__cause__ or below.__context__
    return told
