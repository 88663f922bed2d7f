# Works: the same app with none of the mistakes that its neighbours here show, one each.

ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION} AS builder
WORKDIR /build
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt .
RUN pip --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt

FROM python:${PYTHON_VERSION}-slim
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY . sample_app/
EXPOSE 5000
USER 10001
CMD ["gunicorn", "--bind=0.0.0.0:5000", "sample_app.wsgi:app"]
