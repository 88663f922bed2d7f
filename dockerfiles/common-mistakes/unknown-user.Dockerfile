# Breaks as: unknown-user
# The user was made in the builder; the last stage has never heard of it.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION} AS builder
WORKDIR /build
RUN useradd --uid 10001 app && python -m venv --without-pip /opt/venv
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt

FROM python:${PYTHON_VERSION}-slim
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY . sample_app/
EXPOSE 5000
USER app
CMD ["gunicorn", "--bind=0.0.0.0:5000", "sample_app.wsgi:app"]
