"""What is said against a variant that works: each warning by its cause, and near misses that must stay silent."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from imgcompare.diagnosis.cautions import Seen, find
from imgcompare.dockerfile.parser import parse
from imgcompare.engine.interface import EngineImage
from imgcompare.engine.options import Healthcheck
from imgcompare.model import Image, Layer, Packages, PythonPackage, Run, SecretFile, Security, WastedFile
from tests.support.reports import variant

SITE = "/usr/local/lib/python3.11/site-packages"
CHECK = Healthcheck(command=("check",))


def _image(*, root: bool = False, **fields: Any) -> Image:
    security = Security(runs_as_root=root, shells=1, compilers=0, package_managers=1, setuid_files=0)
    made = variant("shop").image
    assert made
    return replace(made, security=security, **fields)


def _settings(**fields: Any) -> EngineImage:
    usual = {"healthcheck": CHECK, "cmd": ("gunicorn", "shop:app"), "exposed_ports": ("5000/tcp",)}
    given: dict[str, Any] = usual | fields
    return EngineImage(image="sha256:1", os="linux", architecture="amd64", diff_ids=(), labels={}, **given)


def _evidence(image: Image | None = None, **fields: Any) -> Seen:
    given: dict[str, Any] = {"settings": _settings(), "run": Run(container_port=5000, host_port=1)} | fields
    return Seen(image=image or _image(), **given)


def _codes(evidence: Seen) -> list[str]:
    return [caution.code for caution in find(evidence)]


def _python(name: str, version: str) -> Packages:
    return Packages(python=(PythonPackage(name=name, version=version, installed_bytes=1, location=SITE),))


def test_an_image_with_nothing_wrong_has_no_warning() -> None:
    """Not root, with a HEALTHCHECK, a real server and no secrets."""
    assert find(_evidence()) == ()


def test_root_is_told_and_mended_by_a_number() -> None:
    """Whether the user is root's name or there is none."""
    (caution,) = find(_evidence(_image(root=True, user="")))
    assert (caution.code, caution.fix) == ("runs-as-root", ("USER 10001",))
    assert caution.evidence == ("the image's config names no user",)
    (caution,) = find(_evidence(_image(root=True, user="root")))
    assert caution.evidence == ("USER root",)


def test_a_healthcheck_that_is_missing_is_told() -> None:
    """With a line that works where there is Python, and none where that is not known."""
    (caution,) = find(_evidence(_image(packages=_python("shop", "1")), settings=_settings(healthcheck=None)))
    assert caution.code == "no-healthcheck"
    assert caution.fix[0].startswith('HEALTHCHECK CMD ["python", "-c", ')
    (caution,) = find(_evidence(settings=_settings(healthcheck=None)))
    assert caution.fix == ()


def test_a_port_that_is_not_exposed_is_told() -> None:
    """With the one that it answered on; an image that was not run is not known to serve one."""
    (caution,) = find(_evidence(settings=_settings(exposed_ports=())))
    assert (caution.code, caution.fix) == ("no-expose", ("EXPOSE 5000",))
    assert find(_evidence(settings=_settings(exposed_ports=()), run=None)) == ()
    (caution,) = find(_evidence(settings=_settings(exposed_ports=("5000/udp", "80/tcp"))))
    assert caution.message == "Its EXPOSE names 5000/udp, 80/tcp, and it answers on port 5000."
    assert find(_evidence(settings=_settings(exposed_ports=("80/tcp", "5000/tcp")))) == ()


def test_a_healthcheck_that_is_switched_off_is_a_decision() -> None:
    """``HEALTHCHECK NONE``."""
    assert find(_evidence(settings=_settings(healthcheck=Healthcheck(command=())))) == ()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("WARNING: This is a development server. Do not use it in a production deployment.", "development-server"),
        ("Starting development server at http://0.0.0.0:8000/", "development-server"),
        (" * Debug mode: on", "debug-mode"),
        (" * Debugger is active!", "debug-mode"),
    ],
)
def test_a_log_that_gives_itself_away(line: str, code: str) -> None:
    """The line itself is the proof."""
    (caution,) = find(_evidence(log=["starting", line]))
    assert caution.code == code
    assert caution.evidence == (line.strip(),)


