# Breaks as: wrong-libc
# A program built for Alpine's C library (musl) asks for a loader that Debian has not; the
# other way round it is the same. Here gcc is told to ask for it, on Debian.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION} AS builder
WORKDIR /build
RUN printf '#include <unistd.h>\nint main(int count, char **words) { return execvp(words[1], words + 1); }\n' > start.c \
    && gcc -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 -o start-app start.c

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY --from=builder /build/start-app /usr/local/bin/
COPY . sample_app/
EXPOSE 5000
CMD ["start-app", "python", "-m", "sample_app.serve"]
