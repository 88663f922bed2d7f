FROM python:3.11 AS builder
WORKDIR /app
COPY sample_app/requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

FROM python:3.11-slim
WORKDIR /app
COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=builder /usr/local/bin/gunicorn /usr/local/bin/gunicorn
COPY sample_app sample_app/
EXPOSE 5000
CMD ["gunicorn", "--bind=0.0.0.0:5000", "sample_app.wsgi:app"]
