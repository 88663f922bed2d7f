# Breaks as: python-version-mismatch
# The packages go to where another Python would look for them. It happens when one stage
# moves to a new Python, and the other, or a path that names the version, stays behind.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION} AS builder
WORKDIR /build
COPY requirements.txt .
RUN pip install --no-cache-dir --prefix=/install -r requirements.txt

FROM python:${PYTHON_VERSION}-slim
COPY --from=builder /install/lib/python3.11/site-packages /usr/local/lib/python3.9/site-packages
WORKDIR /app
COPY . sample_app/
EXPOSE 5000
CMD ["python", "-m", "sample_app.serve"]
