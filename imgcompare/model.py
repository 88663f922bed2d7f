"""Everything a report holds, as frozen structs: the model, the stored form and the JSON output are this one definition.

Units: ``*_s`` are seconds, ``*_size`` and ``*_bytes`` are bytes, ``created`` is UTC in RFC 3339. The words are those of
the OCI image specification (https://github.com/opencontainers/image-spec).

Frozen values never refer to themselves, so the garbage collector need not look at them (``gc=False``): with it, reading
many reports takes five times as long.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

SCHEMA_VERSION = 1


class Verdict(StrEnum):
    """What the comparison says of a variant."""

    WORKS = "works"
    BROKEN = "broken"
    NOT_CHECKED = "not_checked"


class Stage(StrEnum):
    """Where in the pipeline a variant is, or where it failed."""

    PULL = "pull"
    BUILD = "build"
    RUN = "run"
    CHECK = "check"
    EXPORT = "export"
    DIAGNOSE = "diagnose"


class Tool(Struct, frozen=True, kw_only=True, gc=False):
    """The program that made the report."""

    name: str
    version: str


class EngineInfo(Struct, frozen=True, kw_only=True, gc=False):
    """The container engine that built and ran everything, and how it was reached."""

    name: str
    version: str
    api_version: str
    image_store: str
    storage_driver: str
    os: str
    architecture: str
    builder: str
    endpoint: str
    endpoint_source: str
    private: bool


class Source(Struct, frozen=True, kw_only=True, gc=False):
    """What a variant is made from: a Dockerfile (with target and build arguments, names only) or an existing image.

    ``context`` is the folder that was sent to the builder, as seen from where the run was started.
    ``lines`` are the Dockerfile's as it was built, secrets masked; none where there are more than a page shows.
    """

    dockerfile: str | None = None
    target: str | None = None
    build_args: tuple[str, ...] = ()
    image: str | None = None
    dockerfile_digest: str | None = None
    context: str | None = None
    context_digest: str | None = None
    lines: tuple[str, ...] = ()


class Layer(Struct, frozen=True, kw_only=True, gc=False):
    """One layer: ``uncompressed_size`` is the length of the tar that ``diff_id`` hashes.

    ``base`` says that it came with the base image, ``stage`` and ``dockerfile_line`` which instruction made it, where
    the Dockerfile is known.
    """

    diff_id: str
    created_by: str
    uncompressed_size: int
    file_count: int
    compressed_size: int | None = None
    base: bool | None = None
    stage: str | None = None
    dockerfile_line: int | None = None


class WastedFile(Struct, frozen=True, kw_only=True, gc=False):
    """A path whose bytes are in the image more than once or in vain; ``wasted_by`` is the instruction that did it."""

    path: str
    wasted_bytes: int
    copies: int
    wasted_by: str


class LargeFile(Struct, frozen=True, kw_only=True, gc=False):
    """A file of the merged root file system and its size in bytes."""

    path: str
    size_bytes: int


class LargeFolder(Struct, frozen=True, kw_only=True, gc=False):
    """A folder of the merged root file system, and the bytes of all files beneath it."""

    path: str
    size_bytes: int


class PartKind(StrEnum):
    """What a part of an image's bytes is: ``rest`` are small neighbours together, ``end`` a tar's closing blocks."""

    LAYER = "layer"
    CATEGORY = "category"
    PACKAGE = "package"
    FOLDER = "folder"
    FILE = "file"
    REST = "rest"
    END = "end"


class Part(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A part of an image's bytes and what it is made of, as far as that is told; fields at their defaults are left out.

    ``name`` is a layer's number from 1, a category, a package, or the path from the folder above; ``rest`` and ``end``
    have none. ``size_bytes`` are bytes of the layer's tar, headers and padding included: those of ``parts``, where
    there are any, add up to it. ``entry_count`` says how many entries of the tar it stands for.
    """

    name: str
    size_bytes: int
    kind: PartKind = PartKind.FILE
    entry_count: int = 1
    parts: tuple[Part, ...] = ()


