# Breaks as: service-missing
# It waits for a host that no service of the compose file has: the name was changed there, and not here.
ARG PYTHON_VERSION=3.11
FROM python:${PYTHON_VERSION}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY app.py .
USER 10001
EXPOSE 5000
CMD ["sh", "-c", "DATABASE_URL=postgresql://shop:shop@postgres/shop exec gunicorn --bind=0.0.0.0:5000 --worker-tmp-dir=/tmp app:app"]