@pytest.mark.parametrize("line", [" * Debug mode: off", "Serving the development servers' list", "debugger"])
def test_a_log_that_only_looks_like_it(line: str) -> None:
    """Other words of the same kind."""
    assert find(_evidence(log=[line])) == ()


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        ({"cmd": ("python", "server.py")}, 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "server:app"]'),
        (
            {"cmd": ("python", "/srv/web.py")},
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "--pythonpath=/srv", "web:app"]',
        ),
        (
            {"cmd": ("python", "/srv/web.py"), "working_dir": "/srv"},
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "web:app"]',
        ),
        (
            {"cmd": ("python", "src/web.py"), "working_dir": "/srv"},
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "--pythonpath=src", "web:app"]',
        ),
        (
            {"cmd": ("flask", "run"), "env": ("FLASK_APP=shop.web:create_app",)},
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "shop.web:create_app()"]',
        ),
        (
            {"entrypoint": ("/sbin/tini", "--"), "cmd": ("python", "web.py")},
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "web:app"]',
        ),
        (
            {"entrypoint": ("/sbin/tini", "--", "python", "web.py"), "cmd": ()},
            'ENTRYPOINT ["/sbin/tini", "--", "gunicorn", "--bind=0.0.0.0:5000", "web:app"]',
        ),
        (
            {"entrypoint": ("sh", "-c", "python web.py"), "cmd": ()},
            'ENTRYPOINT ["gunicorn", "--bind=0.0.0.0:5000", "web:app"]',
        ),
        (
            {"cmd": ("/bin/sh", "-c", "python init.py && exec flask run")},
            "CMD python init.py && exec gunicorn --bind=0.0.0.0:5000 app:app",
        ),
        ({"cmd": ("python", "-m", "shop.web")}, 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "shop.web:app"]'),
        ({"cmd": ("flask", "--app", "web", "run")}, 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "web:app"]'),
        (
            {"cmd": ("python", "-m", "flask", "run"), "env": ("FLASK_APP=web.py",)},
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "web:app"]',
        ),
        ({"cmd": ("flask", "run")}, 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]'),
    ],
)
def test_the_server_to_use_instead_serves_the_same_module(settings: dict[str, Any], command: str) -> None:
    """Gunicorn is installed first, unless it is there."""
    log = ["This is a development server."]
    (caution,) = find(_evidence(settings=_settings(**settings), log=log))
    assert caution.fix == ("RUN pip install --no-cache-dir gunicorn", command)
    (caution,) = find(
        _evidence(_image(packages=_python("gunicorn", "23.0.0")), settings=_settings(**settings), log=log)
    )
    assert caution.fix == (command,)


def test_where_entrypoint_starts_the_app_both_lines_are_rewritten() -> None:
    """Else the program of ENTRYPOINT would be handed the new server's name."""
    settings = _settings(entrypoint=("python",), cmd=("web.py",))
    (caution,) = find(_evidence(settings=settings, log=["This is a development server."]))
    assert caution.fix == (
        "RUN pip install --no-cache-dir gunicorn",
        'ENTRYPOINT ["gunicorn"]',
        'CMD ["--bind=0.0.0.0:5000", "web:app"]',
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"cmd": ("/start.sh",)},
        {"cmd": ("/bin/sh", "-c", "DEBUG=0 python web.py")},
        {"cmd": ("/bin/sh", "-c", "cd /srv\npython web.py")},
    ],
)
def test_where_it_cannot_be_seen_what_starts_the_app_no_lines_are_given(settings: dict[str, Any]) -> None:
    """A script of the image's, or a line that would lose what stands before the command."""
    (caution,) = find(_evidence(settings=_settings(**settings), log=["This is a development server."]))
    assert (caution.fix, caution.hint[:4]) == ((), "Let ")


