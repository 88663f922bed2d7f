# The Alpine image: another Linux, with musl in place of glibc. The smallest, as long as every
# package has wheels for musl; one that has none is compiled, and that needs compilers.

ARG PYTHON_VERSION=3.11

# The only line in which the three differ.
FROM python:${PYTHON_VERSION}-alpine
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
EXPOSE 5000
USER 10001
CMD ["gunicorn", "--bind=0.0.0.0:5000", "--worker-tmp-dir=/dev/shm", "app:app"]
