FROM python:3.11 AS builder
WORKDIR /app
COPY sample_app/requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY sample_app sample_app/

FROM python:3.11-slim
WORKDIR /app
COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages
COPY --from=builder /app /app
EXPOSE 5000
CMD ["python", "-m", "sample_app.serve"]
