"""Run inside a container beside ``inside.py``: what the source of a Python module names.

Programs that it starts, and what may be the name of one where it does not say; texts that paths, libraries and fonts
stand in; modules that it imports anywhere. Only the standard library is there, of Python 3.7 or later.
"""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any

_STARTERS = frozenset(
    (
        *("run", "Popen", "call", "check_call", "check_output", "system", "popen", "which", "getoutput"),
        *("getstatusoutput", "create_subprocess_exec", "create_subprocess_shell", "subprocess_exec"),
        *("subprocess_shell", "spawn", "execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe"),
        *("posix_spawn", "posix_spawnp", "spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp"),
        *("spawnvpe",),
    )
)
# What these are of, and what has a name for each program.
_STARTING = frozenset(("subprocess", "os", "asyncio", "asyncio.subprocess", "shutil", "pty"))
_SHELLS = ("sh", "plumbum.cmd")
_COMMANDS = ("args", "cmd", "command", "executable", "program")
_LOADERS = frozenset(("CDLL", "PyDLL", "LoadLibrary", "dlopen"))
_IMPORTERS = frozenset(("import_module", "__import__", "find_spec", "import_string"))
_SAID = frozenset(("print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "echo"))
_PREFIXES = frozenset(("prefix", "exec_prefix", "base_prefix"))
_OF_PREFIX = frozenset(("sysconfig", "getsitepackages"))
# Where a program stands in a shell's script, behind keywords, assignments and what starts another.
_PLACE = re.compile(
    r"(?:^|[;&|(`{])[ \t]*(?:(?:then|do|else|elif|exec|if|while|until|!|sudo|env|nohup|nice|time|command|xargs"
    r"|[A-Za-z_]\w*=\S*)[ \t]+)*([\w./+-]+)",
    re.MULTILINE,
)
# What starts a program that stands behind its own options, or in a text.
_STARTS_OTHERS = re.compile(
    r"-|(?:.*/)?(?:sudo|env|nohup|nice|ionice|time|timeout|xargs|setsid|stdbuf|chroot|flock|exec|su|find|watch|parallel"
    r"|tini|dumb-init|gosu|(?:ba|da|a|k|z)?sh)$"
)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$")
# What of the standard library slim images cannot import.
_OFTEN_LEFT_OUT = frozenset(("tkinter", "turtle", "idlelib"))
_LONGEST = 2000


class Source:
    """What was found in one.

    ``words`` are programs, ``defaults`` what parameters are set to. Where something is started that is not spelled out
    there (``is_open``), any of its ``texts`` may be what is started, and any of the ``settings`` of other modules.
    """

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.is_open = False
        self.texts: set[str] = set()
        self.settings: set[str] = set()
        self.defaults: set[str] = set()
        self.constants: set[str] = set()
        self.libraries: set[str] = set()
        self.imported: set[str] = set()
        self.asks_prefix = False


def read(source: bytes, *, only_programs: bool = False) -> Source:
    """What a module's source names; nothing where it is none."""
    found = Source()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    nodes = list(ast.walk(tree))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    taken = _taken_starters(nodes)
    starters = _STARTERS | taken
    starts = [call for call in calls if _called(call) in starters]
    for call in starts:
        named = [one.value for one in call.keywords if one.arg in _COMMANDS]
        for text in _each([*call.args, *named]):
            found.words.update(programs(text))
    found.is_open = any(not all(map(_is_plain, call.args[:1])) for call in starts) or _hands_on(nodes, calls, taken)
    found.words.update(_of_shells(nodes))
    for node in nodes:
        if isinstance(node, ast.arguments):
            words = _first_words(_each([*node.defaults, *node.kw_defaults]))
            found.defaults.update(word for word in words if len(word) > 1)  # "w" is how a file is opened
    if only_programs:
        return found
    if found.is_open:
        for text in _values(tree):
            found.texts.update(programs(text))
    found.settings.update(_first_words(_settings(tree)))
    found.constants.update(_constants(tree, nodes))
    found.imported.update(_imported(nodes, calls))
    found.libraries.update(_libraries(calls, found.constants))
    found.asks_prefix = any(map(_asks_prefix, nodes))
    return found


def programs(text: str) -> list[str]:
    """The words of a text that a shell or a system would start."""
    if not any(letter.isspace() for letter in text.strip()):
        return [text.strip()]
    return script_words(text) + text.split()[:1]


def script_words(text: str) -> list[str]:
    """The words of a script that stand where a program does."""
    words = _PLACE.findall(text)
    if any(map(_STARTS_OTHERS.match, words)):
        words += [word for line in text.splitlines() for word in _started_by_others(line)]
    first = text.partition("\n")[0]
    words += ["sudo"] if re.search(r"\bsudo[ \t]", text) else []
    return words + (first[2:].split() if first.startswith("#!") else [])


def _started_by_others(line: str) -> list[str]:
    """All words of a line in which something starts what stands behind it, and behind its options."""
    if line.lstrip().startswith("#") or not any(map(_STARTS_OTHERS.match, _PLACE.findall(line))):
        return []
    try:
        parts = shlex.split(line, comments=True)
    except ValueError:
        parts = line.split()
    texts = [part for part in parts if any(letter.isspace() for letter in part)]
    words = [word for text in texts for word in script_words(text)]
    return words + [word.strip(";()`") for word in parts if word not in texts]


def _taken_starters(nodes: Any) -> Any:
    """What starters are called in a module that imports them by themselves."""
    taken = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module in _STARTING]
    return {one.asname or one.name for node in taken for one in node.names if one.name in _STARTERS}


def _hands_on(nodes: Any, calls: Any, taken: Any) -> bool:
    """Whether a starter goes to somebody else who calls it, a thread say: what it is given stands anywhere."""
    called = {id(call.func) for call in calls}
    imports = [node for node in nodes if isinstance(node, ast.Import)]
    modules = {one.asname or one.name for node in imports for one in node.names if one.name in _STARTING}
    for node in nodes:
        if id(node) in called:
            continue
        if isinstance(node, ast.Name) and node.id in taken and isinstance(node.ctx, ast.Load):
            return True
        if isinstance(node, ast.Attribute) and node.attr in _STARTERS and getattr(node.value, "id", "") in modules:
            return True
    return False


def _of_shells(nodes: Any) -> Any:
    """Programs that are spelled as Python's own names: ``sh.git``, ``from sh import git``, ``local["git"]``."""
    modules = {one.name for node in nodes if isinstance(node, ast.Import) for one in node.names}
    taken = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    modules |= {node.module or "" for node in taken}
    for node in taken:
        if node.module in _SHELLS:
            yield from (one.name.replace("_", "-") for one in node.names)
    for node in nodes:
        if isinstance(node, ast.Attribute) and "sh" in modules and getattr(node.value, "id", "") == "sh":
            yield node.attr.replace("_", "-")
        if isinstance(node, ast.Subscript) and "plumbum" in modules and getattr(node.value, "id", "") == "local":
            place: Any = node.slice
            yield from leading(getattr(place, "value", place) if _text(place) is None else place)  # Index before 3.9


def _called(call: Any) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _text(node: Any) -> Any:
    """The text that a node is; None where it is none."""
    value = node.value if hasattr(node, "value") else getattr(node, "s", None)  # ``s`` before 3.8
    return value if isinstance(value, str) else None


def _is_plain(node: Any) -> bool:
    """Whether what is started stands there as it is."""
    first = node.elts[0] if isinstance(node, (ast.List, ast.Tuple)) and node.elts else node
    return _text(first) is not None


def _each(nodes: Any) -> Any:
    """How these may begin, of lists each."""
    for node in nodes:
        if isinstance(node, (ast.List, ast.Tuple)):
            for text in _each(node.elts):
                yield text
        elif node is not None:
            for text in leading(node):
                yield text


def leading(node: Any) -> Any:
    """The texts that what a node comes to may begin with."""
    text = _text(node)
    if text is not None:
        yield text
    for part in [] if text is not None else _parts(node):
        yield from leading(part)


def _parts(node: Any) -> Any:
    """The nodes that decide how what a node comes to begins."""
    if isinstance(node, ast.Call):
        return _parts_of_call(node)
    if isinstance(node, ast.BinOp):
        return [node.left]
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, (ast.BoolOp, ast.Dict)):
        return [one for one in node.values if not isinstance(one, ast.Dict)]
    if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.JoinedStr)):
        return (node.values if isinstance(node, ast.JoinedStr) else node.elts)[:1]
    return [node.value] if isinstance(node, (ast.Subscript, ast.Starred, ast.FormattedValue, ast.Await)) else []


