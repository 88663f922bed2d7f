# Mended: packages and commands are in one virtual environment, which is taken along.

ARG PYTHON_VERSION=3.11


# ---- Stage 1, the builder ------------------------------------------------------------
FROM python:${PYTHON_VERSION}-slim AS builder
RUN python -m venv --without-pip /opt/venv
WORKDIR /build
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt


# ---- Stage 2, the image that is shipped ----------------------------------------------
FROM python:${PYTHON_VERSION}-slim

# /opt/venv/bin/flask comes along, and PATH says where it is.
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

WORKDIR /app
COPY . .

# No FLASK_ENV: it would do nothing.
ENV FLASK_APP=app.py
EXPOSE 5000
CMD ["flask", "run", "--host=0.0.0.0"]