@pytest.mark.parametrize(
    ("location", "path", "pip", "line"),
    [
        ("/opt/venv", "/opt/venv/bin:/usr/bin", True, "RUN pip install --no-cache-dir gunicorn"),
        ("/opt/venv", "/usr/local/bin", True, "RUN /opt/venv/bin/pip install --no-cache-dir gunicorn"),
        ("/opt/venv", "/opt/venv/bin", False, "RUN pip --python /opt/venv/bin/python install --no-cache-dir gunicorn"),
    ],
)
def test_gunicorn_is_installed_where_the_framework_is(location: str, path: str, pip: bool, line: str) -> None:
    """Into the virtual environment that the app runs in, not into the system's Python."""
    site = f"{location}/lib/python3.11/site-packages"
    names = ("flask", "pip") if pip else ("flask",)
    packages = Packages(
        python=tuple(PythonPackage(name=name, version="24.0", installed_bytes=1, location=site) for name in names)
    )
    settings = _settings(cmd=("python", "web.py"), env=(f"PATH={path}",))
    (caution,) = find(_evidence(_image(packages=packages), settings=settings, log=["This is a development server."]))
    assert caution.fix[0] == line


@pytest.mark.parametrize(
    ("command", "fix"),
    [
        (("fastapi", "dev", "shop.py", "--port", "8000"), 'CMD ["fastapi", "run", "shop.py", "--port", "8000"]'),
        (("python", "manage.py", "runserver", "0.0.0.0:8000"), 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "shop.wsgi"]'),
        (("uvicorn", "shop:app", "--reload"), None),
        (("/start.sh", "gunicorn", "--reload", "shop:app"), None),
    ],
)
def test_a_command_for_development(command: tuple[str, ...], fix: str | None) -> None:
    """Where the log keeps silent, the command tells; a server with --reload is one for development only."""
    settings = _settings(cmd=command, env=("DJANGO_SETTINGS_MODULE=shop.settings",))
    (caution,) = find(_evidence(settings=settings))
    assert (caution.code, caution.evidence) == ("development-server", (" ".join(command),))
    assert caution.fix[-1:] == ((fix,) if fix else ())


@pytest.mark.parametrize(
    "command", [("gunicorn", "--reload-extra-file=x", "shop:app"), ("python", "manage.py", "check")]
)
def test_a_command_that_only_looks_like_it(command: tuple[str, ...]) -> None:
    """Another option, another command."""
    assert find(_evidence(settings=_settings(cmd=command))) == ()


@pytest.mark.parametrize(("value", "on"), [("1", True), ("True", True), ("0", False), ("false", False), ("", False)])
def test_debug_mode_by_a_variable(value: str, on: bool) -> None:
    """As Flask reads it."""
    found = find(_evidence(settings=_settings(env=(f"FLASK_DEBUG={value}",))))
    assert [caution.code for caution in found] == (["debug-mode"] if on else [])
    assert not on or found[0].fix == ("ENV FLASK_DEBUG=0",)


@pytest.mark.parametrize(
    ("version", "env", "told"),
    [
        ("2.3.3", "FLASK_ENV=production", True),
        ("3.1", "FLASK_ENV=development", True),
        ("2.2.5", "FLASK_ENV=production", False),
        ("2.3.3", "FLASK_APP=app.py", False),
    ],
)
def test_flask_env_has_no_effect_since_flask_2_3(version: str, env: str, told: bool) -> None:
    """Where an older Flask reads it, it is right."""
    found = find(_evidence(_image(packages=_python("Flask", version)), settings=_settings(env=(env,))))
    assert [caution.code for caution in found] == (["flask-env-ignored"] if told else [])
    assert not told or found[0].evidence == (f"ENV {env}", f"Flask {version} in {SITE}")


@pytest.mark.parametrize(
    "variable",
    [
        "DB_PASSWORD=hunter2",
        "API_TOKEN=abcdef",
        "SECRET_KEY=0123456789abcdef",
        "AWS_SECRET_ACCESS_KEY=x1y2z3",
        "DATABASE_URL=postgres://shop:hunter2@db/shop",
        "DB_PASS=hunter2",
        "POSTGRES_PASSWORD=postgres",
        "MYSQL_PWD=hunter2",
        "ENCRYPTION_KEY=0123456789abcdef",
        "SSH_KEY=0123456789abcdef",
    ],
)
def test_a_secret_in_the_environment_is_told_by_its_name_only(variable: str) -> None:
    """Its value is nowhere."""
    (caution,) = find(_evidence(settings=_settings(env=(variable,))))
    name, _, value = variable.partition("=")
    assert caution.code == "secret-in-image"
    assert name in caution.message
    assert value not in str(caution)