def _parts_of_call(call: Any) -> Any:
    """A default, the text whose method is called (format, split), else what is given; not a key that is asked for."""
    parts = [one.value for one in call.keywords if one.arg == "default"]
    if isinstance(call.func, ast.Attribute) and _text(call.func.value) is not None:
        return [*parts, call.func.value]
    return [*parts, *(call.args[1:] if _called(call) in ("get", "getenv") else call.args)]


def _first_words(texts: Any) -> Any:
    for text in texts:
        yield from text.split()[:1]


def _values(node: Any) -> Any:
    """The texts that stand for something: no keys, nothing that is compared, said or explained."""
    if isinstance(node, (ast.Raise, ast.Compare)) or (isinstance(node, ast.Expr) and _text(node.value) is not None):
        return
    if isinstance(node, ast.Call) and _called(node) in _SAID:
        return
    if _text(node) is not None or isinstance(node, ast.JoinedStr):
        yield from (one for one in leading(node) if len(one) <= _LONGEST)
        return
    for one in _inner(node):
        yield from _values(one)


def _inner(node: Any) -> Any:
    """What is within a node, but keys, and texts that stand behind others."""
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, ast.Subscript):
        return [node.value]
    if isinstance(node, ast.BinOp):
        return [node.left, *([] if _text(node.right) is not None else [node.right])]
    if isinstance(node, ast.Call) and _called(node) in ("get", "getenv"):
        return [node.func, *node.args[1:], *node.keywords]
    return ast.iter_child_nodes(node)