class DebianPackage(Struct, frozen=True, kw_only=True, gc=False):
    """A Debian package; ``installed_bytes`` are those of its files that are in the image."""

    name: str
    version: str
    installed_bytes: int


class PythonPackage(Struct, frozen=True, kw_only=True, gc=False):
    """A Python distribution; ``location`` is its folder, ``interpreter`` (``python3.11``) whose it is."""

    name: str
    version: str
    installed_bytes: int
    location: str
    interpreter: str | None = None


class Package(Struct, frozen=True, kw_only=True, gc=False):
    """A package of any ecosystem: ``type`` and ``purl`` are its package URL's (https://github.com/package-url/purl-spec).

    ``installed_bytes`` are those of its files that are in the image. ``location`` is its folder, or the file that holds
    it or tells of it; ``interpreter`` (``python3.11``) says whose it is, where that is told.
    """

    type: str
    name: str
    version: str
    purl: str
    installed_bytes: int
    location: str
    interpreter: str | None = None


class Packages(Struct, frozen=True, kw_only=True, gc=False):
    """The packages of an image, sorted by name; ``debian`` and ``python`` are two kinds of them apart.

    ``all`` are those of every ecosystem, sorted by type and name, each file counted for one of them; null in reports
    that were made before it was there.
    """

    debian: tuple[DebianPackage, ...] = ()
    python: tuple[PythonPackage, ...] = ()
    all: tuple[Package, ...] | None = None

    @property
    def listed(self) -> tuple[Package, ...]:
        """Every package, of an older report those that it has."""
        if self.all is not None:
            return self.all
        return (
            *(
                Package(
                    type="deb", name=x.name, version=x.version, purl="", installed_bytes=x.installed_bytes, location=""
                )
                for x in self.debian
            ),
            *(
                Package(
                    type="pypi",
                    name=x.name,
                    version=x.version,
                    purl="",
                    installed_bytes=x.installed_bytes,
                    location=x.location,
                    interpreter=x.interpreter,
                )
                for x in self.python
            ),
        )


class SavingKind(StrEnum):
    """What an image could be without; the last three are told and never taken away."""

    FULL_BASE = "full_base"
    BUILD_TOOLS = "build_tools"
    PACKAGE_LISTS = "package_lists"
    DOWNLOAD_CACHES = "download_caches"
    DELETED_LATER = "deleted_later"
    UNWANTED_FILES = "unwanted_files"
    BYTECODE = "bytecode"
    TESTS = "tests"
    DOCUMENTATION = "documentation"


class Saving(Struct, frozen=True, kw_only=True, gc=False):
    """Bytes that an image could be without, as measured; ``layer`` (from 1) brought them, null for the base image.

    Of what was deleted later ``layer`` is the one that did it. ``stage`` and ``dockerfile_line`` are the layer's, where
    the Dockerfile is known; ``folders`` are the ones of the build context that nobody wants: lines for .dockerignore.
    """

    kind: SavingKind
    saved_bytes: int
    layer: int | None = None
    stage: str | None = None
    dockerfile_line: int | None = None
    folders: tuple[str, ...] = ()


class Security(Struct, frozen=True, kw_only=True, gc=False):
    """What an attacker would find, counted."""

    runs_as_root: bool
    shells: int
    compilers: int
    package_managers: int
    setuid_files: int


class SecretFile(Struct, frozen=True, kw_only=True, gc=False):
    """A file that holds secrets, by the names of its variables or by their kind; never a secret itself."""

    path: str
    holds: tuple[str, ...]


