# Breaks as: missing-shared-library
# psycopg2 was compiled against libpq in the builder, and the slim image has none.
ARG PYTHON_VERSION=3.11
FROM python:${PYTHON_VERSION} AS builder
WORKDIR /src
COPY requirements.txt .
RUN pip install --no-cache-dir --prefix=/install -r requirements.txt

FROM python:${PYTHON_VERSION}-slim
COPY --from=builder /install /usr/local
WORKDIR /app
COPY app.py .
USER 10001
EXPOSE 5000
CMD ["gunicorn", "--bind=0.0.0.0:5000", "--worker-tmp-dir=/tmp", "app:app"]
