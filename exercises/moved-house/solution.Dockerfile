FROM python:3.11 AS builder
WORKDIR /build
RUN python -m venv --without-pip /opt/venv
COPY sample_app/requirements.txt .
RUN pip --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt

FROM python:3.11-slim
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
COPY sample_app sample_app/
EXPOSE 5000
CMD ["gunicorn", "--bind=0.0.0.0:5000", "sample_app.wsgi:app"]
