"""Codes of containers that start and do not answer as they should."""

from __future__ import annotations

from imgcompare.diagnosis.explanations.entry import HEALTHCHECK, Explanation

RUNNING = (
    Explanation(
        code="binds-loopback",
        summary="the app listens on the container's own loopback",
        looks=(" * Running on http://127.0.0.1:5000", "Listening at: http://127.0.0.1:8000"),
        why="127.0.0.1 means “this machine only”, and a container counts as a machine of its own: what listens "
        "there is reached from inside the container and from nowhere else, whatever port is published. "
        "Flask's own server and gunicorn listen there unless they are told otherwise.",
        before=('CMD ["flask", "run"]',),
        after=('CMD ["flask", "run", "--host=0.0.0.0"]', '# gunicorn: --bind=0.0.0.0:5000   app.run(host="0.0.0.0")'),
        see=("docker run --rm -d --name try IMAGE", "docker exec try cat /proc/net/tcp; docker rm -f try"),
    ),
    Explanation(
        code="unknown-address",
        summary="the app is told to listen on an address that the container does not have",
        looks=("OSError: [Errno 99] Cannot assign requested address",),
        why="A container has addresses of its own, which change from run to run. That of your machine is none of them, "
        "and ::1 is there only where the engine gives containers IPv6. 0.0.0.0 stands for all there are.",
        before=('CMD ["gunicorn", "--bind=192.168.1.10:5000", "app:app"]',),
        after=('CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]',),
        see=("docker run --rm IMAGE cat /proc/net/fib_trie",),
    ),
    Explanation(
        code="wrong-port",
        summary="the app listens on another port than the one asked",
        looks=("Serving on http://0.0.0.0:8080", "# EXPOSE 5000"),
        why="EXPOSE is a note for people and tools and opens nothing: the app listens where its own options say. "
        "Here the two differ, as they do when `-p 8080:5000` is written for an app that listens on 8080.",
        before=("EXPOSE 5000", 'CMD ["waitress-serve", "app:app"]'),
        after=("EXPOSE 8080", 'CMD ["waitress-serve", "--port=8080", "app:app"]'),
        see=("docker logs CONTAINER", "docker image inspect --format '{{json .Config.ExposedPorts}}' IMAGE"),
    ),
    Explanation(
        code="never-listens",
        summary="no reply within the time given",
        looks=("No reply on container port 5000 within 60 s",),
        why="The program runs, and nobody answers: it is no server (a worker, a shell), it waits for something "
        "first (a database), it takes connections and hangs, or it needs longer to start. The evidence says "
        "whether anything listens at all.",
        before=('CMD ["python", "worker.py"]',),
        after=('CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]', "# or wait longer: imgcompare run --timeout 120"),
        see=("docker logs CONTAINER", "docker top CONTAINER"),
    ),
    Explanation(
        code="exits-at-once",
        summary="the program ended before its route answered",
        looks=("The program came to its end by itself (exit code 0)", "The container exited with code 1"),
        why="A container lives as long as its first program. With exit code 0 that had nothing more to do: a "
        "module that makes an app and does not serve it, or a server that goes into the background. With any "
        "other code it gave up; its last words, a database that is not there perhaps, are the evidence. No "
        "cause is named here because those words are the program's own and say it best.",
        before=('CMD ["python", "app.py"]', "# app.py makes the app and does not serve it"),
        after=(
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]',
            "# what it connects to, where that is reached: imgcompare run --env DATABASE_URL=…",
        ),
        see=("docker run --rm IMAGE; echo $?",),
    ),
    Explanation(
        code="companion-failed",
        summary="what runs beside the variant (a database, a cache) does not serve, so nothing is known of it",
        looks=(
            "db: it ended with exit code 1",
            "Error: Database is uninitialized and superuser password is not specified.",
        ),
        why="Each variant runs with companions of its own: services of the compose file, or of --with. One that ends, "
        "cannot start, never gets healthy or cannot be pulled says nothing of the variant's image, which is therefore "
        "not checked and not called broken. The evidence holds the end of the companion's log.",
        before=("# compose.yaml", "#   db: {image: postgres:16}"),
        after=("# compose.yaml", "#   db: {image: postgres:16, environment: {POSTGRES_PASSWORD: shop}}"),
        see=("docker compose up db", "docker compose logs db"),
    ),
    Explanation(
        code="service-missing",
        summary="the app needs something else to talk to (a database, a cache), and does not reach it",
        looks=(
            'could not translate host name "db" to address: Name or service not known',
            "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
        ),
        why="imgcompare runs each image alone. The names of a compose file's services (db, redis) are known only among "
        "the containers that compose starts, and localhost is the container itself, not your machine. An app that "
        "starts without its database, and says so at /healthz, is easier to run and to compare.",
        before=("ENV DATABASE_URL=postgres://shop@db/shop",),
        after=(
            "# give it one that its container reaches:",
            "# imgcompare run --env DATABASE_URL=postgres://shop@10.0.0.5/shop",
        ),
        see=("docker run --rm IMAGE getent hosts db",),
    ),
    Explanation(
        code="service-not-ready",
        summary="the app asks its database, cache or broker before that takes connections",
        looks=(
            "FATAL:  the database system is starting up",
            "redis.exceptions.BusyLoadingError: Redis is loading the dataset in memory",
        ),
        why="A container that has started is not a service that answers: a database takes seconds to set itself up. "
        "depends_on alone waits for the start. An app that tries again survives a restart of its database, too.",
        before=("#   depends_on: [db]",),
        after=(
            "#   depends_on: {db: {condition: service_healthy}}",
            "#   db: {healthcheck: {test: pg_isready -h localhost}}",
        ),
        see=("docker compose logs db",),
    ),
    Explanation(
        code="wrong-credentials",
        summary="a database, cache or broker does not take the user or the password that the app has",
        looks=(
            'FATAL:  password authentication failed for user "shop"',
            "Access denied for user 'shop'@'172.18.0.3' (using password: YES)",
            "redis.exceptions.AuthenticationError: Authentication required.",
        ),
        why="The two sides are set up in two places, and a database keeps the password that its volume was made with. "
        "One variable of the compose file for both sides keeps them the same.",
        before=(
            "#   db: {environment: {POSTGRES_PASSWORD: tea}}",
            "#   web: {environment: {DATABASE_URL: …:shop@db/shop}}",
        ),
        after=("#   both of ${DB_PASSWORD}, which .env says",),
        see=("docker compose exec db psql -U USER",),
    ),
    Explanation(
        code="not-migrated",
        summary="the app looks for a table or a database that nobody has made yet",
        looks=(
            "sqlite3.OperationalError: no such table: users",
            'psycopg2.errors.UndefinedTable: relation "teas" does not exist',
        ),
        why="Each variant runs with a database of its own, which is empty at first, as a new machine's is. What makes "
        "the tables has to run before the app serves: in its command, or as a service that it waits for.",
        before=('CMD ["gunicorn", "app:app"]',),
        after=(
            "#   migrate: {build: ., command: flask db upgrade}",
            "#   web: {depends_on: {migrate: {condition: service_completed_successfully}}}",
        ),
        see=("docker compose run --rm migrate",),
    ),
    Explanation(
        code="variable-not-set",
        summary="the program, or a step of the build, needs a variable that nobody sets there",
        looks=("KeyError: 'SECRET_KEY'", "./start.sh: line 3: DATABASE_URL: unbound variable"),
        why="What is exported in your own shell, or written into a .env file, is not in the container: it has the "
        "ENV of the image and what it is given when it runs. A secret is given when it runs, and never written "
        "into the image, which everybody who pulls it can read. PORT is set by some hosts and by nobody else, so "
        "give it a value to fall back on. An ARG above the first FROM is for FROM alone: a stage asks for it by name.",
        before=("CMD gunicorn --bind=0.0.0.0:$PORT app:app",),
        after=(
            "ENV PORT=8000",
            "CMD exec gunicorn --bind=0.0.0.0:$PORT app:app",
            "# for the run: imgcompare run --env SECRET_KEY=…   docker run --env SECRET_KEY=…",
        ),
        see=("docker image inspect --format '{{json .Config.Env}}' IMAGE",),
    ),
    Explanation(
        code="out-of-memory",
        summary="the kernel killed the container",
        looks=("exit code 137",),
        why="imgcompare gives each container 1 GiB of memory. What needs more is killed by the kernel without a "
        "word; the engine notes that it was memory. Most often there are too many workers, each with its own "
        "copy of the app, or something big is loaded before the first request.",
        before=('CMD ["gunicorn", "--workers=32", "app:app"]',),
        after=('CMD ["gunicorn", "--workers=2", "--preload", "app:app"]',),
        see=(
            "docker run --memory 1g --name try IMAGE",
            "docker inspect --format '{{.State.OOMKilled}}' try; docker rm try",
        ),
    ),
    Explanation(
        code="cannot-start",
        summary="the engine could not start the program, in its own words",
        looks=("OCI runtime create failed: …",),
        why="The engine refused to start the program for a reason that imgcompare does not know; its own words "
        "are the evidence. Look at CMD, ENTRYPOINT, WORKDIR and USER.",
        before=("WORKDIR /app/start.sh",),
        after=("WORKDIR /app",),
        see=("docker run --rm IMAGE", "docker image inspect --format '{{json .Config}}' IMAGE"),
    ),
    Explanation(
        code="wrong-response",
        summary="the reply is not the expected one",
        looks=("The reply has status 404, expected 200.",),
        why="A server answers, and not as asked for: the route is another one, the app lives below a prefix, a "
        "file it needs was not copied, or an error of the app makes it answer 500. The end of its log stands "
        "in the evidence.",
        before=("# imgcompare run --route /", "COPY app.py ."),
        after=("# imgcompare run --route /healthz --expect-status 200", "COPY app.py .", "COPY templates/ templates/"),
        see=("curl -i http://127.0.0.1:PORT/", "docker logs CONTAINER"),
    ),
    Explanation(
        code="different-response",
        summary="the body differs from the baseline's in more than what `check.same_but_for` can tell",
        looks=("The body differs from that of single-stage.",),
        why="Two images that answer differently are no replacements for each other. Either a file or setting is "
        "missing in one of them, or the body changes each time (a time, a host name): then say what every "
        "good one has in it.",
        before=("imgcompare run A B",),
        after=('imgcompare run A B --expect-body "Welcome"',),
        see=("curl http://127.0.0.1:PORT/",),
    ),
    Explanation(
        code="unhealthy",
        summary="the route replies, but the image's own HEALTHCHECK fails (`--health`)",
        looks=("curl: not found",),
        why="HEALTHCHECK runs a command inside the container. Slim images have no curl, so a check that was "
        "written for the full image fails although the app is well, and orchestrators restart it again and "
        "again. Python can ask as well.",
        before=("HEALTHCHECK CMD curl -f http://localhost:5000/ || exit 1",),
        after=(HEALTHCHECK,),
        see=("docker inspect --format '{{json .State.Health}}' CONTAINER",),
    ),
    Explanation(
        code="no-port",
        summary="nothing, or several ports, exposed, none given, and what listens cannot be seen",
        looks=("The port to ask is not known: the image has no EXPOSE, and what listens in its container",),
        why="imgcompare asks the app at the port that EXPOSE names. Without one, or with several, it starts the "
        "image and looks where it listens; where that cannot be seen (an engine on another machine, an image "
        "without `cat`), you have to say which.",
        before=('CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]',),
        after=(
            "EXPOSE 5000",
            'CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]',
            "# or: imgcompare run --container-port 5000",
        ),
        see=("docker image inspect --format '{{json .Config.ExposedPorts}}' IMAGE",),
    ),
    Explanation(
        code="unknown",
        summary="the evidence is not enough for a cause",
        looks=("The container exited with code 139 (SIGSEGV) and said nothing.",),
        why="The program ended with an error and without a word, nobody could look into its container, or what "
        "was seen contradicts itself. A guess would only mislead, so what was seen is shown and no more.",
        after=("# let Python tell more:", "ENV PYTHONUNBUFFERED=1 PYTHONFAULTHANDLER=1"),
        see=("docker run --rm -it --entrypoint sh IMAGE",),
    ),
)
