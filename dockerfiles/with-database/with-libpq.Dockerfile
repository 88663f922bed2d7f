# Compiled with the full image, shipped on the slim one: libpq, which psycopg2 loads, is installed there, too.
ARG PYTHON_VERSION=3.11
FROM python:${PYTHON_VERSION} AS builder
WORKDIR /src
COPY requirements.txt .
RUN pip install --no-cache-dir --prefix=/install -r requirements.txt

FROM python:${PYTHON_VERSION}-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=builder /install /usr/local
WORKDIR /app
COPY app.py .
USER 10001
EXPOSE 5000
CMD ["gunicorn", "--bind=0.0.0.0:5000", "--worker-tmp-dir=/tmp", "app:app"]
