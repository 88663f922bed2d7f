# Breaks as: moved-virtualenv
# A virtual environment cannot be moved: its commands begin with the full path of its
# Python, "#!/build/venv/bin/python", and that path does not exist in the last stage.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION} AS builder
WORKDIR /build
RUN python -m venv --without-pip /build/venv
COPY requirements.txt .
RUN pip --python /build/venv/bin/python install --no-cache-dir -r requirements.txt

FROM python:${PYTHON_VERSION}-slim
COPY --from=builder /build/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY . sample_app/
EXPOSE 5000
CMD ["gunicorn", "--bind=0.0.0.0:5000", "sample_app.wsgi:app"]