class Image(Struct, frozen=True, kw_only=True, weakref=True):
    """An image as exported: ``image_id`` is the digest of the config's bytes, computed and never taken from the engine.

    ``uncompressed_size`` is the sum over ``layers``, a layer listed twice counting twice; in ``compressed_size`` it
    counts once, as a registry holds and sends it. ``history_count`` counts history rows, empty ones included;
    ``stand_ins`` names the base images that were made locally.

    ``base_size`` and ``own_size`` are the uncompressed bytes of the base image's layers and of those added to them,
    null where the base is not known. ``shared_bytes`` are in layers that another variant has too, ``unique_bytes`` are
    not. ``breakdown`` gives every uncompressed byte exactly one category, the base image being one; ``contents`` does
    the same by what the bytes are, wherever they came from, and ``caches`` takes its category of that name apart by
    kind (of those there are). ``tree`` takes each layer, in their order, apart into
    categories, packages, folders and files. ``wasted_bytes`` are file contents in lower layers that
    upper ones overwrite or delete; ``efficiency`` (0 to 1) is as dive defines it. ``savings`` are what it could be
    without, the greatest first; a byte can be in two of them.
    """

    image_id: str
    reference: str
    os: str
    architecture: str
    uncompressed_size: int
    layer_count: int
    history_count: int
    layers: tuple[Layer, ...]
    user: str
    exposed_ports: tuple[str, ...]
    compressed_size: int | None = None
    compressed_size_exact: bool | None = None
    stand_ins: tuple[str, ...] = ()
    base_size: int | None = None
    own_size: int | None = None
    shared_bytes: int | None = None
    unique_bytes: int | None = None
    file_count: int | None = None
    wasted_bytes: int | None = None
    efficiency: float | None = None
    wasted_files: tuple[WastedFile, ...] = ()
    breakdown: dict[str, int] = {}
    contents: dict[str, int] = {}
    caches: dict[str, int] = {}
    tree: tuple[Part, ...] = ()
    packages: Packages = Packages()
    largest_files: tuple[LargeFile, ...] = ()
    largest_folders: tuple[LargeFolder, ...] = ()
    security: Security | None = None
    secret_files: tuple[SecretFile, ...] = ()
    savings: tuple[Saving, ...] = ()


class Step(Struct, frozen=True, kw_only=True, gc=False):
    """One build step as the builder names it; a cached step's duration is near nothing."""

    name: str
    duration_s: float
    cached: bool


class Build(Struct, frozen=True, kw_only=True, gc=False):
    """How the build went."""

    duration_s: float
    step_count: int
    cached_step_count: int
    steps: tuple[Step, ...] = ()


class Run(Struct, frozen=True, kw_only=True, gc=False):
    """How the container ran: ``ready_after_s`` from start to the first good reply, ``memory_bytes`` after the check.

    ``health`` is the HEALTHCHECK's own verdict (``healthy``, ``unhealthy``, or ``starting`` when the wait for it
    ended), null where the image has none, and ``healthy_after_s`` when it came. With ``--stop``: ``stopped_after_s``
    from sending ``stop_signal`` to the container's end, ``killed`` where the grace period ran out first.
    """

    container_port: int
    host_port: int
    ready_after_s: float | None = None
    memory_bytes: int | None = None
    health: str | None = None
    healthy_after_s: float | None = None
    stop_signal: str | None = None
    stopped_after_s: float | None = None
    killed: bool | None = None


class Expectation(Struct, frozen=True, kw_only=True, gc=False):
    """What a good reply is; without a body or a pattern, the body must equal the baseline's.

    ``location`` is where a redirect must send on to, null where nothing was said of that.
    """

    status: int = 200
    body: str | None = None
    body_pattern: str | None = None
    location: str | None = None


