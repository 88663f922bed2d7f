# Breaks as: missing-shared-library
# psycopg2 is compiled against PostgreSQL's library. The full image has that, the slim one
# has not, and what pip installed is only the Python side of it.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION} AS builder
WORKDIR /build
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt psycopg2==2.9.10

FROM python:${PYTHON_VERSION}-slim
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY . sample_app/
EXPOSE 5000
CMD ["python", "-c", "import psycopg2; from sample_app.serve import main; main()"]
