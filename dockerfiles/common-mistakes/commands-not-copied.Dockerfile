# Breaks as: executable-not-found
# The packages are taken along, their commands are not: pip put `gunicorn` into
# /usr/local/bin, beside Python, and not into site-packages.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS builder
WORKDIR /build
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

FROM python:${PYTHON_VERSION}-slim
COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
WORKDIR /app
COPY . sample_app/
EXPOSE 5000
CMD ["gunicorn", "--bind=0.0.0.0:5000", "sample_app.wsgi:app"]