class Check(Struct, frozen=True, kw_only=True, gc=False):
    """One request to the route and its reply; ``body_sha256`` covers the bytes read (at most the cap).

    ``body_json_sha256`` is that of a JSON reply without what means nothing in it (RFC 8259: white space, the order of
    an object's keys), null where the reply is no JSON: two replies that have it are the same where it is the same.
    ``same_but_for`` says what alone makes the body differ from the others', where that is nothing of the image: what
    its container is called, or what changes from one request to the next. It is empty where nothing differs.
    ``location`` is where a redirect sends on to.
    """

    passed: bool
    url: str
    expected: Expectation
    status_code: int | None = None
    response_time_s: float | None = None
    body_excerpt: str = ""
    body_sha256: str | None = None
    body_json_sha256: str | None = None
    body_truncated: bool = False
    same_but_for: str = ""
    method: str = "GET"
    location: str = ""


class EditAction(StrEnum):
    """What an edit does; a comment that stands directly above an instruction keeps its place above it."""

    REPLACE = "replace"
    INSERT_BEFORE = "insert_before"
    INSERT_AFTER = "insert_after"
    DELETE = "delete"


class Edit(Struct, frozen=True, kw_only=True, gc=False):
    """A change of a Dockerfile at one instruction: that which begins at ``line`` (from 1) of the file as it was built.

    ``stage`` is the name of the stage it belongs to, its number where it has no name, "" before the first FROM;
    ``instruction`` is its keyword. ``lines`` are put in its place, before or after it, without line ends; a delete has
    none. Several edits all name the lines of the same, unchanged file.
    """

    action: EditAction
    stage: str
    line: int
    instruction: str
    lines: tuple[str, ...] = ()


class Failure(Struct, frozen=True, kw_only=True, gc=False):
    """Why a variant does not work: a stable code, one sentence, the next step, and the lines that prove it.

    ``fix`` holds Dockerfile lines that mend it, where they are known for certain, and ``edits`` the same as changes of
    the variant's Dockerfile, where their place is known too. ``imgcompare explain CODE`` tells each code at length.
    """

    stage: Stage
    code: str
    message: str
    hint: str = ""
    evidence: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()


class Companion(Struct, frozen=True, kw_only=True, gc=False):
    """What ran beside a variant, in a network of that variant's own: a service of the compose file, or of ``--with``.

    ``ready_after_s`` is the wait for it, counted from when all had been started. ``note`` says what it did not do,
    though the variant was run.
    """

    name: str
    image: str
    ready_after_s: float | None = None
    note: str = ""


class Caution(Struct, frozen=True, kw_only=True, gc=False):
    """Something about a variant that works today and will hurt later: with a code, proof, fix and edits."""

    code: str
    message: str
    hint: str = ""
    evidence: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()


class Hardened(Struct, frozen=True, kw_only=True, gc=False):
    """Whether a variant also works with every restriction of ``restrictions`` on (``--hardened``).

    Where it does not, ``broken_by`` is the one restriction that alone breaks it (null where only several together do)
    and ``failure`` what then happens.
    """

    works: bool
    restrictions: tuple[str, ...]
    broken_by: str | None = None
    failure: Failure | None = None


class AfterChange(Struct, frozen=True, kw_only=True, gc=False):
    """What a change of one application file costs (``--after-change``): the steps built anew, and how long they took.

    ``pull_size`` is what a server that has the image from before the change would pull, compressed bytes.
    """

    changed_file: str
    duration_s: float
    step_count: int
    rebuilt_steps: tuple[str, ...]
    pull_size: int | None = None


class Spread(Struct, frozen=True, kw_only=True, gc=False):
    """One thing measured several times: the ``values`` in their order, and the least, middle and greatest of them.

    ``deviation`` is their standard deviation as a sample's, null of a single value.
    """

    minimum: float
    median: float
    maximum: float
    deviation: float | None
    values: tuple[float, ...]


class Repeated(Struct, frozen=True, kw_only=True, gc=False):
    """What was measured again and again (``--runs``, ``--build-runs``), variants in turn, with nothing else under way.

    ``ready_after_s``, ``response_time_s`` and ``memory_bytes`` of the variant are then the medians; ``build_s`` are
    builds that came from the cache whole, and what the first one took is ``build.duration_s``.
    """

    ready_s: Spread | None = None
    response_s: Spread | None = None
    memory_bytes: Spread | None = None
    build_s: Spread | None = None


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """One thing that was held against the original: ``what`` was compared, in how many places, and what differs.

    ``differences`` are what the original has or does and the variant not, the first of them; none where it ``passed``.
    """

    name: str
    passed: bool
    what: str
    compared: int
    differences: tuple[str, ...] = ()