@pytest.mark.parametrize(
    "variable",
    [
        "AUTHOR=Jo",
        "DB_PASSWORD_FILE=/run/secrets/db",
        "TOKEN_URL=https://shop.example/token",
        "SECRET_KEY=",
        "AUTH_ENABLED=true",
        "BASIC_AUTH=off",
        "PASSWORD_MIN_LENGTH=12",
        "MAX_TOKENS=100000",
        "TOKENIZERS_PARALLELISM=false",
        "TOKENIZER=bert",
        "TOKEN_TTL=86400s",
        "AUTH_BACKEND=ldap",
        "PASSWORD_HASHER=argon2",
        "PRIVATE_NETWORK=10.0.0.0/8",
        "PUBLIC_KEY=abc",
        "AUTH_PUBLIC_KEY=abc",
        "AUTH_MODULE_VERSION=1.2.3",
        "AUTH_USER_MODEL=shop.User",
        "PASSWORD_HASHERS=argon2",
        "TOKEN_AUDIENCE=shop",
        "USE_AUTH=1",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "DATABASE_URL=postgres://shop@db/shop",
        "PATH=/usr/bin",
    ],
)
def test_what_only_sounds_like_a_secret(variable: str) -> None:
    """Where one is kept, who wrote it, a switch, a number, nothing."""
    assert find(_evidence(settings=_settings(env=(variable,)))) == ()


def test_a_copied_file_with_secrets_is_named() -> None:
    """Its path, and the names of what it holds."""
    image = _image(secret_files=(SecretFile(path="/app/.env", holds=("SECRET_KEY", "DB_PASS")),))
    (caution,) = find(_evidence(image))
    assert caution.code == "secret-in-image"
    assert caution.message == "Secrets are in the image: /app/.env."
    assert caution.evidence == ("/app/.env: SECRET_KEY, DB_PASS",)
    assert ".dockerignore" in caution.hint


def test_a_secret_build_argument_is_in_the_history() -> None:
    """Of a step that it was in scope of, or by its default; in the base image it is somebody else's."""
    own = Layer(diff_id="1", created_by="RUN make (ARG VERSION, NPM_TOKEN)", uncompressed_size=1, file_count=1)
    (caution,) = find(_evidence(_image(layers=(own,))))
    assert caution.evidence == ("ARG NPM_TOKEN in the image's history",)
    assert caution.fix == ("RUN --mount=type=secret,id=NPM_TOKEN,env=NPM_TOKEN …",)
    assert find(_evidence(_image(layers=(replace(own, base=True),)))) == ()


@pytest.mark.parametrize(
    ("instruction", "given", "told"),
    [
        ("ARG API_TOKEN", {"API_TOKEN": "abcdef"}, True),
        ("ARG API_TOKEN=abc", {}, True),
        ("ARG API_TOKEN", {}, False),
        ("ARG VERSION=1", {"VERSION": "2"}, False),
        ("ARG USE_AUTH", {"USE_AUTH": "1"}, False),
        ("ARG AUTH=no", {}, False),
        ("ARG PIP_INDEX_URL", {"PIP_INDEX_URL": "https://jo:hunter2@pip.example/simple"}, True),
        ("ARG PIP_INDEX_URL=https://pip.example/simple", {}, False),
    ],
)
def test_a_secret_argument_of_the_dockerfile(instruction: str, given: dict[str, str], told: bool) -> None:
    """One that nobody gave a value is in no history."""
    _, stages = parse(f"FROM scratch\n{instruction}\n", "Dockerfile").chain(None, {})
    found = find(_evidence(stages=stages, build_args=given))
    assert [caution.code for caution in found] == (["secret-in-image"] if told else [])


def _killed() -> Run:
    return Run(container_port=5000, host_port=1, stop_signal="SIGTERM", stopped_after_s=10.02, killed=True)


