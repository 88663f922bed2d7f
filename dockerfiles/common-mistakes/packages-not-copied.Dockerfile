# Breaks as: missing-python-module
# The mistake of most tutorials: pip installed the packages into the builder's Python, and
# only the app's folder is taken along. The image is smaller by exactly what it lacks.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS builder
WORKDIR /app
COPY . sample_app/
RUN pip install --no-cache-dir -r sample_app/requirements.txt

FROM python:${PYTHON_VERSION}-slim
WORKDIR /app
COPY --from=builder /app /app
EXPOSE 5000
CMD ["python", "-m", "sample_app.serve"]
