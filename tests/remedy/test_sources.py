"""What a module's source names: programs however they are put together, paths, modules."""

from __future__ import annotations

import pytest

from imgcompare.remedy.sources import Source, read, script_words


def asked(text: str) -> Source:
    """What is read of a source."""
    return read(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "os.system('git log ' + name)",
        "os.system('git log %s' % name)",
        "subprocess.run('git log {}'.format(name).split())",
        "subprocess.run(shlex.split('git log'))",
        "subprocess.run(f'git log {name}', shell=True)",
        "subprocess.run(['git', *more])",
        "subprocess.run(['git'] + more)",
        "TOOL = os.environ.get('TOOL') or 'git'\nsubprocess.run([TOOL])",
        "subprocess.run([{'a': 'git'}[name]])",
        "TOOLS = {'a': 'git'}\nsubprocess.run([TOOLS[name]])",
        "TOOLS = ['file', 'git']\nfor one in TOOLS:\n    subprocess.run([one])",
        "def tool():\n    return 'git'\nsubprocess.run([tool()])",
        "def start(words):\n    return subprocess.run(words)\nstart('git log')\n",
        "subprocess.run(['hg' if old else 'git'])",
        "parser.add_argument('--tool', default='git')\nsubprocess.run([args.tool])",
        "subprocess.run(words, executable='git')",
        "if (tool := 'git'):\n    subprocess.run([tool])",
        "from subprocess import check_output as out\nout(['git'])",
        "from subprocess import run\nawait asyncio.to_thread(run, ['git', 'log'])",
        "import subprocess as sp\npool.submit(sp.check_output, ['git', 'log'])",
        "import os\nThread(target=os.system, args=('git log',))",
        "import subprocess\ngo = partial(subprocess.run, check=True)\ngo(['git'])",
        "import sh\nsh.git('log')",
        "from sh import git\ngit('log')",
        "from plumbum import local\nlocal['git']('log')",
        "from plumbum.cmd import git",
    ],
)
def test_programs_however_they_are_put_together(text: str) -> None:
    """What is started is spelled out somewhere in the module."""
    found = asked(text)
    assert "git" in found.words | found.texts


@pytest.mark.parametrize(
    "text",
    [
        "KIND = 'git'",
        "subprocess.run(['ls'])\nKIND = 'git'",
        "subprocess.run(words)\nif kind == 'git': pass",
        "subprocess.run(words)\nurl['git']",
        "subprocess.run(words)\nprint('git is not there')\nlog.info('git')",
        "subprocess.run(words)\nraise ValueError('git')",
        "'git is what this starts'\nsubprocess.run(words)",
        "subprocess.run(words)\nNAMES = {'git': 1}\nNAMES.get('git')",
        "subprocess.run(words + ' git')",
        "from subprocess import run, PIPE\nrun(['ls'], stdout=PIPE)\nKIND = 'git'",
        "import os\nthread(os.path, self.run)\nKIND = 'git'",
        "sh.git('log')",
        "local['git']",
    ],
)
def test_texts_that_are_no_programs(text: str) -> None:
    """Keys, what is compared and what is said; and all of them where what is started is spelled out."""
    found = asked(text)
    assert "git" not in found.words | found.texts


def test_what_another_module_may_start() -> None:
    """What a module and its classes set, and no more."""
    found = asked(
        "TOOL = 'git'\nclass A:\n    b: str = Field('file')\nDEEP = {'a': {'b': 'x'}}\nMORE = [('a', 'nl')]\n"
        "def f():\n    c = 'y'\n"
    )
    assert found.settings == {"git", "file", "a", "nl"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("open(os.path.join('/usr', 'share', 'misc', name))", "/usr/share/misc"),
        ("Path('/usr') / 'share' / 'misc'", "/usr/share/misc"),
        ("BASE = Path('/usr/share')\nBASE.joinpath('misc')", "/usr/share/misc"),
        ("BASE = '/usr/share'\nopen(BASE + '/misc')", "/usr/share/misc"),
        ("open('/usr/share/misc')", "/usr/share/misc"),
        ("os.path.join('/', 'usr')", "/usr"),
    ],
)
def test_paths_that_are_put_together(text: str, path: str) -> None:
    """As far as they are known."""
    assert path in asked(text).constants


def test_what_is_explained_is_not_named() -> None:
    """A docstring opens nothing."""
    assert asked("'/etc/hosts'\ndef f():\n    '/etc/group'\n").constants == set()


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("os.path.join(sys.prefix, 'share')", True),
        ("sysconfig.get_path('data')", True),
        ("site.getsitepackages()", True),
        ("router.prefix", False),
        ("sys.executable", False),
    ],
)
def test_who_asks_where_python_is_installed(text: str, asks: bool) -> None:
    """What lies beside it lies elsewhere with a virtual environment; its program is found in both."""
    assert asked(text).asks_prefix is asks


def test_modules_that_are_imported_by_name() -> None:
    """Spelled out, or one that slim images often lack where the name is a variable."""
    assert asked("importlib.import_module('a.b')").imported == {"a.b"}
    assert asked("NAME = 'tkinter'\n__import__(NAME)\nX = 'json'").imported == {"tkinter"}
    assert asked("NAME = 'tkinter'").imported == set()


def test_libraries_by_a_variable() -> None:
    """What is looked for is spelled out elsewhere."""
    assert "libmagic.so." in asked("NAME = 'magic'\nctypes.util.find_library(NAME)").libraries


def test_sudo_is_started_and_what_it_starts() -> None:
    """It sets PATH anew, so it is of account itself."""
    assert set(script_words("set -e\nsudo python run.py")) >= {"sudo", "python"}
    assert script_words("pseudo x") == ["pseudo"]


@pytest.mark.parametrize("text", ["def (", "\0", "(" * 2000])
def test_what_is_no_source_names_nothing(text: str) -> None:
    """Another version's syntax, or a template."""
    assert asked(text).words == set()


@pytest.mark.parametrize(
    "text",
    [
        "timeout 5 git log",
        "nice -n 5 git log",
        "cd /x && sudo -u worker git pull",
        "bash -c 'git log'",
        'sh -c "cd /x; git log"',
        "env A=1 timeout -k 1 5 git log",
        "ls | xargs -n1 git add",
        "find . -name x -exec git add {} +",
        "su worker -c 'git log'",
        "exec tini -- git daemon",
        "flock /tmp/lock git pull",
    ],
)
def test_what_another_program_starts(text: str) -> None:
    """Behind its options, or in a text that it gives a shell."""
    assert "git" in script_words(text)
    assert "git" in asked(f"subprocess.run({text!r}, shell=True)").words


@pytest.mark.parametrize("text", ["# timeout 5 git log", "ls git", "echo 'git log'", "timeout 5 ls # git"])
def test_what_no_program_starts(text: str) -> None:
    """Comments, and arguments of what starts nothing."""
    assert "git" not in script_words(text)