def _settings(tree: Any) -> Any:
    """What a module and its classes set: another module may start it."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            yield from _any_of(node.value)
        elif isinstance(node, (ast.ClassDef, ast.If, ast.Try)):
            waiting += [*node.body, *getattr(node, "orelse", [])]


def _any_of(node: Any) -> Any:
    """The texts that what is set may begin with, whichever of a collection is taken."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict)):
        for one in node.values if isinstance(node, ast.Dict) else node.elts:
            yield from () if isinstance(one, ast.Dict) else _any_of(one)
    else:
        yield from leading(node)


def _constants(tree: Any, nodes: Any) -> Any:
    """All texts but explanations, and the paths that are put together of some."""
    spoken = {id(node.value) for node in nodes if isinstance(node, ast.Expr) and _text(node.value) is not None}
    names = {
        target.id: _joined(node.value, {})
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes:
        text = _text(node)
        if text is None and isinstance(node, (ast.BinOp, ast.Call)):
            text = _joined(node, names)
        if text and id(node) not in spoken and len(text) <= _LONGEST:
            yield text


def _joined(node: Any, names: Any) -> str:
    """The path that is put together there, as far as it is known; "" for none."""
    if isinstance(node, ast.Name):
        return str(names.get(node.id, ""))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = [node.left, node.right]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _joined(node.left, names), _text(node.right) or ""
        return left + right
    elif isinstance(node, ast.Call) and _called(node) in ("join", "Path", "PurePath"):
        parts = list(node.args)
    elif isinstance(node, ast.Call) and _called(node) == "joinpath" and isinstance(node.func, ast.Attribute):
        parts = [node.func.value, *node.args]
    else:
        return _text(node) or ""
    known: list[str] = []
    for part in parts:
        text = _joined(part, names)
        if not text:
            break
        known.append(text.rstrip("/") if len(text) > 1 else "")
    return "/".join(known) if known and (known[0] or len(known) > 1) else ""


def _libraries(calls: Any, constants: Any) -> Any:
    """Libraries that are loaded by name; one that ends in a dot in any version."""
    for call in calls:
        texts = list(_each(call.args[:1]))
        if _called(call) == "find_library":
            for text in texts or constants:
                if re.match(r"[\w+.-]+$", text):
                    yield f"lib{text}.so."
        elif _called(call) in _LOADERS:
            for text in texts:
                if "/" not in text and ".so" in text:
                    yield text


def _imported(nodes: Any, calls: Any) -> Any:
    """Modules that are imported anywhere."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
    yield from _imported_by_name(nodes, calls)


def _imported_by_name(nodes: Any, calls: Any) -> Any:
    asked = [call for call in calls if _called(call) in _IMPORTERS and call.args]
    yield from (text for call in asked for text in leading(call.args[0]) if _DOTTED.match(text))
    if any(_text(call.args[0]) is None for call in asked):
        yield from _OFTEN_LEFT_OUT.intersection(map(_text, nodes))


def _asks_prefix(node: Any) -> bool:
    """Whether it asks where Python is installed: what lies there lies elsewhere with a virtual environment."""
    if isinstance(node, ast.Attribute):
        asked = node.attr in _PREFIXES and getattr(node.value, "id", "") == "sys"
        return asked or node.attr in _OF_PREFIX
    return isinstance(node, ast.Name) and node.id in _OF_PREFIX