@pytest.mark.parametrize(
    ("cmd", "fix"),
    [
        (("python", "app.py"), ("STOPSIGNAL SIGINT",)),
        (("/usr/local/bin/python3.11", "app.py"), ("STOPSIGNAL SIGINT",)),
        (("/bin/sh", "-c", "node 'my app.js'"), ('CMD ["node", "my app.js"]',)),
        (("/bin/sh", "-c", "python app.py"), ('CMD ["python", "app.py"]', "STOPSIGNAL SIGINT")),
        (("/bin/sh", "-c", "node app.js --port $PORT"), ()),
        (("node", "app.js"), ()),
    ],
)
def test_a_container_that_had_to_be_killed(cmd: tuple[str, ...], fix: tuple[str, ...]) -> None:
    """Signal, time and command are the proof; the line is given where it is sure."""
    (caution,) = find(_evidence(settings=_settings(cmd=cmd), run=_killed()))
    assert caution.code == "ignores-stop-signal"
    assert caution.evidence == ("SIGTERM sent, killed after 10.0 s", " ".join(cmd))
    assert caution.fix == fix


def test_the_line_to_write_is_that_of_the_instruction_which_starts_it() -> None:
    """A CMD beside an ENTRYPOINT that is a line would change nothing."""
    settings = _settings(entrypoint=("/bin/sh", "-c", "serve --all"), cmd=())
    (caution,) = find(_evidence(settings=settings, run=_killed()))
    assert caution.fix == ('ENTRYPOINT ["serve", "--all"]',)


def test_a_container_that_stops_slowly_was_not_killed() -> None:
    """It ends its work first."""
    assert find(_evidence(run=replace(_killed(), stopped_after_s=9.0, killed=False))) == ()


def _chowned(by: str, size: int) -> Image:
    return _image(
        layers=(Layer(diff_id="1", created_by=by, uncompressed_size=size, file_count=1),),
        wasted_files=(WastedFile(path="app/data", wasted_bytes=size, copies=2, wasted_by=by),),
    )


def test_a_chown_after_the_copy_stores_everything_twice() -> None:
    """The COPY of the same Dockerfile is shown as it should be."""
    by = "RUN chown -R app:app /app"
    text = "FROM scratch\nCOPY etc /etc/\nCOPY . /app/\nRUN chown -R app:app /app\n"
    _, stages = parse(text, "Dockerfile").chain(None, {})
    (caution,) = find(_evidence(_chowned(by, 12_300_000), stages=stages))
    assert caution.code == "same-payload-twice"
    assert caution.evidence == ("RUN chown -R app:app /app: 12.3 MB again",)
    assert caution.fix == ("COPY --chown=app:app . /app/",)


@pytest.mark.parametrize(
    ("by", "size"),
    [("RUN pip install -r requirements.txt", 12_300_000), ("RUN chown app /app/data", 2000), ("COPY chowned /", 10**6)],
)
def test_waste_of_another_kind_is_no_chown(by: str, size: int) -> None:
    """Overwritten by something else, or too little to speak of."""
    assert find(_evidence(_chowned(by, size))) == ()


def test_what_the_same_step_deletes_is_not_stored_again() -> None:
    """``rm -rf /usr/share/doc && chown -R app /app``: of what is gone there is one copy, and none in use."""
    by = "RUN rm -rf /usr/share/doc && chown -R app /app"
    gone = WastedFile(path="usr/share/doc/x", wasted_bytes=1_100_000, copies=1, wasted_by=by)
    assert find(_evidence(replace(_chowned(by, 1_100_000), wasted_files=(gone,)))) == ()


def test_several_come_in_the_order_of_their_weight() -> None:
    """What is dangerous before what is untidy."""
    image = _image(root=True, packages=_python("flask", "3.1.2"))
    settings = _settings(healthcheck=None, env=("FLASK_ENV=development", "FLASK_DEBUG=1", "API_TOKEN=abc"))
    assert _codes(_evidence(image, settings=settings, run=_killed(), log=["This is a development server."])) == [
        "runs-as-root",
        "secret-in-image",
        "debug-mode",
        "development-server",
        "ignores-stop-signal",
        "no-healthcheck",
        "flask-env-ignored",
    ]
