"""From a Dockerfile that does not work to one that is proved to: build, run, check, apply the certain fix, and again.

Nothing is written but what the engine builds, and of that nothing is left. A fix is certain where the failure carries
it as edits; each round has to bring another cause, so that what does not help is tried once.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.console.progress import Progress
from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import apply, unified_diff
from imgcompare.dockerfile.parser import parse
from imgcompare.engine.build.context import open_context
from imgcompare.engine.interface import Engine
from imgcompare.errors import EditError, UsageError
from imgcompare.model import SCHEMA_VERSION, Edit, Failure, Mending, Report, Verdict
from imgcompare.run.opening import Connection, working_engine
from imgcompare.run.session import run_on
from imgcompare.text.redact import MASK

MOST_ROUNDS = 10
"""How many causes are mended one after the other before the Dockerfile is given up."""


class Mended(Struct, frozen=True):
    """The Dockerfile before and after, and everything that is told of it."""

    before: Document
    after: Document
    told: Mending


def mend(config: Config, connection: Connection, progress: Progress) -> Mended:
    """Mend the Dockerfile of a comparison with this one variant. Raises UsageError where there is none."""
    (spec,) = config.variants
    if spec.dockerfile is None:
        raise UsageError("an image cannot be mended", hint="Name its Dockerfile: imgcompare mend Dockerfile")
    before = Document.read(open_context(config.context, spec.dockerfile).dockerfile_content)
    parse(before.text, str(spec.dockerfile)).check_target(spec.target)
    with working_engine(connection, progress) as engine:
        history = list(
            _rounds(replace(config, rm_images=True, build=config.build.without_export()), before, engine, progress)
        )
    last = history[-1]
    variant = last.report.variants[0]
    name = variant.source.dockerfile or spec.dockerfile.name
    return Mended(
        before,
        last.document,
        Mending(
            schema_version=SCHEMA_VERSION,
            tool=last.report.tool,
            created=history[0].report.created,
            engine=last.report.engine,
            works=variant.verdict is Verdict.WORKS,
            mended=tuple(failure for each in history[:-1] if (failure := each.failure)),
            diff=unified_diff(before, last.document, name, name),
            result=variant,
            reason=last.reason,
        ),
    )


class _Round(Struct, frozen=True):
    """A Dockerfile as it was tried, and the report on it; ``reason`` says why it was the last one."""

    document: Document
    report: Report
    reason: str = ""

    @property
    def failure(self) -> Failure | None:
        return self.report.variants[0].failure


def _rounds(config: Config, document: Document, engine: Engine, progress: Progress) -> Iterator[_Round]:
    """Try, mend and try again, until it works or nothing certain is left to do."""
    (spec,), tried = config.variants, Tried()
    text = None  # the first round builds the file itself
    while True:
        outcome = run_on(engine, replace(config, variants=(replace(spec, text=text),)), progress)
        if outcome.error:
            raise outcome.error
        failure = outcome.report.variants[0].failure
        changed = tried.next(document, failure) if failure else ""
        if isinstance(changed, str):
            yield _Round(document, outcome.report, changed)
            return
        yield _Round(document, outcome.report)
        progress.note(f"Mending {failure.code if failure else ''}: {tried.shown(failure)}")
        document, text = changed, bytes(changed)


class Tried(Struct):
    """What was tried, so that nothing is tried twice."""

    causes: set[tuple[str, str]] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)

    def next(self, document: Document, failure: Failure) -> Document | str:
        """The Dockerfile with the fix of a failure in it, or why there is none to try."""
        cause = failure.code, failure.message
        self.texts.add(document.text)
        if not failure.edits or any(MASK in line for edit in failure.edits for line in edit.lines):
            return "No certain fix is known for it."
        if cause in self.causes:
            return "Its fix is in the Dockerfile, and did not help."
        if len(self.causes) == MOST_ROUNDS:
            return f"{MOST_ROUNDS} causes were mended, and here is another one."
        self.causes.add(cause)
        try:
            changed = apply(document, failure.edits)
        except EditError as exc:  # the file was changed while it was mended
            return f"Its fix does not fit the Dockerfile: {exc.message}."
        if changed.text in self.texts:
            return "Its fix leads back to a Dockerfile that was tried."
        return changed

    @staticmethod
    def shown(failure: Failure | None) -> str:
        """The first line of a fix, for the progress."""
        return next((line for edit in (failure.edits if failure else ()) for line in _lines(edit)), "")


def _lines(edit: Edit) -> tuple[str, ...]:
    return edit.lines or (f"without {edit.instruction}",)