class Proof(Struct, frozen=True, kw_only=True, gc=False):
    """Whether a smaller variant does all that the original does (``imgcompare shrink``), and what that rests on.

    ``exempt`` names what the variant leaves out on purpose: installers that nothing needs when it runs. ``unproved``
    says in sentences what could not be looked at.
    """

    passed: bool
    findings: tuple[Finding, ...]
    exempt: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()


class Variant(Struct, frozen=True, kw_only=True, gc=False):
    """Everything known of one variant; parts that its failure kept from happening are null.

    ``expected_failure`` is the code of the failure that its scenario declares: a variant that breaks like that is as
    it should be, one that works or breaks otherwise is not. ``skipped`` says why a variant was left out (its verdict is
    then ``not_checked``), ``not_measured`` what else was asked for and could not be had, and why. ``more_checks`` are
    the replies of the other routes, ``proof`` what holds a variant of it to the original;
    ``companions`` ran beside it; ``mend`` is the command that mends it, empty where no certain fix is known, and
    ``shrink`` the one that makes a lone Dockerfile's image smaller.
    """

    name: str
    source: Source
    verdict: Verdict
    image: Image | None = None
    build: Build | None = None
    run: Run | None = None
    check: Check | None = None
    failure: Failure | None = None
    warnings: tuple[Caution, ...] = ()
    hardened: Hardened | None = None
    after_change: AfterChange | None = None
    expected_failure: str | None = None
    skipped: str | None = None
    not_measured: tuple[str, ...] = ()
    more_checks: tuple[Check, ...] = ()
    proof: Proof | None = None
    mend: str = ""
    shrink: str = ""
    repeated: Repeated | None = None
    companions: tuple[Companion, ...] = ()


class Change(Struct, frozen=True, kw_only=True, gc=False):
    """How many bytes of one category of ``contents`` a variant has more (or, negative, less) than the baseline."""

    category: str
    delta_bytes: int


class ComparisonRow(Struct, frozen=True, kw_only=True, gc=False):
    """A variant against the baseline: delta = variant minus baseline, ratio = variant ÷ baseline.

    ``pull_size`` is what a server that already has the baseline would still pull, compressed; ``reasons`` are the
    changes that make the uncompressed delta, the greatest first.
    """

    variant: str
    uncompressed_delta: int | None = None
    uncompressed_ratio: float | None = None
    compressed_delta: int | None = None
    compressed_ratio: float | None = None
    layer_delta: int | None = None
    pull_size: int | None = None
    reasons: tuple[Change, ...] = ()


class Comparison(Struct, frozen=True, kw_only=True, gc=False):
    """All variants against the baseline; ``smallest_working`` is never a broken one, null if none works."""

    same_response: bool | None
    smallest_working: str | None
    rows: tuple[ComparisonRow, ...]


class Gate(Struct, frozen=True, kw_only=True, gc=False):
    """A limit, what was measured, and whether it holds: at most ``limit``, or where ``at_least`` says so, at least.

    ``subject`` is the variant and ``name`` the measure (``*_s`` seconds, ``*_size`` and ``*_bytes`` bytes, ``*_ratio``
    parts of one, ``works`` 1 or 0). ``actual`` is null where it could not be measured; the gate then does not hold, and
    ``reason`` says why.
    """

    name: str
    subject: str
    limit: int | float
    actual: int | float | None
    passed: bool
    at_least: bool = False
    reason: str = ""


class PackageCounts(Struct, frozen=True, kw_only=True, gc=False):
    """Packages by what happened to them: ``name version`` of those added or removed, ``name old → new`` of others."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Entry(StrEnum):
    """Whether a variant is in the stored baseline, in this run, or in both."""

    BOTH = "both"
    NEW = "new"
    MISSING = "missing"


class AgainstRow(Struct, frozen=True, kw_only=True, gc=False):
    """One variant now, held against what was stored of it: delta = now minus then, null where one side is missing."""

    variant: str
    entry: Entry
    uncompressed_before: int | None = None
    uncompressed_delta: int | None = None
    compressed_delta: int | None = None
    own_delta: int | None = None
    layer_delta: int | None = None
    packages: PackageCounts = PackageCounts()


class Against(Struct, frozen=True, kw_only=True, gc=False):
    """This run held against a stored baseline (``--against``); ``notes`` name what else is not the same as then.

    ``source`` is what was named, ``recorded`` when it was made, where that is known.
    """

    source: str
    rows: tuple[AgainstRow, ...]
    notes: tuple[str, ...] = ()
    recorded: str | None = None


class Shrunk(Struct, frozen=True, kw_only=True, gc=False):
    """What ``imgcompare shrink`` made: ``result`` is the smallest variant that is proved, null if none is worth it.

    ``written`` is the file that holds it, null where there is none. ``before`` and ``after`` are the two Dockerfiles,
    ``diff`` what was changed. ``rounds`` counts the attempts. ``refused`` names candidates that were dropped, and why;
    ``unproved`` says what no proof can reach.
    """

    result: str | None
    before: str
    after: str = ""
    diff: str = ""
    written: str | None = None
    rounds: int = 0
    refused: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()


class Report(Struct, frozen=True, kw_only=True, gc=False):
    """One comparison, whole; ``scenario`` is its name, ``description`` one sentence on it, ``notes`` what to learn.

    ``duration_s`` is how long all of it took, which says how to share several out; null where it was cut short.
    """

    schema_version: int
    tool: Tool
    created: str
    engine: EngineInfo
    scenario: str
    baseline: str
    variants: tuple[Variant, ...]
    comparison: Comparison
    gates: tuple[Gate, ...]
    passed: bool
    description: str = ""
    notes: tuple[str, ...] = ()
    shrunk: Shrunk | None = None
    against: Against | None = None
    duration_s: float | None = None


class Shard(Struct, frozen=True, kw_only=True, gc=False):
    """Which share of the configured comparisons a run took: the ``index``-th of ``count``, counted from 1.

    ``comparisons`` names all of them, those of the other shards too, so that what is missing after a merge has a name.
    ``seconds`` is how long each took in the report that they were shared out by; empty where it was by their number.
    """

    index: int
    count: int
    comparisons: tuple[str, ...]
    seconds: dict[str, float] = {}


class Collection(Struct, frozen=True, kw_only=True, gc=False):
    """Several comparisons: all scenarios, all that are configured, a shard of them, or shards merged.

    ``missing`` are the comparisons that should be there and are not, without which nothing passes. ``notes`` tells of
    them, and where the engines, stores or platforms of merged reports differ.
    """

    schema_version: int
    tool: Tool
    created: str
    comparisons: tuple[Report, ...]
    passed: bool
    shard: Shard | None = None
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Mending(Struct, frozen=True, kw_only=True, gc=False):
    """What ``imgcompare mend`` did to one Dockerfile, round by round, and what came out.

    ``mended`` are the failures whose ``edits`` were applied, in their order, each at lines of the Dockerfile as it then
    was; ``diff`` is all of them as a patch. ``result`` is the variant after the last round: what proves that it works,
    or what is still wrong with it. ``reason`` says why no further round was made, empty where it works.
    """

    schema_version: int
    tool: Tool
    created: str
    engine: EngineInfo
    works: bool
    mended: tuple[Failure, ...]
    diff: str
    result: Variant
    reason: str = ""


Document = Report | Collection
